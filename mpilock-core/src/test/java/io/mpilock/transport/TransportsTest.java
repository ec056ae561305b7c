/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.Launcher.Kind;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class TransportsTest {
  private static final Launcher MANY = new Launcher(Kind.OPEN_MPI, 1, 4, 1);
  private static final Launcher ONE = new Launcher(Kind.OPEN_MPI, 0, 1, 0);
  private static final Launcher UNKNOWN = new Launcher(Kind.PMIX, 0, -1, -1);

  private final Map<String, Transport> transports = new LinkedHashMap<>();

  TransportsTest() {
    transports.put("native", new Named("native", null));
    transports.put("local", new Named("local", null));
  }

  @Test
  void autoIsLocalWithoutALauncher() {
    assertThat(open("auto", null)).isEqualTo("local");
  }

  @Test
  void autoIsNativeUnderALauncher() {
    assertThat(open("auto", MANY)).isEqualTo("native");
    assertThat(open("auto", ONE)).isEqualTo("native");
    assertThat(open("auto", UNKNOWN)).isEqualTo("native");
  }

  @Test
  void theNameIsTakenAsItIsMeant() {
    assertThat(open(" Native ", null)).isEqualTo("native");
    assertThat(open("AUTO", null)).isEqualTo("local");
  }

  @Test
  void autoIsNeverSilentlyLocalWhereOthersWereStarted() {
    failNative(Problem.NO_MPI_LIBRARY);
    assertThat(failure("auto", MANY).problem()).isEqualTo(Problem.NO_MPI_LIBRARY);
    assertThat(failure("auto", UNKNOWN).problem()).isEqualTo(Problem.NO_MPI_LIBRARY);
  }

  @Test
  void aJobOfOneRankCanDoWithoutMpi() {
    failNative(Problem.NO_MPI_LIBRARY);
    assertThat(open("auto", ONE)).isEqualTo("local");
    failNative(Problem.NATIVE_ACCESS_DENIED);
    assertThat(open("auto", ONE)).isEqualTo("local");
  }

  @Test
  void aJobOfOneRankHearsOfWhatIsNotMissingButBroken() {
    failNative(Problem.THREAD_LEVEL);
    assertThat(failure("auto", ONE).problem()).isEqualTo(Problem.THREAD_LEVEL);
  }

  @Test
  void localIsRefusedWhereOthersWereStarted() {
    StartupException e = failure("local", MANY);
    assertThat(e.problem()).isEqualTo(Problem.LAUNCHER_IGNORED);
    assertThat(e).hasMessageContaining("rank 1 of 4").hasMessageContaining("mpirun");
    assertThat(failure("local", UNKNOWN).problem()).isEqualTo(Problem.LAUNCHER_IGNORED);
  }

  @Test
  void localIsGivenToAJobOfOneRank() {
    assertThat(open("local", ONE)).isEqualTo("local");
    assertThat(open("local", null)).isEqualTo("local");
  }

  @Test
  void anUnknownNameIsAnsweredWithThoseThatExist() {
    StartupException e = failure("infiniband", null);
    assertThat(e.problem()).isEqualTo(Problem.NO_SUCH_TRANSPORT);
    assertThat(e).hasMessageContaining("infiniband").hasMessageContaining("native, local");
  }

  @Test
  void mpjIsForWhoeverAsksAndForRanksThatWereStartedByHand() {
    transports.put("mpj", new Named("mpj", null));
    assertThat(open("mpj", MANY)).isEqualTo("mpj");
    assertThat(open("auto", new Launcher(Kind.BY_HAND, 1, 2, -1))).isEqualTo("mpj");
    assertThat(open("auto", new Launcher(Kind.BY_HAND, 0, 1, -1))).isEqualTo("local");
    assertThat(failure("local", new Launcher(Kind.BY_HAND, 1, 2, -1)).problem())
        .isEqualTo(Problem.LAUNCHER_IGNORED);
  }

  @Test
  void transportsAreFoundWhateverTheContextClassLoader() {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    try {
      thread.setContextClassLoader(null);
      TransportSettings settings = new TransportSettings(null, null, Duration.ofSeconds(1));
      StartupException e =
          catchThrowableOfType(StartupException.class, () -> Transports.open("nowhere", settings));
      assertThat(e).hasMessageContaining("native");
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  private void failNative(Problem problem) {
    transports.put("native", new Named("native", problem));
  }

  private String open(String name, @Nullable Launcher launcher) {
    TransportSettings settings = new TransportSettings(launcher, null, Duration.ofSeconds(1));
    return Transports.open(name, settings, transports).description();
  }

  private StartupException failure(String name, @Nullable Launcher launcher) {
    return catchThrowableOfType(StartupException.class, () -> open(name, launcher));
  }

  /** A transport whose communicators only know its name. */
  private record Named(String name, @Nullable Problem problem) implements Transport {
    @Override
    public Communicator world(TransportSettings settings) {
      if (problem != null) {
        throw new StartupException(problem, "It does not work.", "Do without.");
      }
      return (Communicator)
          Proxy.newProxyInstance(
              Communicator.class.getClassLoader(),
              new Class<?>[] {Communicator.class},
              (proxy, method, arguments) -> name);
    }
  }
}
