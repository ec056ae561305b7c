/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.validation.ValidationBindHandler;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.validation.BeanPropertyBindingResult;

/**
 * The {@code mpilock.*} properties with any values: what binds and is valid makes options, and what
 * does not is reported by the exception that Boot analyses.
 */
public final class MpilockPropertiesFuzz {
  private static final String[] NAMES = {
    "enabled",
    "transport",
    "master",
    "fairness",
    "handover-limit",
    "stall-warning",
    "shutdown-timeout",
    "expected-ranks",
    "heartbeat-timeout",
    "on-holder-death",
    "window-size",
    "share.allow",
    "native.library",
    "mpj.rendezvous",
    "mpj.token",
    "mpj.timeout",
    "metrics.enabled",
    "batch.stop-on-shutdown",
    "on-deadlock",
  };

  private MpilockPropertiesFuzz() {}

  /** Tries an input: lines of a property's number, a letter from A, and its value. */
  public static void fuzzerTestOneInput(byte[] input) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (String line : new String(input, StandardCharsets.UTF_8).lines().toList()) {
      int name = line.isEmpty() ? -1 : line.charAt(0) - 'A';
      if (name >= 0 && name < NAMES.length) {
        values.put("mpilock." + NAMES[name], line.substring(1));
      }
    }
    MpilockProperties properties;
    try {
      properties =
          new Binder(new MapConfigurationPropertySource(values))
              .bindOrCreate(
                  "mpilock", Bindable.of(MpilockProperties.class), new ValidationBindHandler());
    } catch (BindException e) {
      return;
    }
    BeanPropertyBindingResult errors = new BeanPropertyBindingResult(properties, "mpilock");
    new MpilockPropertiesValidator().validate(properties, errors);
    if (!errors.hasErrors()) {
      properties.toOptions(List.of("com.acme"));
      properties.mpj().toSettings();
    }
  }
}
