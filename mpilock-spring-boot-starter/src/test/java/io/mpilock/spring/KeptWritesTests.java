/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.mpilock.LocalRanks;
import io.mpilock.LockListener;
import io.mpilock.LockMode;
import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.spring.annotation.LockAnnotationBeanPostProcessor;
import io.mpilock.spring.annotation.WriteLocked;
import io.mpilock.spring.integration.MpilockLockRegistry;
import io.mpilock.spring.observation.LockObservations;
import io.mpilock.spring.test.RankContextRunner;
import io.mpilock.testing.Jvm;
import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.Lock;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.batch.infrastructure.support.transaction.ResourcelessTransactionManager;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.AbstractDataSource;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionSynchronizationUtils;
import org.springframework.transaction.support.TransactionTemplate;

/** A write that is taken in a transaction lasts until that has completed. */
@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class KeptWritesTests {
  private final JdbcTransactionManager manager = new JdbcTransactionManager(h2());

  private static JdbcDataSource h2() {
    JdbcDataSource dataSource = new JdbcDataSource();
    dataSource.setUrl("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
    return dataSource;
  }

  private static TransactionTemplate transaction(
      PlatformTransactionManager manager, int propagation) {
    TransactionTemplate template = new TransactionTemplate(manager);
    template.setPropagationBehavior(propagation);
    return template;
  }

  private TransactionTemplate required() {
    return transaction(manager, TransactionDefinition.PROPAGATION_REQUIRED);
  }

  private TransactionTemplate requiresNew() {
    return transaction(manager, TransactionDefinition.PROPAGATION_REQUIRES_NEW);
  }

  /** On a rank that is alone. */
  private static void alone(LockedRunnableOf<LockTemplate> test) throws Exception {
    LocalRanks.run(1, controller -> test.run(LockTemplate.of(controller)));
  }

  @FunctionalInterface
  private interface LockedRunnableOf<T> {
    void run(T argument) throws Exception;
  }

  /** Asked by another thread. */
  private static boolean isFree(LockTemplate locks, String resource) {
    LockTemplate now = locks.on(resource).withTimeout(Duration.ZERO);
    return CompletableFuture.supplyAsync(
            () -> {
              try {
                now.writeWithoutResult(() -> {});
                return true;
              } catch (LockTimeoutException e) {
                return false;
              }
            })
        .join();
  }

  @Test
  void afterItsBodyTheWriteIsHeldUntilTheCommit() throws Exception {
    alone(locks -> {
      required()
          .executeWithoutResult(status -> {
            assertThat(locks.on("a").write(() -> 1)).isEqualTo(1);
            locks.on("b").writeWithoutResult(() -> {});
            assertThat(isFree(locks, "a")).isFalse();
            assertThat(isFree(locks, "b")).isFalse();
            assertThat(isFree(locks, "c")).isTrue();
          });
      assertThat(isFree(locks, "a")).isTrue();
      assertThat(isFree(locks, "b")).isTrue();
    });
  }

  @Test
  void orUntilTheRollbackAlsoWhenItsBodyThrew() throws Exception {
    alone(locks -> {
      List<Boolean> free = new ArrayList<>();
      required()
          .executeWithoutResult(status -> {
            status.setRollbackOnly();
            locks.on("a").writeWithoutResult(() -> {});
            free.add(isFree(locks, "a"));
          });
      LockedRunnable<IllegalStateException> failing =
          () -> {
            throw new IllegalStateException("in the body");
          };
      Throwable thrown =
          catchThrowable(() ->
              required()
                  .executeWithoutResult(status -> {
                    try {
                      locks.on("b").writeWithoutResult(failing);
                    } finally {
                      free.add(isFree(locks, "b"));
                    }
                  }));
      assertThat(thrown).hasMessage("in the body");
      assertThat(free).containsExactly(false, false);
      assertThat(isFree(locks, "a")).isTrue();
      assertThat(isFree(locks, "b")).isTrue();
    });
  }

  /** The outcome of a commit that fails is unknown. */
  @Test
  void aCommitThatFailsGivesItBack() throws Exception {
    DataSource real = h2();
    DataSource failing =
        new AbstractDataSource() {
          @Override
          public Connection getConnection() throws SQLException {
            return failingAtTheCommit(real.getConnection());
          }

          @Override
          public Connection getConnection(String user, String password) throws SQLException {
            return getConnection();
          }
        };
    alone(locks -> {
      List<Integer> outcomes = new ArrayList<>();
      TransactionTemplate template = new TransactionTemplate(new JdbcTransactionManager(failing));
      assertThatThrownBy(() ->
              template.executeWithoutResult(status -> {
                locks.on("a").writeWithoutResult(() -> {});
                assertThat(isFree(locks, "a")).isFalse();
                TransactionSynchronizationManager.registerSynchronization(
                    new TransactionSynchronization() {
                      @Override
                      public void afterCompletion(int outcome) {
                        outcomes.add(outcome);
                      }
                    });
              }))
          .hasStackTraceContaining("the connection is gone");
      assertThat(outcomes).containsExactly(TransactionSynchronization.STATUS_UNKNOWN);
      assertThat(isFree(locks, "a")).isTrue();
    });
  }

  private static Connection failingAtTheCommit(Connection real) {
    return (Connection)
        Proxy.newProxyInstance(
            KeptWritesTests.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("commit")) {
                throw new SQLException("the connection is gone");
              }
              try {
                return method.invoke(real, arguments);
              } catch (InvocationTargetException e) {
                throw e.getTargetException();
              }
            });
  }

  @Test
  void aTransactionInsideAnotherHasItsOwn() throws Exception {
    alone(locks ->
        required()
            .executeWithoutResult(outer -> {
              locks.on("outer").writeWithoutResult(() -> {});
              locks.on("both").writeWithoutResult(() -> {});
              requiresNew()
                  .executeWithoutResult(inner -> {
                    locks.on("inner").writeWithoutResult(() -> {});
                    locks.on("both").writeWithoutResult(() -> {});
                    assertThat(isFree(locks, "inner")).isFalse();
                    assertThat(isFree(locks, "outer")).isFalse();
                  });
              assertThat(isFree(locks, "inner")).isTrue();
              assertThat(isFree(locks, "both")).isFalse();
              assertThat(isFree(locks, "outer")).isFalse();
            }));
  }

  @Test
  void aSavepointIsNoTransactionOfItsOwn() throws Exception {
    alone(locks -> {
      required()
          .executeWithoutResult(outer -> {
            transaction(manager, TransactionDefinition.PROPAGATION_NESTED)
                .executeWithoutResult(inner -> {
                  inner.setRollbackOnly();
                  locks.on("a").writeWithoutResult(() -> {});
                });
            assertThat(isFree(locks, "a")).isFalse();
          });
      assertThat(isFree(locks, "a")).isTrue();
    });
  }

  @Test
  void whereThereIsNoTransactionItEndsWithItsBody() throws Exception {
    alone(locks -> {
      locks.on("a").writeWithoutResult(() -> {});
      assertThat(isFree(locks, "a")).isTrue();
      required()
          .executeWithoutResult(outer ->
              transaction(manager, TransactionDefinition.PROPAGATION_NOT_SUPPORTED)
                  .executeWithoutResult(none -> {
                    locks.on("b").writeWithoutResult(() -> {});
                    assertThat(isFree(locks, "b")).isTrue();
                  }));
      new TransactionTemplate(new ResourcelessTransactionManager())
          .executeWithoutResult(none -> {
            locks.on("c").writeWithoutResult(() -> {});
            assertThat(isFree(locks, "c")).isTrue();
            requiresNew()
                .executeWithoutResult(real -> {
                  locks.on("d").writeWithoutResult(() -> {});
                  assertThat(isFree(locks, "d")).isFalse();
                });
          });
    });
  }

  @Test
  void theCallerMaySayThatItEndsWithItsBody() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          LockTemplate locks =
              LockTemplate.of(
                  controller, name -> name.equals("file") ? Until.BODY : Until.TRANSACTION);
          required()
              .executeWithoutResult(status -> {
                locks.on("file").writeWithoutResult(() -> {});
                assertThat(isFree(locks, "file")).isTrue();
                locks.on("a").until(Until.BODY).write(() -> 1);
                assertThat(isFree(locks, "a")).isTrue();
                locks.on("file").until(Until.TRANSACTION).write(() -> 1);
                assertThat(isFree(locks, "file")).isFalse();
              });
          assertThat(isFree(locks, "file")).isTrue();
        });
  }

  @Test
  void inCallbacksOfTheTransactionItLastsNoLonger() throws Exception {
    alone(locks -> {
      List<Boolean> free = new ArrayList<>();
      required()
          .executeWithoutResult(status ->
              TransactionSynchronizationManager.registerSynchronization(
                  new TransactionSynchronization() {
                    @Override
                    public void beforeCommit(boolean readOnly) {
                      locks.on("before").writeWithoutResult(() -> {});
                      free.add(isFree(locks, "before"));
                    }

                    @Override
                    public void afterCommit() {
                      locks.on("after").writeWithoutResult(() -> {});
                    }

                    @Override
                    public void afterCompletion(int outcome) {
                      locks.on("end").writeWithoutResult(() -> {});
                      free.add(isFree(locks, "end"));
                    }
                  }));
      assertThat(free).containsExactly(false, true);
      assertThat(isFree(locks, "before")).isTrue();
      assertThat(isFree(locks, "after")).isTrue();
      assertThat(isFree(locks, "end")).isTrue();
    });
  }

  /** As the reaper of a transaction manager for JTA does, which rolls back what takes too long. */
  @Test
  void anotherThreadThatCompletesTheTransactionGivesItBack() throws Exception {
    alone(locks -> {
      required()
          .executeWithoutResult(status -> {
            locks.on("a").writeWithoutResult(() -> {});
            completeElsewhere();
            assertThat(isFree(locks, "a")).isTrue();
            // too late for this one: the transaction is over
            locks.on("a").writeWithoutResult(() -> assertThat(isFree(locks, "a")).isFalse());
            assertThat(isFree(locks, "a")).isTrue();
          });
      required()
          .executeWithoutResult(status -> {
            locks.on("a").writeWithoutResult(() -> {});
            locks
                .on("a")
                .writeWithoutResult(() -> {
                  completeElsewhere();
                  assertThat(isFree(locks, "a")).isFalse(); // its body still runs
                });
            assertThat(isFree(locks, "a")).isTrue();
          });
    });
  }

  @Test
  void theOtherFormsOfAWriteAreKeptToo() throws Exception {
    alone(locks -> {
      required()
          .executeWithoutResult(status -> {
            assertThat(locks.on("try").tryWrite(() -> 1)).contains(1);
            assertThat(locks.on("timed").tryWriteWithoutResult(Duration.ofSeconds(9), () -> {}))
                .isTrue();
            long token = locks.on("lease").writeWithLease(LeasedWrite::token);
            assertThat(token).isEqualTo(1);
            locks.group().write("g1", "g2").read("g3").runWithoutResult(() -> {});
            locks.on("body").until(Until.BODY).tryWrite(() -> 1);
            for (String kept : List.of("try", "timed", "lease", "g1", "g2")) {
              assertThat(isFree(locks, kept)).as(kept).isFalse();
            }
            assertThat(isFree(locks, "g3")).isTrue();
            assertThat(isFree(locks, "body")).isTrue();
          });
      for (String kept : List.of("try", "timed", "lease", "g1", "g2")) {
        assertThat(isFree(locks, kept)).as(kept).isTrue();
      }
    });
  }

  @Test
  void anUpgradeIsKeptAndThereMayBeAnotherInTheSameTransaction() throws Exception {
    alone(locks -> {
      LockTemplate a = locks.on("a");
      required()
          .executeWithoutResult(status -> {
            for (int item = 0; item < 3; item++) {
              long token = a.readWithLease(lease -> lease.upgrade(LeasedWrite::token));
              assertThat(token).isEqualTo(1);
              assertThat(isFree(locks, "a")).isFalse();
              assertThat(a.isWriteHeldByCurrentThread()).isTrue();
            }
          });
      assertThat(a.isHeldByCurrentThread()).isFalse();
      assertThat(isFree(locks, "a")).isTrue();
    });
  }

  @Test
  void aDowngradedWriteLetsReadersInWhenTheTransactionHasCompleted() throws Exception {
    alone(locks -> {
      LockTemplate a = locks.on("a");
      a.writeWithLease(outer -> { // so that the read outlives the transaction
        required()
            .executeWithoutResult(status -> {
              a.writeWithoutResult(() -> {});
              outer.downgrade();
              assertThat(isRead(a)).isFalse();
            });
        assertThat(isRead(a)).isTrue();
        assertThat(isFree(locks, "a")).isFalse();
        return 0;
      });
      assertThat(isFree(locks, "a")).isTrue();
    });
  }

  private static boolean isRead(LockTemplate locks) {
    return CompletableFuture.supplyAsync(() -> locks.tryReadWithoutResult(() -> {})).join();
  }

  @Test
  void aGroupThatIsNotGrantedKeepsNothing() throws Exception {
    alone(locks -> {
      CountDownLatch held = new CountDownLatch(1);
      CountDownLatch over = new CountDownLatch(1);
      CompletableFuture<Void> holder =
          CompletableFuture.runAsync(
              () ->
                  locks
                      .on("b")
                      .readWithoutResult(() -> {
                        held.countDown();
                        await(over);
                      }),
              body -> Thread.ofPlatform().start(body));
      await(held);
      required()
          .executeWithoutResult(status -> {
            LockGroup group = locks.withTimeout(Duration.ofMillis(20)).group().write("a", "b");
            assertThatThrownBy(() -> group.run(() -> 1)).isInstanceOf(LockTimeoutException.class);
            assertThat(group.tryRun(() -> 1)).isEmpty();
            assertThat(isFree(locks, "a")).isTrue();
            // what is kept from before stays kept
            locks.on("a").writeWithoutResult(() -> {});
            assertThat(group.tryRun(() -> 1)).isEmpty();
            assertThat(isFree(locks, "a")).isFalse();
          });
      assertThat(isFree(locks, "a")).isTrue();
      over.countDown();
      holder.join();
    });
  }

  private static void completeElsewhere() {
    List<TransactionSynchronization> all = TransactionSynchronizationManager.getSynchronizations();
    CompletableFuture.runAsync(() ->
            TransactionSynchronizationUtils.invokeAfterCompletion(
                all, TransactionSynchronization.STATUS_ROLLED_BACK))
        .join();
  }

  @Test
  void whoWaitsIsToldWhatItIsKeptFor() throws Exception {
    TransactionTemplate named = required();
    named.setName("com.acme.Orders.close");
    alone(locks ->
        named.executeWithoutResult(status -> {
          locks.on("a").writeWithoutResult(() -> {});
          assertThatThrownBy(() ->
                  CompletableFuture.runAsync(() ->
                          locks
                              .on("a")
                              .withTimeout(Duration.ofMillis(50))
                              .writeWithoutResult(() -> {}))
                      .join())
              .hasCauseInstanceOf(LockTimeoutException.class)
              .hasMessageContaining("body ended, kept for transaction Orders.close since ");
        }));
  }

  @Test
  void aCollectiveCallIsRefusedOnAllRanksWithTheSettingThatHelps() throws Exception {
    LocalRanks.run(
        2,
        controller -> {
          LockTemplate locks = LockTemplate.of(controller);
          if (controller.rank() == 0) {
            required()
                .executeWithoutResult(status -> {
                  locks.on("a").writeWithoutResult(() -> {});
                  assertThatThrownBy(() -> locks.on("a").singleWrite(1, () -> "made"))
                      .isInstanceOf(LockUseException.class)
                      .hasMessageContaining("keeps the write of resource 'a'")
                      .hasMessageContaining("mpilock.resources.a.until=body");
                });
          } else {
            assertThatThrownBy(() -> locks.on("a").singleWrite(1, () -> "made"))
                .isInstanceOf(CollectiveMismatchException.class);
          }
        });
  }

  /**
   * What is lost by a lock that is given back before the commit, and is not by one that is kept.
   */
  @Test
  void anotherReadsWhatWasWrittenUnderTheLockOnlyIfItIsKept() throws Exception {
    JdbcTemplate jdbc = new JdbcTemplate(Objects.requireNonNull(manager.getDataSource()));
    jdbc.execute("create table counted (n int)");
    jdbc.update("insert into counted values (0)");
    LockedRunnable<RuntimeException> increment =
        () -> {
          Integer n = jdbc.queryForObject("select n from counted", Integer.class);
          jdbc.update("update counted set n = ?", n == null ? -1 : n + 1);
        };
    alone(locks -> {
      for (Until until : Until.values()) {
        jdbc.update("update counted set n = 0");
        CountDownLatch hasRead = new CountDownLatch(1);
        CompletableFuture<?>[] other = new CompletableFuture<?>[1];
        required()
            .executeWithoutResult(status -> {
              locks.until(until).writeWithoutResult(increment);
              other[0] =
                  CompletableFuture.runAsync(() ->
                      required()
                          .executeWithoutResult(again ->
                              locks
                                  .until(until)
                                  .writeWithoutResult(() -> {
                                    Integer n =
                                        jdbc.queryForObject("select n from counted", Integer.class);
                                    hasRead.countDown();
                                    jdbc.update("update counted set n = ?", n == null ? -1 : n + 1);
                                  })));
              if (until == Until.BODY) {
                await(hasRead);
              }
            });
        other[0].join();
        assertThat(jdbc.queryForObject("select n from counted", Integer.class))
            .as("%s", until)
            .isEqualTo(until == Until.BODY ? 1 : 2);
      }
    });
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void twoOrdersOfKeptWritesAreWarnedOfWhenTheSecondIsFirstSeen(CapturedOutput output)
      throws Exception {
    alone(locks -> {
      TransactionTemplate named = required();
      named.setName("com.acme.Orders.close");
      for (int i = 0; i < 2; i++) {
        required()
            .executeWithoutResult(status -> {
              locks.on("a").writeWithoutResult(() -> {});
              locks.on("b").writeWithoutResult(() -> {});
            });
        assertThat(output).doesNotContain("asks for the write");
      }
      for (int i = 0; i < 2; i++) {
        named.executeWithoutResult(status -> {
          locks.on("b").writeWithoutResult(() -> {});
          requiresNew().executeWithoutResult(inner -> locks.on("c").writeWithoutResult(() -> {}));
          locks.on("a").withTimeout(Duration.ofSeconds(9)).writeWithoutResult(() -> {});
        });
      }
      required()
          .executeWithoutResult(status ->
              locks.on("c").writeWithoutResult(() -> locks.on("b").writeWithoutResult(() -> {})));
    });
    assertThat(output)
        .containsOnlyOnce(
            "Transaction Orders.close asks for the write of 'a' while it keeps that of 'b', and another one on this rank asked for 'b' while it kept 'a'.")
        .containsOnlyOnce(
            "Transaction asks for the write of 'b' while it keeps that of 'c', and another one on this rank asked for 'c' while it kept 'b'.");
  }

  @Test
  void aSingleWriteInATransactionEndsWithItsBodyAndIsWarnedOfOnce(CapturedOutput output)
      throws Exception {
    alone(locks -> {
      locks.on("s").singleWrite(() -> 1);
      required().executeWithoutResult(status -> locks.on("s").until(Until.BODY).barrier());
      assertThat(output).doesNotContain("A single write of");
      required()
          .executeWithoutResult(status -> {
            assertThat(locks.on("s").<Integer, RuntimeException>singleWrite(() -> 1)).isEqualTo(1);
            assertThat(isFree(locks, "s")).isTrue();
            locks.on("s").<String, RuntimeException>singleWriteFenced(fence -> fence.share("t"));
            assertThat(isFree(locks, "s")).isTrue();
          });
    });
    assertThat(output)
        .containsOnlyOnce(
            "A single write of 's' is called in a transaction: what its body writes there is not committed when the other ranks go on. Open the transaction inside the single write.");
  }

  @Test
  void theLockRegistrysLocksEndAtUnlock() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          LockTemplate locks = LockTemplate.of(controller);
          MpilockLockRegistry registry = new MpilockLockRegistry(controller, "", 0);
          required()
              .executeWithoutResult(status -> {
                Lock lock = registry.obtain("a");
                lock.lock();
                try {
                  assertThat(isFree(locks, "a")).isFalse();
                } finally {
                  lock.unlock();
                }
                assertThat(isFree(locks, "a")).isTrue();
              });
        });
  }

  /** An action of a bean. */
  static class Actions {
    @WriteLocked("a")
    public void write() {}
  }

  @Test
  void anAnnotatedMethodKeepsItsWriteInTheTransactionOfItsCaller() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          LockTemplate locks = LockTemplate.of(controller);
          try (AnnotationConfigApplicationContext context =
              new AnnotationConfigApplicationContext()) {
            context.registerBean(LockTemplate.class, () -> locks);
            context.registerBean(
                LockAnnotationBeanPostProcessor.class,
                () -> {
                  LockAnnotationBeanPostProcessor processor = new LockAnnotationBeanPostProcessor();
                  processor.setProxyTargetClass(true);
                  return processor;
                });
            context.registerBean(Actions.class);
            context.refresh();
            required()
                .executeWithoutResult(status -> {
                  context.getBean(Actions.class).write();
                  assertThat(isFree(locks, "a")).isFalse();
                });
            assertThat(isFree(locks, "a")).isTrue();
          }
        });
  }

  @Test
  void thePropertiesSayHowLongAWriteLasts() {
    new RankContextRunner()
        .withRanks(1)
        .withPropertyValues(
            "mpilock.resources.file.until=body",
            "mpilock.resources[north/orders].until=body",
            "mpilock.resources.inherits.until=")
        .run(rank ->
            required()
                .executeWithoutResult(status -> {
                  assertThat(isKept(rank.locks(), "file")).isFalse();
                  assertThat(isKept(rank.locks(), "north/orders")).isFalse();
                  assertThat(isKept(rank.locks(), "inherits")).isTrue();
                  assertThat(isKept(rank.locks(), "other")).isTrue();
                  assertThat(isKept(rank.locks(), "default")).isTrue();
                }));
    new RankContextRunner()
        .withRanks(1)
        .withPropertyValues("mpilock.until=body", "mpilock.resources.orders.until=transaction")
        .run(rank ->
            required()
                .executeWithoutResult(status -> {
                  assertThat(isKept(rank.locks(), "orders")).isTrue();
                  assertThat(isKept(rank.locks(), "other")).isFalse();
                }));
  }

  private static boolean isKept(LockTemplate locks, String resource) {
    assertThat(locks.on(resource).write(() -> resource)).isEqualTo(resource);
    return !isFree(locks, resource);
  }

  @Test
  void anObservedTemplateKeepsWritesToo() throws Exception {
    ObservationRegistry registry = ObservationRegistry.create();
    List<String> stopped = new CopyOnWriteArrayList<>();
    registry
        .observationConfig()
        .observationHandler(
            new ObservationHandler<Observation.Context>() {
              @Override
              public boolean supportsContext(Observation.Context context) {
                return true;
              }

              @Override
              public void onStop(Observation.Context context) {
                stopped.add(String.valueOf(context.getError()));
              }
            });
    LocalRanks.run(
        1,
        controller -> {
          LockTemplate locks =
              LockObservations.template(controller, name -> Until.TRANSACTION, registry, null);
          required()
              .executeWithoutResult(status -> {
                assertThat(isKept(locks, "a")).isTrue();
                assertThat(isKept(locks.until(Until.BODY), "b")).isFalse();
                locks.on("c").writeWithoutResult(() -> {});
                assertThat(isFree(locks, "c")).isFalse();
              });
          assertThat(isFree(locks, "a")).isTrue();
          assertThat(stopped).contains("null").anyMatch(error -> error.contains("Timeout"));
        });
  }

  /** The report, the meters and the recorder are listeners. */
  @Test
  void listenersAreToldOfTheTrueHold() throws Exception {
    List<String> events = new CopyOnWriteArrayList<>();
    LocalRanks.run(
        1,
        controller -> {
          controller.addListener(
              new LockListener() {
                @Override
                public void granted(String resource, LockMode mode, long nanos, boolean waited) {
                  events.add("granted " + resource);
                }

                @Override
                public void released(String resource, LockMode mode, long nanos) {
                  events.add("released " + resource);
                }
              });
          LockTemplate locks = LockTemplate.of(controller);
          required()
              .executeWithoutResult(status -> {
                locks.on("a").writeWithoutResult(() -> {});
                locks.on("a").writeWithoutResult(() -> {});
                locks.on("a").readWithoutResult(() -> {});
                locks.on("b").writeWithoutResult(() -> {});
                assertThat(events).containsExactly("granted a", "granted b");
              });
          assertThat(events).containsExactly("granted a", "granted b", "released b", "released a");
        });
  }

  @Test
  void aRankThatGoesBetweenBodyAndCommitPoisonsThoughTheDatabaseRolledBack() throws Exception {
    CountDownLatch kept = new CountDownLatch(1);
    LocalRanks.run(
        2,
        controller -> {
          LockTemplate locks = LockTemplate.of(controller);
          if (controller.rank() == 1) {
            required()
                .executeWithoutResult(status -> {
                  status.setRollbackOnly();
                  locks.on("a").writeWithoutResult(() -> {});
                  controller.abandon(); // as a process that is killed
                });
            kept.countDown();
          } else {
            await(kept);
            assertThatThrownBy(() -> locks.on("a").readWithoutResult(() -> {}))
                .isInstanceOf(RankFailedException.class)
                .hasMessageContaining("rank 1");
          }
        });
  }

  /** What an application does that has no spring-tx. */
  static final class WithoutTransactions {
    private WithoutTransactions() {}

    static void main() throws Exception {
      LocalRanks.run(
          1,
          controller -> {
            LockTemplate locks = LockTemplate.of(controller);
            locks.on("a").writeWithoutResult(() -> {});
            locks.on("a").<Integer, RuntimeException>singleWrite(() -> 1);
            System.out.println(controller.resource("a"));
          });
    }
  }

  @Test
  void anApplicationNeedsNoTransactions() throws Exception {
    String classPath =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.contains("spring-tx"))
            .collect(Collectors.joining(File.pathSeparator));
    List<String> command = Jvm.command("-cp", classPath);
    command.add(WithoutTransactions.class.getName());
    Process program = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(program.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(program.waitFor()).as(said).isZero();
    assertThat(said).contains("resource 'a': Nobody holds it now.");
  }
}
