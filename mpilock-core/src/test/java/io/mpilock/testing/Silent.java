/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Turns the log of the product off for a test class whose thousands of failures are planned. */
public final class Silent implements BeforeAllCallback, AfterAllCallback {
  private final Logger logger = Logger.getLogger("io.mpilock");

  /** For JUnit. */
  public Silent() {}

  @Override
  public void beforeAll(ExtensionContext context) {
    logger.setLevel(Level.OFF);
  }

  @Override
  public void afterAll(ExtensionContext context) {
    logger.setLevel(null);
  }
}
