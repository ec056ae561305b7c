/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.mpilock.WindowController;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.StartupException;
import io.mpilock.spring.condition.ConditionalOnMaster;
import io.mpilock.spring.condition.ConditionalOnRank;
import java.time.Duration;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.config.BeanFactoryPostProcessor;
import org.springframework.boot.test.context.ConfigDataApplicationContextInitializer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;
import org.springframework.core.env.Environment;

@Timeout(120)
class RankContextRunnerTests {
  private static final int ROUNDS = 200;

  private final RankContextRunner runner = new RankContextRunner();

  /** Counts without any synchronisation of its own: only exclusion keeps it from losing updates. */
  private static final class PlainCounter {
    int value;
  }

  @Configuration(proxyBeanMethods = false)
  static class Ranked {
    @Bean
    @ConditionalOnMaster
    String ofMaster() {
      return "master";
    }

    @Bean
    @ConditionalOnRank(1)
    String ofRankOne() {
      return "rank 1";
    }

    @Bean
    @Profile("rank-1")
    String ofProfileOne() {
      return "rank-1";
    }

    @Bean
    @Profile("default")
    String ofDefault() {
      return "default";
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class FailsBeforeTheControllerOnRankOne {
    @Bean
    @ConditionalOnRank(1)
    static BeanFactoryPostProcessor failing() {
      return _ -> {
        throw new IllegalStateException("no start");
      };
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class FailsAfterTheControllerOnRankOne {
    @Bean
    @ConditionalOnRank(1)
    String failing(WindowController controller) {
      throw new IllegalStateException("no start with " + controller.size());
    }
  }

  @Test
  void theContextsOfTheRanksAreOneJob() {
    PlainCounter counter = new PlainCounter();
    Set<Integer> seen = ConcurrentHashMap.newKeySet();
    Set<Object> contexts = ConcurrentHashMap.newKeySet();
    runner
        .withRanks(4)
        .run(rank -> {
          assertThat(rank.size()).isEqualTo(4);
          assertThat(rank.locks().rank()).isEqualTo(rank.rank());
          assertThat(rank.controller().size()).isEqualTo(4);
          assertThat(rank).hasToString("rank " + rank.rank() + " of 4");
          seen.add(rank.rank());
          contexts.add(rank.context().getSourceApplicationContext());
          for (int i = 0; i < ROUNDS; i++) {
            rank.locks().writeWithoutResult(() -> counter.value++);
          }
          int writer = rank.locks().singleWrite(rank::rank);
          assertThat(writer).isZero();
        });
    assertThat(seen).containsExactlyInAnyOrder(0, 1, 2, 3);
    assertThat(contexts).hasSize(4);
    assertThat(counter.value).isEqualTo(4 * ROUNDS);
  }

  @Test
  void theControllersAreClosedTogetherWithTheContexts() {
    Queue<WindowController> controllers = new ConcurrentLinkedQueue<>();
    runner.run(rank -> controllers.add(rank.controller()));
    assertThat(controllers).hasSize(2).allMatch(WindowController::isClosed);
  }

  @Test
  void ranksAreOnTheirNodes() {
    Map<Integer, String> places = new ConcurrentHashMap<>();
    runner
        .withNodes(1, 2)
        .run(rank -> {
          Environment environment = rank.context().getEnvironment();
          int node = rank.controller().member(rank.rank()).node();
          places.put(rank.rank(), node + "/" + environment.getProperty("mpilock.local-rank"));
        });
    assertThat(places).isEqualTo(Map.of(0, "0/0", 1, "1/0", 2, "1/1"));
  }

  @Test
  void conditionsAndProfilesKnowTheRank() {
    runner
        .withRanks(3)
        .withUserConfiguration(Ranked.class)
        .withPropertyValues("mpilock.master=2")
        .run(rank -> {
          assertThat(rank.context().containsBean("ofMaster")).isEqualTo(rank.rank() == 2);
          assertThat(rank.context().containsBean("ofRankOne")).isEqualTo(rank.rank() == 1);
          assertThat(rank.context().containsBean("ofProfileOne")).isEqualTo(rank.rank() == 1);
          assertThat(rank.context()).hasBean("ofDefault");
          assertThat(rank.locks().master()).isEqualTo(2);
        });
    runner
        .withUserConfiguration(Ranked.class)
        .withPropertyValues("spring.profiles.active=dev")
        .run(rank -> {
          assertThat(rank.context().getEnvironment().getActiveProfiles())
              .contains("rank-" + rank.rank(), "dev");
          assertThat(rank.context()).doesNotHaveBean("ofDefault");
        });
    runner
        .withPropertyValues("mpilock.profiles.enabled=false")
        .run(rank -> assertThat(rank.context().getEnvironment().getActiveProfiles()).isEmpty());
  }

  @Test
  void bootsInitializerReadsTheFilesOfTheProfiles() {
    runner
        .with(each -> each.withInitializer(new ConfigDataApplicationContextInitializer()))
        .withPropertyValues("spring.config.location=classpath:/ranks/")
        .run(rank -> {
          Environment environment = rank.context().getEnvironment();
          assertThat(environment.getProperty("of-default")).isEqualTo("read");
          assertThat(environment.containsProperty("of-master")).isEqualTo(rank.rank() == 0);
        });
  }

  @Test
  void withoutLocksTheRanksKnowTheirPlace() {
    runner
        .withPropertyValues("mpilock.enabled=false")
        .run(rank -> {
          assertThat(rank.context()).doesNotHaveBean(WindowController.class);
          assertThat(rank.locks().rank()).isEqualTo(rank.rank());
          assertThat(rank.locks().size()).isEqualTo(2);
        });
  }

  @Test
  void eachRankMakesItsOwnBean() {
    Queue<Object> made = new ConcurrentLinkedQueue<>();
    runner
        .withBean(PlainCounter.class, PlainCounter::new)
        .run(rank -> made.add(rank.context().getBean(PlainCounter.class)));
    assertThat(made).hasSize(2).doesNotHaveDuplicates();
  }

  @Test
  void theRankThatFailsIsNamedAndWhatFollowsIsSuppressed() {
    IllegalStateException reason = new IllegalStateException("own reason");
    AssertionError error =
        failureOf(
            runner.withRanks(4),
            rank -> {
              if (rank.rank() == 2) {
                throw reason;
              }
              rank.locks().singleWrite(() -> "never");
            });
    assertThat(error).hasMessageContaining("Rank 2 of 4 failed").cause().isSameAs(reason);
    assertThat(error.getSuppressed())
        .hasSize(3)
        .allSatisfy(
            other -> assertThat(other).hasMessageMatching("(?s)Rank [013] of 4 failed: .*"));
  }

  @Test
  void aContextThatDoesNotStartIsHandedOver() {
    for (Class<?> configuration :
        new Class<?>[] {
          FailsBeforeTheControllerOnRankOne.class, FailsAfterTheControllerOnRankOne.class
        }) {
      runner
          .withUserConfiguration(configuration)
          .run(rank -> {
            if (rank.rank() == 1) {
              assertThat(rank.context()).getFailure().hasStackTraceContaining("no start");
            } else if (rank.context().getStartupFailure() != null) {
              assertThat(rank.context())
                  .getFailure()
                  .hasRootCauseInstanceOf(RankFailedException.class);
            } else {
              assertThatThrownBy(() -> rank.locks().singleWrite(() -> "never"))
                  .isInstanceOf(RankFailedException.class);
            }
          });
    }
  }

  @Test
  void theReasonComesFirstWhenAContextDoesNotStart() {
    AssertionError error =
        failureOf(
            runner.withUserConfiguration(FailsBeforeTheControllerOnRankOne.class), TestRank::locks);
    assertThat(error)
        .hasMessageContaining("Rank 1 of 2 failed")
        .hasStackTraceContaining("no start");
    assertThat(error.getSuppressed()).singleElement().asString().contains("Rank 0 of 2 failed");
  }

  @Test
  void aFailureThatAllRanksHaveIsTheSameOnAll() {
    runner
        .with(each ->
            Thread.currentThread().getName().equals("rank-0")
                ? each
                : each.withPropertyValues("mpilock.fairness=phase-fair"))
        .run(rank ->
            assertThat(rank.context())
                .getFailure()
                .rootCause()
                .isInstanceOfSatisfying(
                    StartupException.class,
                    failure ->
                        assertThat(failure.problem())
                            .isEqualTo(StartupException.Problem.SETTINGS_DIFFER)));
  }

  @Test
  void aHangIsEndedWhenTheTimeIsOver() throws Exception {
    Queue<Thread> threads = new ConcurrentLinkedQueue<>();
    AssertionError error =
        failureOf(
            runner.withTimeout(Duration.ofSeconds(3)),
            rank -> {
              threads.add(Thread.currentThread());
              rank.locks().writeWithoutResult(() -> new CountDownLatch(1).await());
            });
    assertThat(error)
        .hasMessageContaining("The ranks did not end within PT3S.")
        .hasMessageContaining("Rank 0 is ")
        .hasMessageContaining("Rank 1 is ");
    for (Thread thread : threads) {
      assertThat(thread.join(Duration.ofSeconds(60))).isTrue();
    }
  }

  @Test
  void whatEachRankDoesIsToldWhenTheTestIsInterrupted() throws Exception {
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
    AtomicReference<@Nullable Boolean> interrupted = new AtomicReference<>();
    Thread test =
        Thread.ofPlatform()
            .start(() -> {
              thrown.set(
                  catchThrowable(() ->
                      runner.run(rank -> {
                        if (rank.rank() == 0) {
                          inside.countDown();
                          waitHere(never);
                        }
                      })));
              interrupted.set(Thread.interrupted());
            });
    inside.await();
    test.interrupt();
    test.join();
    assertThat(thrown.get())
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("was interrupted before its ranks ended")
        .hasMessageContaining("Rank 0 is ")
        .hasMessageContaining("Rank 1 ");
    assertThat(interrupted.get()).isTrue();
  }

  @Test
  void aReasonIsNotHiddenByTheHangThatFollows() {
    IllegalStateException reason = new IllegalStateException("own reason");
    AssertionError error =
        failureOf(
            runner.withTimeout(Duration.ofSeconds(5)),
            rank -> {
              if (rank.rank() == 1) {
                throw reason;
              }
              new CountDownLatch(1).await();
            });
    assertThat(error).cause().isSameAs(reason);
    assertThat(error.getSuppressed())
        .singleElement()
        .asString()
        .contains("did not end within", "Rank 0 is ", "Rank 1 has failed.");
  }

  @Test
  void aRankThatDiesInItsWriteIsToldToTheOthers() {
    CyclicBarrier held = new CyclicBarrier(3);
    runner
        .withRanks(3)
        .run(rank -> {
          if (rank.rank() == 1) {
            rank.locks()
                .writeWithoutResult(() -> {
                  held.await();
                  rank.die();
                });
          } else {
            held.await();
            assertThatExceptionOfType(RankFailedException.class)
                .isThrownBy(() -> rank.locks().read(() -> 0))
                .satisfies(failure -> assertThat(failure.rank()).isEqualTo(1));
          }
        });
  }

  @Test
  void aRankThatDiesIsMissedInACollectiveCall() {
    runner.run(rank -> {
      if (rank.rank() == 0) {
        rank.die();
      }
      assertThatExceptionOfType(RankFailedException.class)
          .isThrownBy(() -> rank.locks().singleWrite(() -> 0));
    });
  }

  @Test
  void aDeathOnAnotherNodeIsFoundByItsSilence() {
    runner
        .withNodes(1, 1)
        .withPropertyValues("mpilock.heartbeat-timeout=500ms")
        .run(rank -> {
          if (rank.rank() == 1) {
            rank.die();
          }
          assertThatExceptionOfType(RankFailedException.class)
              .isThrownBy(() -> rank.locks().singleWrite(() -> 0));
        });
  }

  @Test
  void aShortStallHarmsNobody() {
    runner
        .withNodes(1, 2)
        .withPropertyValues("mpilock.heartbeat-timeout=30s")
        .run(rank -> {
          rank.stall(Duration.ofMillis(20));
          int writer = rank.locks().singleWrite(rank::rank);
          assertThat(writer).isZero();
        });
  }

  @Test
  void aStallOfANodeBeyondTheHeartbeatCountsAsItsDeath() {
    CountDownLatch noticed = new CountDownLatch(1);
    runner
        .withNodes(1, 1)
        .withPropertyValues("mpilock.heartbeat-timeout=500ms")
        .run(rank -> {
          if (rank.rank() == 1) {
            while (noticed.getCount() > 0) {
              rank.stall(Duration.ofSeconds(3));
            }
          } else {
            assertThatExceptionOfType(RankFailedException.class)
                .isThrownBy(() -> rank.locks().singleWrite(() -> 0));
            noticed.countDown();
          }
        });
  }

  @Test
  void aJobHasARank() {
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> runner.withRanks(0).run(rank -> {}));
  }

  private static AssertionError failureOf(RankContextRunner runner, RankConsumer consumer) {
    AssertionError error = catchThrowableOfType(AssertionError.class, () -> runner.run(consumer));
    assertThat(error).isNotNull();
    return error;
  }

  private static void waitHere(CountDownLatch never) throws InterruptedException {
    never.await();
  }
}
