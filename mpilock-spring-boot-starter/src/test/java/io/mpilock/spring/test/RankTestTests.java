/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;
import static org.junit.platform.testkit.engine.EventConditions.abortedWithReason;
import static org.junit.platform.testkit.engine.EventConditions.event;
import static org.junit.platform.testkit.engine.EventConditions.finishedWithFailure;
import static org.junit.platform.testkit.engine.EventConditions.test;
import static org.junit.platform.testkit.engine.TestExecutionResultConditions.cause;
import static org.junit.platform.testkit.engine.TestExecutionResultConditions.instanceOf;
import static org.junit.platform.testkit.engine.TestExecutionResultConditions.message;

import io.mpilock.WindowController;
import io.mpilock.failure.RankFailedException;
import io.mpilock.spring.LockTemplate;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Events;
import org.opentest4j.TestAbortedException;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/** Uses the annotation, and looks at what JUnit reports where a test is to fail. */
@Timeout(120)
class RankTestTests {
  private final Set<Integer> seen = ConcurrentHashMap.newKeySet();
  private int before;

  @RankTest(ranks = 2)
  @Retention(RetentionPolicy.RUNTIME)
  @interface OnTwoRanks {}

  @Configuration(proxyBeanMethods = false)
  static class Names {
    @Bean
    String name(@Value("${mpilock.rank}") int rank) {
      return "bean of rank " + rank;
    }
  }

  @BeforeEach
  void isDoneOnce() {
    before++;
  }

  @AfterEach
  void allRanksRan(TestInfo test) {
    if (test.getTestMethod().orElseThrow().isAnnotationPresent(RankTest.class)) {
      assertThat(seen).contains(0, 1);
    }
  }

  @RankTest(ranks = 3, classes = Names.class, properties = "greeting=hello")
  void eachRankGetsItsOwn(
      TestRank rank,
      LockTemplate locks,
      WindowController controller,
      ApplicationContext context,
      @Autowired Environment environment,
      @Qualifier("name") String name,
      @Value("${mpilock.rank}") int number,
      @Value("${greeting}") String greeting) {
    assertThat(rank.size()).isEqualTo(3);
    assertThat(locks).isSameAs(rank.locks());
    assertThat(controller).isSameAs(rank.controller());
    assertThat(context).isSameAs(rank.context());
    assertThat(environment).isSameAs(context.getEnvironment());
    assertThat(name).isEqualTo("bean of rank " + rank.rank());
    assertThat(number).isEqualTo(rank.rank());
    assertThat(greeting).isEqualTo("hello");
    assertThat(before).isEqualTo(1);
    seen.add(number);
  }

  @RankTest(nodes = {1, 2})
  void whatIsOfTheTestIsTheSameOnAllRanks(TestRank rank, LockTemplate locks, @TempDir Path folder)
      throws Exception {
    Path file = locks.singleWrite(() -> Files.writeString(folder.resolve("file"), "written"));
    assertThat(file).hasContent("written").hasParent(folder);
    int node = rank.controller().member(rank.rank()).node();
    assertThat(node).isEqualTo(rank.rank() == 0 ? 0 : 1);
    seen.add(rank.rank());
  }

  @RankTest(ranks = 3)
  void aRankThatDiesFailsNoTest(TestRank rank, LockTemplate locks) {
    seen.add(rank.rank());
    if (rank.rank() == 2) {
      rank.die();
    }
    assertThatExceptionOfType(RankFailedException.class)
        .isThrownBy(() -> locks.singleWrite(() -> "never"));
  }

  @OnTwoRanks
  void anAnnotationMadeOfItDoesAsWell(LockTemplate locks) {
    assertThat(locks.size()).isEqualTo(2);
  }

  @Test
  void itIsReportedAsOneTest() {
    run("allAtOnce").assertStatistics(statistics -> statistics.started(1).succeeded(1));
  }

  @Test
  void aRankThatFailsIsNamed() {
    run("failsOnRankOne", LockTemplate.class)
        .assertStatistics(statistics -> statistics.started(1).failed(1))
        .assertThatEvents()
        .haveExactly(
            1,
            event(
                test(),
                finishedWithFailure(
                    message(text -> text.contains("Rank 1 of 2 failed")),
                    cause(instanceOf(IllegalStateException.class), message("own reason")))));
  }

  @Test
  void aContextThatDoesNotStartFailsTheTestAlthoughItLooksAtNothing() {
    run("doesNotStart")
        .assertThatEvents()
        .haveExactly(
            1,
            event(
                test(),
                finishedWithFailure(
                    message(text -> text.contains("Rank 0 of 1 failed")),
                    cause(message(text -> text.contains("no start"))))));
  }

  @Test
  void anAssumptionThatDoesNotHoldAbortsTheTest() {
    run("assumesWhatIsNotSo", TestRank.class)
        .assertThatEvents()
        .haveExactly(1, event(test(), abortedWithReason(instanceOf(TestAbortedException.class))));
  }

  @Test
  void aHangIsEnded() {
    run("hangs")
        .assertThatEvents()
        .haveExactly(
            1,
            event(
                test(),
                finishedWithFailure(
                    message(text ->
                        text.contains("did not end within PT2S") && text.contains("Rank 1 is ")))));
  }

  @Test
  void aTestWithoutRanksIsRefused() {
    for (String method : new String[] {"saysNoRanks", "contradictsItself"}) {
      run(method)
          .assertThatEvents()
          .haveExactly(
              1,
              event(
                  test(), finishedWithFailure(instanceOf(ExtensionConfigurationException.class))));
    }
  }

  private static Events run(String method, Class<?>... parameters) {
    return EngineTestKit.engine("junit-jupiter")
        .selectors(selectMethod(Samples.class, method(method, parameters)))
        .execute()
        .testEvents();
  }

  private static Method method(String name, Class<?>... parameters) {
    try {
      return Samples.class.getDeclaredMethod(name, parameters);
    } catch (NoSuchMethodException e) {
      throw new AssertionError(e);
    }
  }

  /** Run by the tests above only. */
  static class Samples {
    private final CyclicBarrier all = new CyclicBarrier(3);

    @Configuration(proxyBeanMethods = false)
    static class Failing {
      @Bean
      String failing() {
        throw new IllegalStateException("no start");
      }
    }

    @RankTest(ranks = 3)
    void allAtOnce() throws Exception {
      all.await(); // passes only if all are here
    }

    @RankTest(ranks = 2)
    void failsOnRankOne(LockTemplate locks) {
      if (locks.rank() == 1) {
        throw new IllegalStateException("own reason");
      }
      locks.singleWrite(() -> "never");
    }

    @RankTest(ranks = 1, classes = Failing.class)
    void doesNotStart() {}

    @RankTest(ranks = 2)
    void assumesWhatIsNotSo(TestRank rank) {
      Assumptions.assumeTrue(rank.size() == 3);
    }

    @RankTest(ranks = 2, timeoutSeconds = 2)
    void hangs() throws Exception {
      new CountDownLatch(1).await();
    }

    @RankTest
    void saysNoRanks() {}

    @RankTest(
        ranks = 3,
        nodes = {2, 2})
    void contradictsItself() {}
  }
}
