/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.mpilock.LockListener;
import io.mpilock.LockMode;
import io.mpilock.WindowController;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.annotation.LockAnnotationBeanPostProcessor;
import io.mpilock.spring.annotation.ReadLocked;
import io.mpilock.spring.annotation.SingleWrite;
import io.mpilock.spring.annotation.WriteLocked;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.resilience.annotation.EnableResilientMethods;
import org.springframework.resilience.annotation.Retryable;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.EnableAsync;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.support.AbstractPlatformTransactionManager;
import org.springframework.transaction.support.DefaultTransactionStatus;

@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class AnnotationConfigurationTests {
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(MpilockAutoConfiguration.class))
          .withBean("store", Store.class, () -> new Store(new CopyOnWriteArrayList<>()));

  static class Store {
    private final List<String> events;

    Store(List<String> events) {
      this.events = events;
    }

    @WriteLocked
    @Transactional
    public void save() {
      events.add("body");
    }

    @Transactional
    @WriteLocked("failing")
    public void fail() {
      events.add("body");
      throw new IllegalStateException("not today");
    }

    @ReadLocked
    @Async
    public void later(CompletableFuture<String> done) {
      events.add("body");
      done.complete(Thread.currentThread().getName());
    }

    @WriteLocked
    @Retryable(includes = IllegalStateException.class, maxRetries = 1, delay = 1)
    public void retried() {
      events.add("body");
      if (events.stream().filter("body"::equals).count() == 1) {
        throw new IllegalStateException("once more");
      }
    }

    @SingleWrite
    public String made() {
      return "made";
    }
  }

  /** A manager that only tells when a transaction begins and ends. */
  static final class TellingTransactions extends AbstractPlatformTransactionManager {
    private static final long serialVersionUID = 1L;

    private final transient List<String> events;

    TellingTransactions(List<String> events) {
      this.events = events;
    }

    @Override
    protected Object doGetTransaction() {
      return events;
    }

    @Override
    protected void doBegin(Object transaction, TransactionDefinition definition) {
      events.add("begin");
    }

    @Override
    protected void doCommit(DefaultTransactionStatus status) {
      events.add("commit");
    }

    @Override
    protected void doRollback(DefaultTransactionStatus status) {
      events.add("rollback");
    }
  }

  /** Tells when locks are granted and released, among what else happens. */
  static final class TellingLocks implements LockListener {
    private final List<String> events;

    TellingLocks(List<String> events) {
      this.events = events;
    }

    @Override
    public void granted(String resource, LockMode mode, long waitNanos, boolean contended) {
      events.add("granted");
    }

    @Override
    public void released(String resource, LockMode mode, long holdNanos) {
      events.add("released");
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableTransactionManagement(proxyTargetClass = true)
  @EnableAsync(proxyTargetClass = true)
  @EnableResilientMethods(proxyTargetClass = true)
  static class Telling {
    @Bean
    List<String> events() {
      return new CopyOnWriteArrayList<>();
    }

    @Bean
    TellingTransactions transactionManager(List<String> events) {
      return new TellingTransactions(events);
    }

    @Bean
    TellingLocks tellingLocks(List<String> events, WindowController controller) {
      TellingLocks locks = new TellingLocks(events);
      controller.addListener(locks);
      return locks;
    }

    @Bean
    Store store(List<String> events) {
      return new Store(events);
    }
  }

  private final ApplicationContextRunner telling =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(MpilockAutoConfiguration.class))
          .withUserConfiguration(Telling.class);

  @SuppressWarnings("unchecked")
  private static List<String> events(ConfigurableApplicationContext context) {
    return (List<String>) context.getBean("events", List.class);
  }

  /** A bean post-processor is for the beans of its own context. */
  @Test
  void inAHierarchyTheBeansOfEachContextAreLocked() {
    runner.run(parent ->
        runner
            .withParent(parent)
            .run(child -> {
              assertThat(child).hasNotFailed();
              assertThat(AopUtils.isAopProxy(parent.getBean(Store.class))).isTrue();
              assertThat(AopUtils.isAopProxy(child.getBean(Store.class))).isTrue();
            }));
  }

  @Test
  void annotatedMethodsRunUnderTheirLocks() {
    runner.run(context -> {
      assertThat(context).hasSingleBean(LockAnnotationBeanPostProcessor.class);
      assertThat(context.getBean(Store.class).made()).isEqualTo("made");
    });
  }

  @Test
  void theLockIsTakenBeforeTheTransactionBeginsAndReleasedAfterItsCommit() {
    telling.run(context -> {
      Store store = context.getBean(Store.class);
      store.save();
      assertThat(events(context)).containsExactly("granted", "begin", "body", "commit", "released");
      events(context).clear();
      assertThatExceptionOfType(IllegalStateException.class).isThrownBy(store::fail);
      assertThat(events(context))
          .containsExactly("granted", "begin", "body", "rollback", "released");
    });
  }

  @Test
  void anAsynchronousMethodIsLockedInTheThreadThatRunsIt() {
    telling.run(context -> {
      CompletableFuture<String> done = new CompletableFuture<>();
      context.getBean(Store.class).later(done);
      assertThat(done.get(30, TimeUnit.SECONDS)).isNotEqualTo(Thread.currentThread().getName());
      while (events(context).size() < 3) {
        Thread.onSpinWait();
      }
      assertThat(events(context)).containsExactly("granted", "body", "released");
    });
  }

  @Test
  void theLockIsNotHeldBetweenAttempts() {
    telling.run(context -> {
      context.getBean(Store.class).retried();
      assertThat(events(context))
          .containsExactly("granted", "body", "released", "granted", "body", "released");
    });
  }

  interface Saving {
    void save();
  }

  static class SavingStore implements Saving {
    private final List<String> events;

    SavingStore(List<String> events) {
      this.events = events;
    }

    @Override
    @WriteLocked
    public void save() {
      events.add("body");
    }
  }

  @Test
  void proxiesAreOfTheKindThatTheApplicationWants() {
    ApplicationContextRunner saving =
        telling.withBean(
            "saving", Saving.class, () -> new SavingStore(new CopyOnWriteArrayList<>()));
    saving.run(
        context -> assertThat(AopUtils.isCglibProxy(context.getBean(Saving.class))).isTrue());
    saving
        .withPropertyValues("spring.aop.proxy-target-class=false")
        .run(context -> {
          assertThat(AopUtils.isJdkDynamicProxy(context.getBean(Saving.class))).isTrue();
          context.getBean(Saving.class).save();
          assertThat(events(context)).containsExactly("granted", "released");
        });
  }

  @Test
  void noBeanIsMadeTooEarlyForThePostProcessors(CapturedOutput output) {
    telling.run(context -> {
      assertThat(context).hasNotFailed();
      context.getBean(Store.class).save();
    });
    assertThat(output).doesNotContain("is not eligible");
  }

  @Test
  void theyCanBeSwitchedOff() {
    telling
        .withPropertyValues("mpilock.annotations.enabled=false")
        .run(context -> {
          assertThat(context).doesNotHaveBean(LockAnnotationBeanPostProcessor.class);
          context.getBean(Store.class).save();
          assertThat(events(context)).containsExactly("begin", "body", "commit");
        });
  }

  @Test
  void withoutLocksEveryRankRunsTheMethods() {
    runner
        .withPropertyValues("mpilock.enabled=false")
        .run(context -> {
          assertThat(context).hasSingleBean(LockAnnotationBeanPostProcessor.class);
          Store store = context.getBean(Store.class);
          store.save();
          assertThat(store.made()).isEqualTo("made");
        });
  }

  @Test
  void anOwnPostProcessorIsUsed() {
    LockAnnotationBeanPostProcessor own = new LockAnnotationBeanPostProcessor();
    runner
        .withBean("own", LockAnnotationBeanPostProcessor.class, () -> own)
        .run(context ->
            assertThat(context.getBean(LockAnnotationBeanPostProcessor.class)).isSameAs(own));
  }

  @Test
  void wrongUseIsToldAtTheStart() {
    runner
        .withBean(NotAnnotatable.class)
        .run(context ->
            assertThat(context)
                .getFailure()
                .hasMessageContaining("NotAnnotatable.save: the method is final"));
  }

  static class NotAnnotatable {
    @WriteLocked
    public final void save() {}
  }

  @Test
  void aBeanIsDestroyedBeforeItsLocks() {
    LastWords lastWords = new LastWords();
    runner
        .withBean("lastWords", LastWords.class, () -> lastWords)
        .run(context -> {
          lastWords.locks = context.getBean(LockTemplate.class);
          context.getBean("lastWords", LastWords.class).save();
        });
    assertThat(lastWords.saved).isEqualTo(1);
    assertThat(lastWords.failure).isNull();
  }

  static class LastWords implements DisposableBean {
    @Nullable LockTemplate locks;
    int saved;
    @Nullable ControllerClosedException failure;

    @WriteLocked
    public void save() {
      saved++;
    }

    @Override
    public void destroy() {
      try {
        if (locks != null) {
          locks.writeWithoutResult(() -> {});
        }
      } catch (ControllerClosedException e) {
        failure = e;
      }
    }
  }
}
