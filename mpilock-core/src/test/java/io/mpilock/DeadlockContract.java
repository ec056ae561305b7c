/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.DeadlockException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.testing.Ranks;
import io.mpilock.testing.SharedWords;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * A gallery of cycles of waits, on any transport: each ends within seconds, by one request, whose
 * failure names the others; and no wait ends that is in none.
 */
public abstract class DeadlockContract {
  private static final Executor THREADS = body -> Thread.ofPlatform().name("actor").start(body);

  /** Words that all actors share: how many hold, were granted, failed, and timed out. */
  private static final int HOLD = 0;

  private static final int GRANTED = 1;
  private static final int FAILED = 2;
  private static final int TIMED_OUT = 3;

  /** From here on, whether an actor is about to ask. */
  private static final int ASKED = 8;

  private static final int WORDS = 64;

  /** The ranks to run on. */
  protected abstract Ranks ranks();

  /** One thread: what it holds, and asks for then. */
  private record Actor(String holds, boolean writes, String wants, boolean toWrite, long seconds) {
    Actor(String holds, boolean writes, String wants, boolean toWrite) {
      this(holds, writes, wants, toWrite, 0);
    }

    private AutoCloseable take(WindowController controller, String name, boolean write) {
      ResourceLock lock = controller.resource(name);
      if (seconds == 0) {
        return write ? lock.write() : lock.read();
      }
      Duration time = Duration.ofSeconds(seconds);
      return write ? lock.write(time) : lock.read(time);
    }
  }

  /**
   * Each actor holds; when all do, each asks, some time after the one before it. Actors are dealt
   * out to the ranks in turn.
   */
  private void play(
      Duration late, SharedWords words, WindowController controller, Actor... actors) {
    List<CompletableFuture<?>> running = new ArrayList<>();
    for (int number = controller.rank(); number < actors.length; number += controller.size()) {
      int mine = number;
      running.add(
          CompletableFuture.runAsync(
              () -> play(actors[mine], actors.length, mine, late, words, controller), THREADS));
    }
    running.forEach(CompletableFuture::join);
    LockContract.barrier(controller);
  }

  private static void count(WindowController controller, SharedWords words, int index) {
    try (WriteLease write = controller.resource("count").write()) {
      words.increment(index);
    }
  }

  private static void play(
      Actor actor,
      int actors,
      int number,
      Duration late,
      SharedWords words,
      WindowController controller) {
    try (AutoCloseable first =
        actor.holds.isEmpty() ? () -> {} : actor.take(controller, actor.holds, actor.writes)) {
      count(controller, words, HOLD);
      while (words.get(HOLD) < actors) {
        Thread.sleep(1);
      }
      while (number > 0 && words.get(ASKED + number - 1) == 0) {
        Thread.sleep(1);
      }
      Thread.sleep(late); // the last one's request is the latest
      words.set(ASKED + number, 1);
      try (AutoCloseable second = actor.take(controller, actor.wants, actor.toWrite)) {
        count(controller, words, GRANTED);
      } catch (DeadlockException e) {
        count(controller, words, FAILED);
        assertThat(e).hasMessageContaining("and waits for the");
        assertThat(e).hasMessageContaining("'" + actor.wants + "'");
        assertThat(e).hasMessageContaining("'" + actor.holds + "'");
      } catch (LockTimeoutException e) {
        count(controller, words, TIMED_OUT);
      }
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private void oneFails(String test, Actor... actors) throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words(test, WORDS);
          play(Duration.ofMillis(100), words, controller, actors);
          assertThat(words.get(FAILED)).isEqualTo(1);
          assertThat(words.get(GRANTED)).isEqualTo(actors.length - 1);
        });
  }

  @Test
  void twoWritesInTwoOrders() throws Exception {
    oneFails("two", new Actor("a", true, "b", true), new Actor("b", true, "a", true));
  }

  @Test
  void fiveWritesInARing() throws Exception {
    Actor[] actors = new Actor[5];
    for (int i = 0; i < actors.length; i++) {
      actors[i] = new Actor("r" + i, true, "r" + (i + 1) % actors.length, true);
    }
    oneFails("five", actors);
  }

  @Test
  void readsAgainstWrites() throws Exception {
    oneFails("reads", new Actor("a", false, "b", true), new Actor("b", false, "a", true));
  }

  @Test
  void writesAgainstReads() throws Exception {
    oneFails("writes", new Actor("a", true, "b", false), new Actor("b", true, "a", false));
  }

  @Test
  void aReaderBehindAWriterThatWaitsForAReader() throws Exception {
    oneFails(
        "behind",
        new Actor("", false, "a", true),
        new Actor("a", false, "b", true),
        new Actor("b", true, "a", false));
  }

  @Test
  void threadsBehindOthersOfTheirRank() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("behind others", WORDS);
          List<Actor> actors = new ArrayList<>();
          for (int i = 0; i < 2 * controller.size(); i++) {
            actors.add(new Actor("", false, "b", true)); // in line before those of the cycle
          }
          actors.add(new Actor("a", true, "b", true));
          actors.add(new Actor("b", true, "a", true));
          play(Duration.ofMillis(100), words, controller, actors.toArray(Actor[]::new));
          assertThat(words.get(FAILED)).isEqualTo(1);
          assertThat(words.get(GRANTED)).isEqualTo(actors.size() - 1);
        });
  }

  @Test
  void aTimedWaitEndsByItself() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("timed", WORDS);
          play(
              Duration.ofMillis(100),
              words,
              controller,
              new Actor("a", true, "b", true, 3),
              new Actor("b", true, "a", true));
          assertThat(words.get(FAILED)).isZero();
          assertThat(words.get(TIMED_OUT)).isEqualTo(1);
          assertThat(words.get(GRANTED)).isEqualTo(1);
        });
  }

  @Test
  void aCircleThroughACollectiveCallIsTold() throws Exception {
    ranks()
        .run(controller -> {
          if (controller.size() == 1) {
            return; // nobody is waited for
          }
          SharedWords words = ranks().words("call", WORDS);
          if (controller.rank() == 0) {
            List<String> reports = new CopyOnWriteArrayList<>();
            controller.addListener(
                new JobListener() {
                  @Override
                  public void stalled(String resource, String report) {
                    reports.add(resource + ": " + report);
                    words.set(HOLD, 2);
                  }
                });
            try (WriteLease write = controller.resource("a").write()) {
              words.set(HOLD, 1);
              assertThat(controller.resource("b").singleWrite(() -> "one")).isEqualTo("one");
            }
            assertThat(reports).isNotEmpty();
            assertThat(reports.getFirst())
                .startsWith("b: Thread ")
                .contains("waits for the other ranks in the collective call of resource 'b'")
                .contains("holds the write of resource 'a'")
                .contains("has waited for the write of resource 'a'")
                .contains("unless another thread");
          } else {
            awaitWord(words, 1);
            Thread waiting = Thread.currentThread();
            Thread watching =
                Thread.ofPlatform()
                    .start(() -> {
                      awaitWord(words, 2);
                      waiting.interrupt(); // what nobody does in an application
                    });
            assertThatThrownBy(() -> controller.resource("a").write())
                .isInstanceOf(LockInterruptedException.class);
            assertThat(Thread.interrupted()).isTrue();
            watching.join();
            assertThat(controller.resource("b").singleWrite(() -> "one")).isEqualTo("one");
          }
        });
  }

  private static void awaitWord(SharedWords words, long least) {
    while (words.get(HOLD) < least) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Test
  void aLongWaitIsNoCircle() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("long", WORDS);
          Thread.sleep(controller.rank());
          try (WriteLease own = controller.resource("own-" + controller.rank()).write();
              WriteLease all = controller.resource("all").write()) {
            count(controller, words, GRANTED);
            Thread.sleep(700);
          }
          LockContract.barrier(controller);
          assertThat(words.get(GRANTED)).isEqualTo(controller.size());
        });
  }
}
