/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import io.mpilock.transport.Communicator;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.NodeWindow;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * Writes down what a controller tells its transport: a real communicator, whose windows and
 * messengers are the real ones, too.
 */
public final class Recorded {
  private static final Set<String> WRITTEN_DOWN =
      Set.of("lost", "leaving", "allocate", "free", "close");

  private final List<String> calls = new CopyOnWriteArrayList<>();
  private volatile Consumer<String> before = call -> {};

  /** An empty record. */
  public Recorded() {}

  /**
   * What was called, such as {@code lost 3} or {@code NodeWindow.free}, in that order.
   *
   * @return a copy
   */
  public List<String> calls() {
    return List.copyOf(calls);
  }

  /**
   * Does something before each call, also those that are not written down; what it throws is thrown
   * by the call.
   *
   * @param action gets the method's name with its interface's, such as {@code Messenger.receive}
   */
  public void before(Consumer<String> action) {
    before = action;
  }

  /**
   * Records from now on.
   *
   * @param real what does it
   * @return to be used in its place
   */
  public Communicator of(Communicator real) {
    return of(Communicator.class, real);
  }

  private <T> T of(Class<T> type, T real) {
    Object proxy =
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> {
              String name = method.getName();
              before.accept(type.getSimpleName() + "." + name);
              if (WRITTEN_DOWN.contains(name)) {
                calls.add(
                    type.equals(Communicator.class)
                        ? String.join(" ", name, arguments == null ? "" : text(arguments)).strip()
                        : type.getSimpleName() + "." + name);
              }
              Object result;
              try {
                result = method.invoke(real, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
              return switch (result) {
                case NodeWindow window -> of(NodeWindow.class, window);
                case Messenger messenger -> of(Messenger.class, messenger);
                case null, default -> result;
              };
            });
    return type.cast(proxy);
  }

  private static String text(Object[] arguments) {
    return String.join(" ", Arrays.stream(arguments).map(String::valueOf).toList());
  }
}
