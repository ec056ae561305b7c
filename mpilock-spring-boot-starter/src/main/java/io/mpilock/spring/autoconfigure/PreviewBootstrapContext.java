/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.bootstrap.ConfigurableBootstrapContext;
import org.springframework.boot.bootstrap.DefaultBootstrapContext;

/**
 * For reading configuration that is thrown away: sees what is registered for the application, and
 * keeps what is registered meanwhile, and who wants to hear of the end, to itself. Otherwise those
 * that read configuration from elsewhere would find their second reading done already.
 */
final class PreviewBootstrapContext extends DefaultBootstrapContext {
  private final ConfigurableBootstrapContext application;

  PreviewBootstrapContext(ConfigurableBootstrapContext application) {
    this.application = application;
  }

  @Override
  public <T> boolean isRegistered(Class<T> type) {
    return super.isRegistered(type) || application.isRegistered(type);
  }

  @Override
  public <T> void registerIfAbsent(Class<T> type, InstanceSupplier<T> supplier) {
    if (!isRegistered(type)) {
      super.registerIfAbsent(type, supplier);
    }
  }

  @Override
  public <T> @Nullable InstanceSupplier<T> getRegisteredInstanceSupplier(Class<T> type) {
    return super.isRegistered(type)
        ? super.getRegisteredInstanceSupplier(type)
        : application.getRegisteredInstanceSupplier(type);
  }

  @Override
  public <T> @Nullable T get(Class<T> type) {
    return super.isRegistered(type) ? super.get(type) : application.get(type);
  }

  @Override
  public <T> @Nullable T getOrElse(Class<T> type, @Nullable T other) {
    return super.isRegistered(type)
        ? super.getOrElse(type, other)
        : application.getOrElse(type, other);
  }

  @Override
  public <T> @Nullable T getOrElseSupply(Class<T> type, Supplier<@Nullable T> other) {
    return super.isRegistered(type)
        ? super.getOrElseSupply(type, other)
        : application.getOrElseSupply(type, other);
  }

  @Override
  public <T, X extends Throwable> @Nullable T getOrElseThrow(
      Class<T> type, Supplier<? extends X> failure) throws X {
    return super.isRegistered(type)
        ? super.getOrElseThrow(type, failure)
        : application.getOrElseThrow(type, failure);
  }
}
