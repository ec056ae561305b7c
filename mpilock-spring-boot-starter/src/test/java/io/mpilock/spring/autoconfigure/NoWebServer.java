/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import org.springframework.boot.WebApplicationType;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/**
 * A web server is on the class path for one test. The applications of the others have none, as if
 * it were not there.
 */
@Order(Ordered.HIGHEST_PRECEDENCE)
final class NoWebServer implements WebApplicationType.Deducer {

  @Override
  public WebApplicationType deduceWebApplicationType() {
    return WebApplicationType.NONE;
  }
}
