/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.annotation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.LocalRanks;
import io.mpilock.LockListener;
import io.mpilock.LockMode;
import io.mpilock.WindowController;
import io.mpilock.spring.LockTemplate;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.aop.Advisor;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.cache.CacheManager;
import org.springframework.cache.annotation.Cacheable;
import org.springframework.cache.annotation.EnableCaching;
import org.springframework.cache.concurrent.ConcurrentMapCacheManager;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Role;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.security.authentication.TestingAuthenticationToken;
import org.springframework.security.authorization.method.AuthorizationManagerBeforeMethodInterceptor;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/** Where the lock of an annotated method stands among the other advice of the method. */
@Timeout(60)
class AnnotationOrderTests {

  /** What an application switches on. */
  @Configuration(proxyBeanMethods = false)
  @EnableTransactionManagement(proxyTargetClass = true)
  @EnableCaching(proxyTargetClass = true)
  static class Switches {
    @Bean
    PlatformTransactionManager transactionManager() {
      JdbcDataSource dataSource = new JdbcDataSource();
      dataSource.setUrl("jdbc:h2:mem:" + UUID.randomUUID());
      return new JdbcTransactionManager(dataSource);
    }

    @Bean
    CacheManager cacheManager() {
      return new ConcurrentMapCacheManager();
    }

    @Bean
    @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
    static Advisor preAuthorize() {
      return AuthorizationManagerBeforeMethodInterceptor.preAuthorize();
    }
  }

  /** A bean with everything. */
  static class Everything {
    final List<String> events;

    Everything(List<String> events) {
      this.events = events;
    }

    @PreAuthorize("hasRole('CLERK')")
    @WriteLocked("a")
    @Transactional
    public void save() {
      events.add("transaction " + TransactionSynchronizationManager.isActualTransactionActive());
      TransactionSynchronizationManager.registerSynchronization(
          new TransactionSynchronization() {
            @Override
            public void afterCompletion(int status) {
              events.add("completed " + (status == STATUS_COMMITTED));
            }
          });
    }

    @ReadLocked("a")
    @Cacheable("sums")
    public int sum() {
      events.add("summed");
      return 42;
    }
  }

  @AfterEach
  void nobodyIsLoggedIn() {
    SecurityContextHolder.clearContext();
  }

  @FunctionalInterface
  private interface Body {
    void run(Everything bean, List<String> events);
  }

  private static void run(Body body) throws Exception {
    LocalRanks.run(1, controller -> run(controller, body));
  }

  private static void run(WindowController controller, Body body) {
    List<String> events = new ArrayList<>();
    controller.addListener(
        new LockListener() {
          @Override
          public void requested(String resource, LockMode mode) {
            events.add("asked to " + mode);
          }

          @Override
          public void released(String resource, LockMode mode, long nanos) {
            events.add("released");
          }
        });
    try (AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext()) {
      context.registerBean(LockTemplate.class, () -> LockTemplate.of(controller));
      context.registerBean(
          LockAnnotationBeanPostProcessor.class,
          () -> {
            LockAnnotationBeanPostProcessor processor = new LockAnnotationBeanPostProcessor();
            processor.setProxyTargetClass(true);
            return processor;
          });
      context.register(Switches.class);
      context.registerBean(Everything.class, () -> new Everything(events));
      context.refresh();
      body.run(context.getBean(Everything.class), events);
    }
  }

  private static void logIn(String role) {
    SecurityContextHolder.getContext()
        .setAuthentication(new TestingAuthenticationToken("kim", "", role));
  }

  @Test
  void whoMayNotCallDoesNotAskForTheLock() throws Exception {
    run((bean, events) -> {
      logIn("ROLE_GUEST");
      assertThatThrownBy(bean::save).isInstanceOf(AccessDeniedException.class);
      assertThat(events).isEmpty();
    });
  }

  @Test
  void whoMayCallHasTheLockBeforeTheTransactionAndUntilAfterItsEnd() throws Exception {
    run((bean, events) -> {
      logIn("ROLE_CLERK");
      bean.save();
      assertThat(events)
          .containsExactly("asked to write", "transaction true", "completed true", "released");
    });
  }

  @Test
  void aCacheIsInsideTheLock() throws Exception {
    run((bean, events) -> {
      assertThat(bean.sum()).isEqualTo(42);
      assertThat(bean.sum()).isEqualTo(42);
      assertThat(events)
          .containsExactly("asked to read", "summed", "released", "asked to read", "released");
    });
  }
}
