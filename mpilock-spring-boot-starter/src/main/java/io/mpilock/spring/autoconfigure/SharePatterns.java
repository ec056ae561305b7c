/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import java.util.List;
import java.util.stream.Stream;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.boot.autoconfigure.AutoConfigurationPackages;

/** Puts together which classes may be shared. */
final class SharePatterns {
  private SharePatterns() {}

  static List<String> applicationPackages(BeanFactory beanFactory) {
    return AutoConfigurationPackages.has(beanFactory)
        ? AutoConfigurationPackages.get(beanFactory)
        : List.of();
  }

  static List<String> of(List<String> configured, List<String> applicationPackages) {
    Stream<String> own =
        applicationPackages.stream()
            .filter(name -> !name.isEmpty()) // the default package would allow every class
            .map(name -> name + ".**");
    return Stream.concat(configured.stream(), own).distinct().toList();
  }
}
