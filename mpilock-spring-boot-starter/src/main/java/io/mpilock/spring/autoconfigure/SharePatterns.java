package io.mpilock.spring.autoconfigure;

import java.util.List;
import java.util.stream.Stream;

/** Puts together which classes may be shared. */
final class SharePatterns {
  private SharePatterns() {}

  static List<String> of(List<String> configured, List<String> applicationPackages) {
    Stream<String> own =
        applicationPackages.stream()
            .filter(name -> !name.isEmpty()) // the default package would allow every class
            .map(name -> name + ".**");
    return Stream.concat(configured.stream(), own).distinct().toList();
  }
}
