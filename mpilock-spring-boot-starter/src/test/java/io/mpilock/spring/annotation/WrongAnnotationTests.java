/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.annotation;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.LocalRanks;
import io.mpilock.spring.LockTemplate;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import reactor.core.publisher.Mono;

/** Wrong use is told when the context starts. */
@Timeout(60)
class WrongAnnotationTests {

  static class OnPrivate {
    @WriteLocked
    @SuppressWarnings("unused")
    private void save() {}
  }

  static class OnStatic {
    @WriteLocked
    public static void save() {}
  }

  static class OnFinal {
    @ReadLocked
    public final void save() {}
  }

  @WriteLocked
  static class FinalByClass {
    public final void save() {}
  }

  static class Two {
    @ReadLocked
    @WriteLocked
    public void save() {}
  }

  @SingleWrite
  @WriteLocked
  static class TwoOnClass {
    public void save() {}
  }

  static class Future {
    @WriteLocked
    public CompletableFuture<String> save() {
      return new CompletableFuture<>();
    }
  }

  static class Stage {
    @SingleWrite
    public @Nullable CompletionStage<String> save() {
      return null;
    }
  }

  static class Reactive {
    @ReadLocked
    public Mono<String> save() {
      return Mono.empty();
    }
  }

  static class Published {
    @ReadLocked
    public Flow.@Nullable Publisher<String> save() {
      return null;
    }
  }

  static class BadTimeout {
    @WriteLocked(timeout = "soon")
    public void save() {}
  }

  static class EndlessTimeout {
    @WriteLocked(timeout = "99999999999999999999s")
    public void save() {}
  }

  static class HugeTimeout {
    @WriteLocked(timeout = "9223372036854775807d")
    public void save() {}
  }

  static class NegativeTimeout {
    @WriteLocked(timeout = "-1s")
    public void save() {}
  }

  static class BadRank {
    @SingleWrite(rank = -2)
    public void save() {}
  }

  static class NoSuchRank {
    @SingleWrite(rank = 1)
    public void save() {}
  }

  static class BadName {
    @WriteLocked("a\tb")
    public void save() {}
  }

  static class BadSyntax {
    @WriteLocked("orders-#{#id.}")
    public void save(String id) {}
  }

  static class Unclosed {
    @WriteLocked("orders-#{#id")
    public void save(String id) {}
  }

  static class Misspelt {
    @WriteLocked("orders-#{@names.of(#idd)}")
    public void save(String id) {}
  }

  static class NoBraces {
    @WriteLocked("#id")
    public void save(String id) {}
  }

  static class SkippedPrimitive {
    @WriteLocked(skip = true)
    public boolean save() {
      return true;
    }
  }

  static class SkippedNonNull {
    @ReadLocked(skip = true)
    public String save() {
      return "x";
    }
  }

  static class SkippedAndFallback {
    @ReadLocked(skip = true, fallback = "other")
    public void save() {}

    void other() {}
  }

  static class NoFallback {
    @WriteLocked(fallback = "othr")
    public void save() {}

    void other() {}
  }

  static class OtherParameters {
    @WriteLocked(fallback = "other")
    public void save(String id) {}

    void other(Integer id) {}

    void other(String id, int number) {}
  }

  static class OtherResult {
    @WriteLocked(fallback = "other")
    public String save() {
      return "x";
    }

    Object other() {
      return "x";
    }
  }

  static class OtherException {
    @WriteLocked(fallback = "other")
    public void save() throws IOException {}

    void other() throws Exception {}
  }

  static class ItsOwnFallback {
    @WriteLocked(fallback = "save")
    public void save() {}
  }

  static class LockedFallback {
    @WriteLocked(fallback = "other")
    public void save() {}

    @WriteLocked("more")
    public void other() {}
  }

  static class TwoFallbacks {
    @WriteLocked(fallback = "other")
    public void save(String id) {}

    void other(CharSequence id) {}

    void other(Object id) {}
  }

  static class BadNameOfSeveral {
    @WriteLocked({"good", "b\nad"})
    public void save() {}
  }

  static Stream<Arguments> wrong() {
    return Stream.of(
        Arguments.of(OnPrivate.class, "@WriteLocked is wrong on", "OnPrivate.save", "private"),
        Arguments.of(OnStatic.class, "OnStatic.save", "static", ""),
        Arguments.of(OnFinal.class, "@ReadLocked", "OnFinal.save", "final"),
        Arguments.of(FinalByClass.class, "FinalByClass.save", "final", ""),
        Arguments.of(Two.class, "@ReadLocked", "@WriteLocked", "both"),
        Arguments.of(TwoOnClass.class, "@SingleWrite", "@WriteLocked", "TwoOnClass"),
        Arguments.of(
            Future.class, "Future.save", "CompletableFuture", "after the lock has been released"),
        Arguments.of(
            Stage.class, "@SingleWrite", "CompletionStage", "after the lock has been released"),
        Arguments.of(Reactive.class, "Reactive.save", "Mono", "after the lock has been released"),
        Arguments.of(
            Published.class, "Published.save", "Publisher", "after the lock has been released"),
        Arguments.of(BadTimeout.class, "BadTimeout.save", "'soon'", "5s"),
        Arguments.of(EndlessTimeout.class, "EndlessTimeout.save", "'99999999999999999999s'", "5s"),
        Arguments.of(HugeTimeout.class, "HugeTimeout.save", "'9223372036854775807d'", "5s"),
        Arguments.of(NegativeTimeout.class, "NegativeTimeout.save", "'-1s'", "negative"),
        Arguments.of(BadRank.class, "BadRank.save", "no rank -2", ""),
        Arguments.of(NoSuchRank.class, "NoSuchRank.save", "no rank 1", ""),
        Arguments.of(BadName.class, "BadName.save", "A resource name", "U+0009"),
        Arguments.of(BadSyntax.class, "BadSyntax.save", "orders-#{#id.}", "parsed"),
        Arguments.of(Unclosed.class, "Unclosed.save", "orders-#{#id", "parsed"),
        Arguments.of(Misspelt.class, "Misspelt.save", "#idd", "no such parameter"),
        Arguments.of(
            SkippedPrimitive.class, "SkippedPrimitive.save", "the primitive boolean", "fallback"),
        Arguments.of(SkippedNonNull.class, "@ReadLocked", "a String", "@Nullable"),
        Arguments.of(SkippedAndFallback.class, "SkippedAndFallback.save", "'other'", "remove one"),
        Arguments.of(NoFallback.class, "NoFallback.save", "'othr'", "no method of that name"),
        Arguments.of(OtherParameters.class, "takes (String)", "Integer", "int"),
        Arguments.of(OtherResult.class, "returns String", "Object", "OtherResult.other"),
        Arguments.of(OtherException.class, "at most: IOException", "java.lang.Exception", ""),
        Arguments.of(ItsOwnFallback.class, "ItsOwnFallback.save", "'save'", "one method"),
        Arguments.of(
            LockedFallback.class, "LockedFallback.save", "'other'", "a lock annotation itself"),
        Arguments.of(TwoFallbacks.class, "one method of", "CharSequence", "Object"),
        Arguments.of(BadNameOfSeveral.class, "BadNameOfSeveral.save", "U+000A", ""),
        Arguments.of(NoBraces.class, "NoBraces.save", "'#id'", "#{#id}"));
  }

  @ParameterizedTest
  @MethodSource
  void wrong(Class<?> bean, String first, String second, String third) throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          try (AnnotationConfigApplicationContext context =
              new AnnotationConfigApplicationContext()) {
            context.registerBean(LockTemplate.class, () -> LockTemplate.of(controller));
            context.registerBean(LockAnnotationBeanPostProcessor.class);
            context.registerBean(bean);
            assertThatThrownBy(context::refresh)
                .hasMessageContaining(first)
                .hasMessageContaining(second)
                .hasMessageContaining(third);
          }
        });
  }
}
