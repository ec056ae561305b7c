/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.mpilock.failure.ShareException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.testing.Silent;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Errors where only exceptions are expected, and exceptions whose own methods fail. */
@ExtendWith(Silent.class)
@Timeout(120)
@SuppressWarnings({"OverrideThrowableToString", "ToStringReturnsNull"}) // what users may write
class ThrowablesTest {
  private static final Duration SOON = Duration.ofSeconds(60);

  /** Throws in each of its calls. */
  private record Broken(Supplier<Error> failure) implements LockListener {
    @Override
    public void requested(String resource, LockMode mode) {
      throw failure.get();
    }

    @Override
    public void granted(String resource, LockMode mode, long waitNanos, boolean contended) {
      throw failure.get();
    }

    @Override
    public void released(String resource, LockMode mode, long holdNanos) {
      throw failure.get();
    }

    @Override
    public void timedOut(String resource, LockMode mode, long waitNanos) {
      throw failure.get();
    }

    @Override
    public void failed(String resource, LockMode mode, long waitNanos, Throwable failed) {
      throw failure.get();
    }

    @Override
    public void singleWrite(
        String resource, boolean writer, long nanos, long bytes, @Nullable Throwable failed) {
      throw failure.get();
    }

    @Override
    public void stalled(String resource, String report) {
      throw failure.get();
    }
  }

  static Stream<Arguments> errors() {
    return Stream.of(
        Arguments.argumentSet("Error", (Supplier<Error>) () -> new Error("on purpose")),
        Arguments.argumentSet("no stack", (Supplier<Error>) StackOverflowError::new),
        Arguments.argumentSet("no memory", (Supplier<Error>) OutOfMemoryError::new),
        Arguments.argumentSet(
            "text that throws",
            (Supplier<Error>)
                () ->
                    new Error() {
                      @Override
                      public String toString() {
                        throw new Error("no text");
                      }
                    }));
  }

  @ParameterizedTest
  @MethodSource("errors")
  void aListenerThatThrowsAnErrorHoldsNothing(Supplier<Error> failure) throws Exception {
    LocalRanks.run(
        2,
        controller -> {
          controller.addListener(new Broken(failure));
          for (int i = 0; i < 3; i++) {
            controller.write(SOON).close();
            controller.read(SOON).close();
            controller.tryRead().ifPresent(ReadLease::close);
            controller.tryWrite().ifPresent(WriteLease::close);
          }
          String shared = controller.singleWrite(() -> "shared");
          assertThat(shared).isEqualTo("shared");
        });
  }

  /** An exception of which a method does something else. */
  static class Hostile extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private static Hostile printing(Runnable print) {
    return new Hostile() {
      @Override
      public void printStackTrace(PrintWriter out) {
        print.run();
      }

      @Override
      public void printStackTrace(PrintStream out) {
        print.run();
      }
    };
  }

  static List<Arguments> hostile() {
    Hostile message =
        new Hostile() {
          @Override
          public String getMessage() {
            throw new IllegalStateException("no message");
          }
        };
    Hostile error =
        new Hostile() {
          @Override
          public String getMessage() {
            throw new StackOverflowError();
          }
        };
    Hostile text =
        new Hostile() {
          @Override
          public String toString() {
            throw new Error("no text");
          }
        };
    Hostile nothing =
        new Hostile() {
          @Override
          @SuppressWarnings("NullAway") // that is the point
          public String toString() {
            return null;
          }
        };
    Hostile cause =
        new Hostile() {
          @Override
          public synchronized Throwable getCause() {
            throw new Error("no cause");
          }
        };
    Hostile endless =
        new Hostile() {
          @Override
          public synchronized Throwable getCause() {
            return new IllegalArgumentException("one more", new Hostile().initCause(this));
          }
        };
    Hostile fresh =
        new Hostile() {
          @Override
          public synchronized Throwable getCause() {
            return new Endless();
          }
        };
    Hostile cycle = new Hostile();
    cycle.initCause(new IllegalArgumentException("half of it", cycle));
    return List.of(
        Arguments.argumentSet("getMessage throws", message),
        Arguments.argumentSet("getMessage overflows", error),
        Arguments.argumentSet("toString throws", text),
        Arguments.argumentSet("toString gives null", nothing),
        Arguments.argumentSet("getCause throws", cause),
        Arguments.argumentSet("causes lead in a cycle", cycle),
        Arguments.argumentSet("causes meet again", endless),
        Arguments.argumentSet("causes have no end", fresh),
        Arguments.argumentSet(
            "printStackTrace throws",
            printing(() -> {
              throw new Error("no stack trace");
            })),
        Arguments.argumentSet("printStackTrace prints nothing", printing(() -> {})));
  }

  /** Its cause is always another. */
  private static final class Endless extends Hostile {
    private static final long serialVersionUID = 1L;

    @Override
    public synchronized Throwable getCause() {
      return new Endless();
    }
  }

  @ParameterizedTest
  @MethodSource("hostile")
  void anExceptionIsToldWhateverItsMethodsDo(Hostile hostile) throws Exception {
    LocalRanks.run(
        2,
        controller -> {
          Throwable failure =
              catchThrowable(() ->
                  controller.singleWrite(() -> {
                    throw hostile;
                  }));
          if (controller.isMaster()) {
            assertThat(failure).isSameAs(hostile);
          } else {
            assertThat(failure).isInstanceOf(SingleWriteFailedException.class);
            assertThat(failure.getMessage()).contains(hostile.getClass().getName());
          }
          String shared = controller.singleWrite(() -> "still");
          assertThat(shared).isEqualTo("still");
          controller.write(SOON).close();
        });
  }

  @ParameterizedTest
  @MethodSource("errors")
  void anErrorInACodecIsToldToEveryRank(Supplier<Error> failure) throws Exception {
    ShareCodec broken =
        new ShareCodec() {
          @Override
          public void encode(@Nullable Object value, java.io.OutputStream out) {
            throw failure.get();
          }

          @Override
          public @Nullable Object decode(java.io.InputStream in) {
            return null;
          }
        };
    LocalRanks.run(
        2,
        ControllerOptions.defaults().withShareCodec(broken),
        controller -> {
          for (int writer = 0; writer < 2; writer++) {
            int rank = writer;
            assertThatThrownBy(() -> controller.singleWrite(rank, () -> "x"))
                .isInstanceOfAny(
                    Error.class, ShareException.class, SingleWriteFailedException.class);
          }
          controller.write(SOON).close();
        });
  }
}
