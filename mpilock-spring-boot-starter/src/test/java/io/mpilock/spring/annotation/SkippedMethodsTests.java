/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.annotation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.ControllerOptions;
import io.mpilock.LocalRanks;
import io.mpilock.LockListener;
import io.mpilock.LockMode;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.ResourceSettings;
import io.mpilock.spring.Until;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.aot.generate.ClassNameGenerator;
import org.springframework.aot.generate.DefaultGenerationContext;
import org.springframework.aot.generate.GeneratedFiles;
import org.springframework.aot.generate.InMemoryGeneratedFiles;
import org.springframework.aot.hint.ExecutableHint;
import org.springframework.aot.hint.TypeHint;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.aot.ApplicationContextAotGenerator;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.javapoet.ClassName;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.AbstractPlatformTransactionManager;
import org.springframework.transaction.support.DefaultTransactionStatus;
import org.springframework.transaction.support.TransactionTemplate;

/** Methods that do not wait for their lock, and those under several. */
@Timeout(60)
class SkippedMethodsTests {

  static class Sweeper {
    int runs;
    int others;

    @WriteLocked(value = "sweep", skip = true)
    public void nothing() {
      runs++;
    }

    @WriteLocked(value = "sweep", skip = true)
    public @Nullable Integer number() {
      return ++runs;
    }

    @WriteLocked(value = "sweep", skip = true)
    public @Nullable Integer none() {
      runs++;
      return null;
    }

    @ReadLocked(value = "sweep", skip = true)
    public Optional<String> text() {
      return Optional.of("text");
    }

    @ReadLocked(value = "#{'sweep'}", skip = true, timeout = "20ms")
    public OptionalInt late() {
      return OptionalInt.of(1);
    }

    @WriteLocked(value = "sweep", fallback = "other")
    public int of(String first, int second) {
      runs++;
      return second;
    }

    @SuppressWarnings("unused") // by the annotation
    private Integer other(CharSequence first, int second) {
      others++;
      return -second;
    }

    @ReadLocked(value = "sweep", timeout = "20ms", fallback = "failing")
    public String failed() throws IOException {
      return "read";
    }

    String failing() throws IOException {
      throw new IOException("no fallback either");
    }

    @WriteLocked(value = "sweep", skip = true)
    public void timesOutWithin(LockTemplate locks) {
      locks.on("inner").withTimeout(Duration.ofMillis(5)).writeWithoutResult(() -> runs++);
    }

    @WriteLocked(value = "sweep", skip = true)
    public void throwing() throws IOException {
      throw new IOException("from within");
    }
  }

  abstract static class Base<T> {
    @WriteLocked(value = "generic", fallback = "later")
    public T save(T order) {
      return order;
    }
  }

  static class Orders extends Base<String> {
    String later(String order) {
      return "later " + order;
    }
  }

  static class Accounts {
    @WriteLocked({"b", "a", "b", "${none:c}"})
    public void three() {}

    @WriteLocked("account-#{#names}-x")
    public void all(List<String> names) {}

    @ReadLocked({"a", "n#{#numbers}"})
    public void numbers(int... numbers) {}

    @WriteLocked("#{#one}#{#two}")
    public void twice(List<String> one, List<String> two) {}

    @WriteLocked(
        value = {"a", "b"},
        skip = true)
    public @Nullable String skipped() {
      return "ran";
    }

    @WriteLocked(
        value = {"a", "b"},
        timeout = "20ms")
    public void timed() {}

    @WriteLocked(
        value = {"a", "b"},
        fallback = "without")
    public String withFallback() {
      return "with";
    }

    String without() {
      return "without";
    }

    void noFallback() {}

    @SingleWrite("#{#names}")
    public void single(List<String> names) {}
  }

  /** What a rank does with its bean. */
  @FunctionalInterface
  private interface WithBean<B> {
    void run(B bean, WindowController controller) throws Exception;
  }

  private static <B> void onRanks(int ranks, Class<B> type, WithBean<B> body) throws Exception {
    LocalRanks.run(ranks, controller -> inContext(controller, _ -> Until.TRANSACTION, type, body));
  }

  private static <B> void inContext(
      WindowController controller, ResourceSettings settings, Class<B> type, WithBean<B> body)
      throws Exception {
    try (AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext()) {
      context.registerBean(LockTemplate.class, () -> LockTemplate.of(controller, settings));
      context.registerBean(LockAnnotationBeanPostProcessor.class);
      context.registerBean(type);
      context.refresh();
      body.run(context.getBean(type), controller);
    }
  }

  /** Runs on a thread of its own, and gives what was returned. */
  private static <T extends @Nullable Object> T elsewhere(Supplier<T> call) {
    return CompletableFuture.supplyAsync(call, task -> Thread.ofPlatform().start(task)).join();
  }

  private static void elsewhere(Runnable call) {
    CompletableFuture.runAsync(call, task -> Thread.ofPlatform().start(task)).join();
  }

  @Test
  void aCallThatCannotHaveItsLockIsSkipped() throws Exception {
    onRanks(
        1,
        Sweeper.class,
        (sweeper, controller) -> {
          try (WriteLease _ = controller.resource("sweep").write()) {
            elsewhere(sweeper::nothing);
            assertThat(elsewhere(sweeper::number)).isNull();
            assertThat(elsewhere(sweeper::text)).isEmpty();
            assertThat(elsewhere(sweeper::late)).isEmpty();
            sweeper.nothing(); // reentrant
          }
          assertThat(sweeper.number()).isEqualTo(2);
          assertThat(sweeper.none()).isNull();
          assertThat(sweeper.text()).contains("text");
          assertThat(sweeper.late()).hasValue(1);
          assertThat(controller.resource("sweep").tryWrite()).hasValueSatisfying(WriteLease::close);
        });
  }

  @Test
  void aFallbackRunsInPlaceOfACallThatCannotHaveItsLock() throws Exception {
    onRanks(
        1,
        Sweeper.class,
        (sweeper, controller) -> {
          assertThat(sweeper.of("x", 3)).isEqualTo(3);
          try (WriteLease _ = controller.resource("sweep").write()) {
            int other = elsewhere(() -> sweeper.of("x", 3));
            assertThat(other).isEqualTo(-3);
            elsewhere(() ->
                assertThatThrownBy(sweeper::failed)
                    .isInstanceOf(IOException.class)
                    .hasMessage("no fallback either"));
          }
          assertThat(sweeper.failed()).isEqualTo("read");
        });
    onRanks(
        1,
        Orders.class,
        (orders, controller) -> {
          try (WriteLease _ = controller.resource("generic").write()) {
            assertThat(elsewhere(() -> orders.save("x"))).isEqualTo("later x");
          }
          assertThat(orders.save("x")).isEqualTo("x");
        });
  }

  /** Each rank calls at the same time, and waits in the body until all others have returned. */
  @Test
  void oneRankRunsAndTheOthersDoNotWait() throws Exception {
    for (int[] nodes : new int[][] {{4}, {2, 2}}) {
      AtomicInteger ran = new AtomicInteger();
      CyclicBarrier together = new CyclicBarrier(4);
      CountDownLatch skipped = new CountDownLatch(3);
      LocalRanks.run(
          nodes,
          ControllerOptions.defaults(),
          controller ->
              inContext(
                  controller,
                  _ -> Until.TRANSACTION,
                  Once.class,
                  (once, _) -> {
                    together.await(30, TimeUnit.SECONDS);
                    if (once.run(ran, skipped) == null) {
                      skipped.countDown();
                    }
                  }));
      assertThat(ran).hasValue(1);
    }
  }

  static class Once {
    @WriteLocked(value = "once", skip = true)
    public @Nullable Boolean run(AtomicInteger ran, CountDownLatch skipped)
        throws InterruptedException {
      ran.incrementAndGet();
      return skipped.await(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void whatIsNoBusyLockIsNoReasonToSkip() throws Exception {
    onRanks(
        1,
        Sweeper.class,
        (sweeper, controller) -> {
          LockTemplate locks = LockTemplate.of(controller);
          try (WriteLease _ = controller.resource("inner").write()) {
            elsewhere(() ->
                assertThatThrownBy(() -> sweeper.timesOutWithin(locks))
                    .isInstanceOf(LockTimeoutException.class));
          }
          assertThatThrownBy(sweeper::throwing).isInstanceOf(IOException.class);
          locks
              .on("sweep")
              .readWithoutResult(
                  () -> assertThatThrownBy(sweeper::nothing).isInstanceOf(LockUseException.class));
          controller.close();
          assertThatThrownBy(sweeper::nothing).isInstanceOf(ControllerClosedException.class);
        });
    CountDownLatch held = new CountDownLatch(1);
    onRanks(
        2,
        Sweeper.class,
        (sweeper, controller) -> {
          if (controller.rank() == 1) {
            WriteLease _ = controller.resource("sweep").write();
            held.countDown();
            controller.abandon(); // as if it had died
          } else {
            held.await();
            assertThatThrownBy(() -> controller.resource("sweep").write())
                .isInstanceOf(RankFailedException.class); // once it is known
            assertThatThrownBy(sweeper::nothing).isInstanceOf(RankFailedException.class);
          }
        });
  }

  /** Else a setting for those that wait would make those wait that are not to. */
  @Test
  void aTimeOutOfTheResourceIsNotForCallsThatAreSkipped() throws Exception {
    ResourceSettings patient =
        new ResourceSettings() {
          @Override
          public Until until(String resource) {
            return Until.BODY;
          }

          @Override
          public Duration timeout(String resource) {
            return Duration.ofHours(1);
          }
        };
    LocalRanks.run(
        1,
        controller ->
            inContext(
                controller,
                patient,
                Sweeper.class,
                (sweeper, _) -> {
                  try (WriteLease _ = controller.resource("sweep").write()) {
                    assertThat(elsewhere(sweeper::number)).isNull();
                  }
                }));
  }

  private static List<String> requests(WindowController controller, Runnable call) {
    List<String> requests = Collections.synchronizedList(new ArrayList<>());
    LockListener listener =
        new LockListener() {
          @Override
          public void requested(String resource, LockMode mode) {
            requests.add(mode + " " + resource);
          }

          @Override
          public void released(String resource, LockMode mode, long nanos) {
            requests.add("-" + resource);
          }
        };
    controller.addListener(listener);
    call.run();
    controller.removeListener(listener);
    return requests;
  }

  @Test
  void severalAreTakenInTheOrderOfTheirNamesEachOnceAndGivenBackInReverse() throws Exception {
    onRanks(
        1,
        Accounts.class,
        (accounts, controller) -> {
          assertThat(requests(controller, accounts::three))
              .containsExactly("write a", "write b", "write c", "-c", "-b", "-a");
          assertThat(requests(controller, () -> accounts.all(List.of("y", "x", "y"))))
              .containsExactly(
                  "write account-x-x", "write account-y-x", "-account-y-x", "-account-x-x");
          assertThat(requests(controller, () -> accounts.all(List.of("x"))))
              .containsExactly("write account-x-x", "-account-x-x");
          assertThat(requests(controller, () -> accounts.numbers(2, 1)))
              .containsExactly("read a", "read n1", "read n2", "-n2", "-n1", "-a");
        });
  }

  @Test
  void namesThatGiveNoLockAreRefused() throws Exception {
    onRanks(
        1,
        Accounts.class,
        (accounts, _) -> {
          assertThatThrownBy(() -> accounts.all(List.of()))
              .hasMessageContaining("'#names' in the resource name 'account-#{#names}-x'")
              .hasMessageContaining("is empty: the method would run without a lock");
          assertThatThrownBy(() -> accounts.all(Collections.singletonList(null)))
              .hasMessageContaining("is null");
          assertThatThrownBy(() -> accounts.twice(List.of("a"), List.of("b")))
              .hasMessageContaining("'#two'")
              .hasMessageContaining("the second expression that gives several names");
          assertThatThrownBy(() -> accounts.single(List.of("a", "b")))
              .hasMessageContaining("A single write has one resource")
              .hasMessageContaining("[a, b]");
          accounts.single(List.of("a"));
        });
  }

  private static void assertFree(WindowController controller, String resource) {
    elsewhere(() ->
        assertThat(controller.resource(resource).tryWrite()).hasValueSatisfying(WriteLease::close));
  }

  @Test
  void allOrNoneOfSeveralAreHeldWhenOneIsNotFree() throws Exception {
    onRanks(
        1,
        Accounts.class,
        (accounts, controller) -> {
          try (WriteLease _ = controller.resource("b").write()) {
            elsewhere(() -> {
              assertThat(accounts.skipped()).isNull();
              assertFree(controller, "a");
              assertThat(accounts.withFallback()).isEqualTo("without");
              assertFree(controller, "a");
              assertThatThrownBy(accounts::timed).isInstanceOf(LockTimeoutException.class);
              assertFree(controller, "a");
              new TransactionTemplate(new NoTransactions())
                  .executeWithoutResult(_ -> {
                    assertThat(accounts.skipped()).isNull();
                    assertThatThrownBy(accounts::timed).isInstanceOf(LockTimeoutException.class);
                    assertFree(controller, "a"); // nothing is kept
                  });
            });
          }
          new TransactionTemplate(new NoTransactions())
              .executeWithoutResult(_ -> {
                assertThat(accounts.skipped()).isEqualTo("ran");
                elsewhere(() -> {
                  assertThat(controller.resource("a").tryWrite()).isEmpty(); // kept
                  assertThat(controller.resource("b").tryWrite()).isEmpty();
                });
              });
          assertFree(controller, "a");
          assertFree(controller, "b");
        });
  }

  private static final class NoTransactions extends AbstractPlatformTransactionManager
      implements PlatformTransactionManager {
    private static final long serialVersionUID = 1L;

    @Override
    protected Object doGetTransaction() {
      return this;
    }

    @Override
    protected void doBegin(Object transaction, TransactionDefinition definition) {}

    @Override
    protected void doCommit(DefaultTransactionStatus status) {}

    @Override
    protected void doRollback(DefaultTransactionStatus status) {}
  }

  /** Each order of two would end in a wait for ever, were they taken as they are named. */
  @Test
  void severalInAnyOrderOfAllRanksLoseNoUpdateAndDoNotWaitForEachOther() throws Exception {
    int[] counters = new int[2];
    onRanks(
        4,
        Transfers.class,
        (transfers, controller) -> {
          for (int i = 0; i < 200; i++) {
            if ((i + controller.rank()) % 2 == 0) {
              transfers.there(counters);
            } else {
              transfers.back(counters);
            }
          }
        });
    assertThat(counters).containsOnly(800);
  }

  static class Transfers {
    @WriteLocked({"one", "two"})
    public void there(int[] counters) {
      counters[0]++;
      counters[1]++;
    }

    @WriteLocked({"two", "one"})
    public void back(int[] counters) {
      counters[1]++;
      counters[0]++;
    }
  }

  @Test
  void fallbacksMayBeCalledByReflectionInANativeImage() throws IOException {
    GenericApplicationContext context = new GenericApplicationContext();
    context.registerBean(LockAnnotationBeanPostProcessor.class);
    context.registerBean(Sweeper.class);
    context.registerBean(Accounts.class);
    InMemoryGeneratedFiles files = new InMemoryGeneratedFiles();
    DefaultGenerationContext generation =
        new DefaultGenerationContext(
            new ClassNameGenerator(ClassName.get("org.example", "Application")), files);
    new ApplicationContextAotGenerator().processAheadOfTime(context, generation);
    generation.writeGeneratedContent();
    assertThat(files.getGeneratedFiles(GeneratedFiles.Kind.SOURCE).keySet())
        .as("who takes the locks when the application runs")
        .anyMatch(name -> name.contains("LockAnnotationBeanPostProcessor"));
    assertThat(hinted(generation, Sweeper.class)).contains("other", "failing");
    assertThat(hinted(generation, Accounts.class)).contains("without").doesNotContain("noFallback");
  }

  private static List<String> hinted(DefaultGenerationContext generation, Class<?> type) {
    TypeHint hint = generation.getRuntimeHints().reflection().getTypeHint(type);
    return hint == null ? List.of() : hint.methods().map(ExecutableHint::getName).toList();
  }
}
