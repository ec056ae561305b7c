/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.annotation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.mpilock.LocalRanks;
import io.mpilock.LockListener;
import io.mpilock.LockMode;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.spring.LockTemplate;
import java.io.IOException;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.aop.framework.AopProxyUtils;
import org.springframework.aop.support.AopUtils;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.core.annotation.AliasFor;
import org.springframework.core.env.MapPropertySource;

/** What the annotations do, with a context on each rank. */
@Timeout(60)
class LockAnnotationTests {
  private static final int RANKS = 4;
  private static final int ROUNDS = 300;

  /** Counts without any synchronisation of its own: only exclusion keeps it from losing updates. */
  static class PlainCounter {
    int value;
    int other;
  }

  record Order(String customer, @Nullable Integer id) {}

  static class Store {
    final PlainCounter counter;
    final CyclicBarrier inside;

    Store(PlainCounter counter, CyclicBarrier inside) {
      this.counter = counter;
      this.inside = inside;
    }

    @WriteLocked
    public void add() {
      counter.value++;
      counter.other++;
    }

    @ReadLocked
    public boolean isWhole() {
      return counter.value == counter.other;
    }

    @ReadLocked
    public void meet() throws Exception {
      inside.await();
    }

    public void addFromWithin() {
      add();
    }
  }

  static class Names {
    @WriteLocked("orders")
    public void literal() {}

    @WriteLocked("orders-#{#order.customer}/#{#order.id}")
    public void ofParameters(Order order) {}

    @ReadLocked("#{#p0}-#{#a1}-#{#args == null}")
    public void byNumber(@Nullable String first, int second, @Nullable Object args) {}

    @ReadLocked("#{#root.method.name}@#{#root.target.id()}@#{@suffix}")
    public void ofTheCall() {}

    @ReadLocked("${store.name}-#{'x'}")
    public void ofAProperty() {}

    @ReadLocked("a#b $c")
    public void odd() {}

    public String id() {
      return "me";
    }
  }

  static class Single {
    final int rank;
    int runs;

    Single(LockTemplate locks) {
      this.rank = locks.rank();
    }

    @SingleWrite
    public String text() {
      runs++;
      return "from " + rank;
    }

    @SingleWrite(rank = 2)
    public int number() {
      return rank;
    }

    @SingleWrite(value = "named", rank = 1, timeout = "30s")
    public void nothing() {
      runs++;
    }

    @SingleWrite
    public @Nullable List<String> none() {
      return null;
    }

    @SingleWrite
    public long fails() throws IOException {
      throw new IOException("disk full");
    }
  }

  static class Impatient {
    @ReadLocked(timeout = "20ms")
    public void read() {}

    @WriteLocked(timeout = "PT0.02S")
    public void write() {}

    @WriteLocked(value = "#{'slow'}", timeout = "${store.timeout}")
    public void template() {}

    @WriteLocked(timeout = "0")
    public void now() {}

    @WriteLocked(value = "free", timeout = "0s")
    public void free() {}
  }

  @Retention(RetentionPolicy.RUNTIME)
  @WriteLocked
  @interface OrdersLocked {
    @AliasFor(annotation = WriteLocked.class, attribute = "value")
    String name() default "meta";
  }

  interface Inherited {
    @ReadLocked("interface-#{#key}")
    void declared(String key);

    @WriteLocked("interface-default")
    default void defaulted() {}
  }

  @WriteLocked("class")
  static class ByClass implements Inherited {
    @Override
    public void declared(String other) {}

    public void plain() {}

    @OrdersLocked(name = "own")
    public void own() {}

    void packaged() {}

    @Override
    public String toString() {
      return "ByClass";
    }
  }

  static class ByInheritance extends ByClass {
    @Override
    public void plain() {}

    public void further() {}
  }

  /** What a rank does with its context. */
  @FunctionalInterface
  private interface InContext {
    void run(AnnotationConfigApplicationContext context, WindowController controller)
        throws Exception;
  }

  /** What a rank's context has. */
  @FunctionalInterface
  private interface Beans {
    void addTo(AnnotationConfigApplicationContext context);
  }

  private static void onRanks(int ranks, Beans beans, InContext body) throws Exception {
    LocalRanks.run(
        ranks,
        controller -> {
          try (AnnotationConfigApplicationContext context =
              new AnnotationConfigApplicationContext()) {
            context
                .getEnvironment()
                .getPropertySources()
                .addFirst(
                    new MapPropertySource(
                        "test", Map.of("store.name", "stock", "store.timeout", "20ms")));
            context.registerBean(LockTemplate.class, () -> LockTemplate.of(controller));
            context.registerBean(LockAnnotationBeanPostProcessor.class, () -> byClass());
            context.registerBean("suffix", String.class, () -> "suffix");
            beans.addTo(context);
            context.refresh();
            body.run(context, controller);
          }
        });
  }

  /** As Boot has it. */
  private static LockAnnotationBeanPostProcessor byClass() {
    LockAnnotationBeanPostProcessor processor = new LockAnnotationBeanPostProcessor();
    processor.setProxyTargetClass(true);
    return processor;
  }

  private static void onOneRank(Class<?> bean, InContext body) throws Exception {
    onRanks(1, context -> context.registerBean(bean), body);
  }

  /** The resources that a call asked for, outermost first. */
  private static List<String> requests(WindowController controller, Runnable call) {
    List<String> requests = new ArrayList<>();
    LockListener listener =
        new LockListener() {
          @Override
          public void requested(String resource, LockMode mode) {
            requests.add(mode + " " + resource);
          }
        };
    controller.addListener(listener);
    call.run();
    controller.removeListener(listener);
    return requests;
  }

  @Test
  void writesExcludeEachOtherAndReadsOverAllRanks() throws Exception {
    PlainCounter counter = new PlainCounter();
    onRanks(
        RANKS,
        context ->
            context.registerBean(Store.class, () -> new Store(counter, new CyclicBarrier(RANKS))),
        (context, _) -> {
          Store store = context.getBean(Store.class);
          for (int i = 0; i < ROUNDS; i++) {
            store.add();
            assertThat(store.isWhole()).isTrue();
          }
        });
    assertThat(counter.value).isEqualTo(RANKS * ROUNDS);
  }

  @Test
  void readsOfSeveralRanksOverlap() throws Exception {
    CyclicBarrier inside = new CyclicBarrier(RANKS);
    onRanks(
        RANKS,
        context -> context.registerBean(Store.class, () -> new Store(new PlainCounter(), inside)),
        (context, _) -> context.getBean(Store.class).meet());
  }

  @Test
  void aCallFromWithinTakesNoLock() throws Exception {
    onRanks(
        1,
        context ->
            context.registerBean(
                Store.class, () -> new Store(new PlainCounter(), new CyclicBarrier(1))),
        (context, controller) -> {
          Store store = context.getBean(Store.class);
          assertThat(requests(controller, store::add)).containsExactly("write default");
          assertThat(requests(controller, store::addFromWithin)).isEmpty();
        });
  }

  @Test
  void namesMayDependOnTheCall() throws Exception {
    onOneRank(
        Names.class,
        (context, controller) -> {
          Names names = context.getBean(Names.class);
          assertThat(requests(controller, names::literal)).containsExactly("write orders");
          assertThat(requests(controller, () -> names.ofParameters(new Order("acme", 7))))
              .containsExactly("write orders-acme/7");
          assertThat(requests(controller, () -> names.byNumber("first", 2, null)))
              .containsExactly("read first-2-true");
          assertThat(requests(controller, names::ofTheCall))
              .containsExactly("read ofTheCall@me@suffix");
          assertThat(requests(controller, names::ofAProperty)).containsExactly("read stock-x");
          assertThat(requests(controller, names::odd)).containsExactly("read a#b $c");
        });
  }

  @Test
  void aNameThatCannotBeMadeIsToldAndTheBodyDoesNotRun() throws Exception {
    onOneRank(
        Names.class,
        (context, controller) -> {
          Names names = context.getBean(Names.class);
          assertThatThrownBy(() -> names.ofParameters(new Order("acme", null)))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("#order.id")
              .hasMessageContaining("Names.ofParameters is null");
          assertThatThrownBy(() -> names.ofParameters(new Order("a\nb", 1)))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("A resource name");
          assertThatThrownBy(() -> names.byNumber(null, 1, null))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("#p0");
          assertThat(controller.tryWrite()).hasValueSatisfying(WriteLease::close);
        });
  }

  @Test
  void aSingleWriteRunsOnOneRankAndReturnsOnAll() throws Exception {
    onRanks(
        RANKS,
        context -> context.registerBean(Single.class),
        (context, controller) -> {
          Single single = context.getBean(Single.class);
          Single target = (Single) Objects.requireNonNull(AopProxyUtils.getSingletonTarget(single));
          assertThat(single.text()).isEqualTo("from 0");
          assertThat(single.number()).isEqualTo(2);
          single.nothing();
          assertThat(single.none()).isNull();
          assertThat(target.runs).isEqualTo(controller.rank() < 2 ? 1 : 0);
          Throwable failure = catchThrowable(single::fails);
          if (controller.rank() == 0) {
            assertThat(failure).isInstanceOf(IOException.class).hasMessage("disk full");
          } else {
            assertThat(failure)
                .isInstanceOf(SingleWriteFailedException.class)
                .hasMessageContaining("disk full");
          }
        });
  }

  @Test
  void aTimeOutEndsTheWait() throws Exception {
    onOneRank(
        Impatient.class,
        (context, controller) -> {
          Impatient impatient = context.getBean(Impatient.class);
          try (WriteLease _ = controller.write();
              WriteLease _ = controller.resource("slow").write()) {
            CompletableFuture.runAsync(
                    () -> {
                      for (Runnable each :
                          List.<Runnable>of(
                              impatient::read,
                              impatient::write,
                              impatient::template,
                              impatient::now)) {
                        assertThatThrownBy(each::run).isInstanceOf(LockTimeoutException.class);
                      }
                      impatient.free();
                    })
                .join();
          }
          impatient.read();
          impatient.write();
          impatient.template();
          impatient.now();
        });
  }

  @Test
  void aWriteInsideAReadIsRefusedAsEver() throws Exception {
    onOneRank(
        Impatient.class,
        (context, controller) -> {
          Impatient impatient = context.getBean(Impatient.class);
          LockTemplate locks = LockTemplate.of(controller);
          assertThatThrownBy(() -> locks.readWithoutResult(impatient::write))
              .isInstanceOf(LockUseException.class);
          locks.writeWithoutResult(impatient::read);
        });
  }

  @Test
  void aClassGivesADefaultToItsMethods() throws Exception {
    onOneRank(
        ByClass.class,
        (context, controller) -> {
          ByClass bean = context.getBean(ByClass.class);
          assertThat(requests(controller, bean::plain)).containsExactly("write class");
          assertThat(requests(controller, bean::packaged)).containsExactly("write class");
          assertThat(requests(controller, bean::own)).containsExactly("write own");
          assertThat(requests(controller, () -> bean.declared("k")))
              .containsExactly("read interface-k");
          assertThat(requests(controller, bean::defaulted))
              .containsExactly("write interface-default");
          assertThat(requests(controller, () -> assertThat(bean).hasToString("ByClass"))).isEmpty();
        });
  }

  @Test
  void aClassGivesADefaultToItsSubclasses() throws Exception {
    onOneRank(
        ByInheritance.class,
        (context, controller) -> {
          ByInheritance bean = context.getBean(ByInheritance.class);
          assertThat(requests(controller, bean::plain)).containsExactly("write class");
          assertThat(requests(controller, bean::further)).containsExactly("write class");
          assertThat(requests(controller, bean::own)).containsExactly("write own");
        });
  }

  @Test
  void aBeanThatIsKnownByItsInterfaceIsLockedToo() throws Exception {
    onRanks(
        1,
        context ->
            context.registerBean(
                Inherited.class,
                () ->
                    (Inherited)
                        Proxy.newProxyInstance(
                            Inherited.class.getClassLoader(),
                            new Class<?>[] {Inherited.class},
                            (_, method, _) -> method.getName().equals("hashCode") ? 1 : null)),
        (context, controller) -> {
          Inherited bean = context.getBean(Inherited.class);
          assertThat(AopUtils.isJdkDynamicProxy(bean)).isTrue();
          assertThat(requests(controller, () -> bean.declared("k")))
              .containsExactly("read interface-k");
        });
  }

  @Test
  void aBeanWithoutAnnotationsIsLeftAlone() throws Exception {
    onOneRank(
        PlainCounter.class,
        (context, _) ->
            assertThat(AopUtils.isAopProxy(context.getBean(PlainCounter.class))).isFalse());
  }
}
