/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.share;

import java.io.ObjectInputFilter;
import java.util.ArrayList;
import java.util.List;

/** Which classes may travel: values of the JDK, and what the application allows. */
final class AllowList {

  /** Value-like packages of java.base; nothing that reflects, opens or runs. */
  private static final List<String> JAVA =
      List.of(
          "java.lang.Boolean",
          "java.lang.Byte",
          "java.lang.Character",
          "java.lang.Short",
          "java.lang.Integer",
          "java.lang.Long",
          "java.lang.Float",
          "java.lang.Double",
          "java.lang.Number",
          "java.lang.String",
          "java.lang.Enum",
          "java.lang.Record",
          "java.lang.Object",
          "java.lang.Throwable",
          "java.lang.Exception",
          "java.lang.RuntimeException",
          "java.lang.StackTraceElement",
          "java.math.*",
          "java.net.URI",
          "java.time.**",
          "java.util.*",
          "java.util.concurrent.*",
          "java.util.concurrent.atomic.*",
          Held.class.getName(),
          Records.Shape.class.getName(),
          Records.Taken.class.getName());

  private final ObjectInputFilter filter;

  AllowList(List<String> allow) {
    List<String> patterns = new ArrayList<>(JAVA);
    patterns.addAll(allow);
    patterns.add("!*");
    this.filter = ObjectInputFilter.Config.createFilter(String.join(";", patterns));
  }

  /** Whether what is read is refused. */
  boolean refuses(ObjectInputFilter.FilterInfo info) {
    return filter.checkInput(info) == ObjectInputFilter.Status.REJECTED;
  }

  /** Whether a class is refused. */
  boolean refuses(Class<?> type) {
    return refuses(new OnlyClass(type));
  }

  /** Says why a class is refused, and what to do. */
  static String reason() {
    return "it is not on the allow-list; to share it, add its class to mpilock.share.allow"
        + " (ControllerOptions.shareAllow)";
  }

  /** Asks the filter about a class alone. */
  private record OnlyClass(Class<?> serialClass) implements ObjectInputFilter.FilterInfo {
    @Override
    public long arrayLength() {
      return -1;
    }

    @Override
    public long depth() {
      return 1;
    }

    @Override
    public long references() {
      return 1;
    }

    @Override
    public long streamBytes() {
      return 0;
    }
  }
}
