/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import org.jspecify.annotations.Nullable;

/**
 * Stands for all classes of log4j 1.2 that MPJ Express uses, see {@link MpjClassLoader}: it logs
 * nothing. Public because MPJ Express' classes see it from another class loader; not an API.
 *
 * @since 0.1.0
 */
public final class Quiet {
  /** Stands for a level. */
  public static final Quiet ALL = new Quiet();

  /** Stands for a level. */
  public static final Quiet OFF = ALL;

  private Quiet() {}

  /**
   * Stands for {@code Logger.getLogger}.
   *
   * @param name not used
   * @return the one instance
   */
  public static Quiet getLogger(String name) {
    return ALL;
  }

  /**
   * Stands for {@code Level.toLevel}.
   *
   * @param name not used
   * @param otherwise not used
   * @return the one instance
   */
  public static Quiet toLevel(String name, Quiet otherwise) {
    return ALL;
  }

  /**
   * Stands for {@code Logger.setLevel}; does nothing.
   *
   * @param level not used
   */
  public void setLevel(Quiet level) {}

  /**
   * Stands for {@code Logger.isDebugEnabled}.
   *
   * @return false; at this level MPJ Express calls {@code System.exit}
   */
  public boolean isDebugEnabled() {
    return false;
  }

  /**
   * Stands for {@code Logger.debug}; does nothing.
   *
   * @param message not used
   */
  public void debug(@Nullable Object message) {}

  /**
   * Stands for {@code Logger.info}; does nothing.
   *
   * @param message not used
   */
  public void info(@Nullable Object message) {}

  /**
   * Stands for {@code Logger.fatal}; does nothing.
   *
   * @param message not used
   */
  public void fatal(@Nullable Object message) {}
}
