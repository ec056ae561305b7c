/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.ControllerOptions;
import io.mpilock.spring.report.LockReport;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationPropertiesBindHandlerAdvisor;
import org.springframework.boot.context.properties.bind.validation.ValidationBindHandler;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.Errors;
import org.springframework.validation.Validator;

/**
 * Checks what the types of {@link MpilockProperties} do not say. It is no bean, and neither is a
 * record that validates itself: an application may inject its own {@link Validator} by that type.
 */
final class MpilockPropertiesValidator implements Validator {
  private static final DataSize SMALLEST_WINDOW = DataSize.ofMegabytes(1);
  private static final DataSize LARGEST_WINDOW = DataSize.ofTerabytes(1);

  /** Has Boot check the properties when it binds them, and tell the origin of a bad one. */
  @Configuration(proxyBeanMethods = false)
  static class AtBinding {

    @Bean
    static ConfigurationPropertiesBindHandlerAdvisor mpilockPropertiesValidation() {
      return handler -> new ValidationBindHandler(handler, new MpilockPropertiesValidator());
    }
  }

  @Override
  public boolean supports(Class<?> type) {
    return type == MpilockProperties.class;
  }

  /** The master is not checked here: only MPI knows the ranks. */
  @Override
  public void validate(Object target, Errors errors) {
    MpilockProperties properties = (MpilockProperties) target;
    if (properties.transport().isBlank()) {
      errors.rejectValue("transport", "NotBlank", "must not be blank");
    }
    if (properties.expectedRanks() < 0) {
      errors.rejectValue("expectedRanks", "PositiveOrZero", "must not be negative");
    }
    if (properties.handoverLimit() < 0) {
      errors.rejectValue("handoverLimit", "PositiveOrZero", "must not be negative");
    }
    if (!properties.stallWarning().isPositive()) {
      errors.rejectValue("stallWarning", "Positive", "must be positive");
    }
    if (properties.shutdownTimeout().isNegative()) {
      errors.rejectValue("shutdownTimeout", "PositiveOrZero", "must not be negative");
    }
    if (!properties.heartbeatTimeout().isPositive()) {
      errors.rejectValue("heartbeatTimeout", "Positive", "must be positive");
    }
    if (!properties.mpj().timeout().isPositive()) {
      errors.rejectValue("mpj.timeout", "Positive", "must be positive");
    }
    if (properties.metrics().maxResources() < 0) {
      errors.rejectValue("metrics.maxResources", "PositiveOrZero", "must not be negative");
    }
    if (properties.integration().stripes() < 0) {
      errors.rejectValue("integration.stripes", "PositiveOrZero", "must not be negative");
    }
    if (!properties.batch().outcomeTimeout().isPositive()) {
      errors.rejectValue("batch.outcomeTimeout", "Positive", "must be positive");
    }
    rejectTooLong(errors, "stallWarning", properties.stallWarning());
    rejectTooLong(errors, "shutdownTimeout", properties.shutdownTimeout());
    rejectTooLong(errors, "heartbeatTimeout", properties.heartbeatTimeout());
    rejectTooLong(errors, "mpj.timeout", properties.mpj().timeout());
    rejectTooLong(errors, "batch.outcomeTimeout", properties.batch().outcomeTimeout());
    if (properties.report().events() < 0 || properties.report().events() > LockReport.MOST_EVENTS) {
      errors.rejectValue("report.events", "Range", "must be from 0 to " + LockReport.MOST_EVENTS);
    }
    DataSize window = properties.windowSize();
    if (window != null && window.compareTo(SMALLEST_WINDOW) < 0) {
      errors.rejectValue("windowSize", "Min", "must be at least 1MB");
    }
    if (window != null && window.compareTo(LARGEST_WINDOW) > 0) {
      errors.rejectValue("windowSize", "Max", "must be at most 1TB");
    }
    properties
        .resources()
        .forEach((name, resource) -> {
          Duration timeout = resource.timeout();
          if (timeout != null && timeout.isNegative()) {
            errors.rejectValue(
                "resources",
                "PositiveOrZero",
                "must have no negative timeout, but that of '%s' is %s".formatted(name, timeout));
          }
          if (timeout != null && timeout.compareTo(ControllerOptions.LONGEST_DURATION) > 0) {
            errors.rejectValue(
                "resources",
                "Max",
                "must have no timeout of more than %d days, but that of '%s' is %s"
                    .formatted(ControllerOptions.LONGEST_DURATION.toDays(), name, timeout));
          }
        });
    try {
      ControllerOptions _ = ControllerOptions.defaults().withShareAllow(properties.share().allow());
    } catch (IllegalArgumentException e) {
      errors.rejectValue("share.allow", "Pattern", String.valueOf(e.getMessage()));
    }
  }

  private static void rejectTooLong(Errors errors, String field, Duration duration) {
    if (duration.compareTo(ControllerOptions.LONGEST_DURATION) > 0) {
      errors.rejectValue(
          field,
          "Max",
          "must be at most %d days".formatted(ControllerOptions.LONGEST_DURATION.toDays()));
    }
  }
}
