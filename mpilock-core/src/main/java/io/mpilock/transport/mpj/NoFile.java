/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.io.InputStream;

/**
 * Stands for the configuration file that MPJ Express reads in Init, see {@link MpjClassLoader}: it
 * is empty. Without its installation MPJ Express would print a stack trace about it. Public because
 * MPJ Express' classes see it from another class loader; not an API.
 *
 * @since 0.1.0
 */
public final class NoFile extends InputStream {

  /**
   * Stands for {@code new FileInputStream}.
   *
   * @param name not used
   */
  public NoFile(String name) {}

  @Override
  public int read() {
    return -1;
  }
}
