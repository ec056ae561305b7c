/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.annotation;

import io.mpilock.spring.annotation.LockOperation.Kind;
import java.lang.annotation.Annotation;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.support.AopUtils;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.core.KotlinDetector;
import org.springframework.core.ReactiveAdapterRegistry;
import org.springframework.core.annotation.AnnotationUtils;
import org.springframework.core.annotation.MergedAnnotation;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;
import org.springframework.util.ClassUtils;
import org.springframework.util.ReflectionUtils;

/** Which methods of which classes are annotated, found once per class, and refused if wrongly. */
final class LockedMethods {
  private static final Map<Class<? extends Annotation>, Kind> KINDS =
      Map.of(
          ReadLocked.class,
          Kind.READ,
          WriteLocked.class,
          Kind.WRITE,
          SingleWrite.class,
          Kind.SINGLE_WRITE);

  private final UnaryOperator<String> properties;
  private final ConcurrentMap<Class<?>, LockedType> types = new ConcurrentHashMap<>();

  /**
   * Knows no class yet.
   *
   * @param properties resolves {@code ${…}}
   */
  LockedMethods(UnaryOperator<String> properties) {
    this.properties = properties;
  }

  /**
   * Tells whether a class has locked methods.
   *
   * @throws LockAnnotationException if an annotation is wrong, saying which and why
   */
  boolean has(Class<?> type) {
    return !of(type).declared.isEmpty();
  }

  /** Finds what a method of a bean of a class runs under; null if nothing. */
  @Nullable LockOperation find(Method method, Class<?> type) {
    return of(type).find(method);
  }

  /** Shows all that were found so far. */
  void forEach(BiConsumer<Method, LockOperation> action) {
    types.values().forEach(type -> type.declared.forEach(action));
  }

  private LockedType of(Class<?> type) {
    LockedType known = types.get(type);
    if (known == null) {
      Class<?> user = ClassUtils.getUserClass(type);
      known = new LockedType(user, scan(user));
      LockedType first = types.putIfAbsent(type, known);
      return first != null ? first : known;
    }
    return known;
  }

  private Map<Method, LockOperation> scan(Class<?> type) {
    Map<Method, LockOperation> found = new HashMap<>();
    if (AnnotationUtils.isCandidateClass(type, KINDS.keySet())) {
      for (Method method :
          ReflectionUtils.getUniqueDeclaredMethods(type, ReflectionUtils.USER_DECLARED_METHODS)) {
        LockOperation operation = operation(method, type);
        if (operation != null) {
          found.put(method, operation);
        }
      }
    }
    return Map.copyOf(found);
  }

  /** Tells whether a method has an annotation of its own. */
  static boolean isAnnotated(Method method) {
    return nearest(method) != null;
  }

  /** Finds the methods of a class that annotations of it name as fallbacks, right or wrong. */
  static Set<Method> fallbacks(Class<?> type) {
    Set<Method> found = new LinkedHashSet<>();
    if (AnnotationUtils.isCandidateClass(type, KINDS.keySet())) {
      for (Method method :
          ReflectionUtils.getUniqueDeclaredMethods(type, ReflectionUtils.USER_DECLARED_METHODS)) {
        MergedAnnotation<?> annotation = annotation(method);
        if (annotation != null) {
          annotation
              .getValue("fallback", String.class)
              .ifPresent(name -> found.addAll(Instead.named(type, name)));
        }
      }
    }
    return found;
  }

  /** The annotation of a method, or the default of its class. */
  private static @Nullable MergedAnnotation<?> annotation(Method method) {
    MergedAnnotation<?> annotation = nearest(method);
    return annotation == null && isForClassDefault(method)
        ? nearest(method.getDeclaringClass())
        : annotation;
  }

  private @Nullable LockOperation operation(Method method, Class<?> type) {
    MergedAnnotation<?> annotation = annotation(method);
    if (annotation == null) {
      return null;
    }
    checkMethod(method, annotation);
    // Parameters have their names from where the annotation is, which may be an interface.
    Method named = annotation.getSource() instanceof Method source ? source : method;
    try {
      return new LockOperation(
          kind(annotation),
          names(annotation).stream()
              .map(name -> new ResourceName(properties.apply(name), named))
              .toList(),
          timeout(properties.apply(annotation.getString("timeout"))),
          rank(annotation),
          Instead.of(
              method,
              type,
              annotation.getValue("skip", Boolean.class).orElse(false),
              annotation.getValue("fallback", String.class).orElse("")));
    } catch (IllegalArgumentException e) {
      throw wrong(method, annotation, String.valueOf(e.getMessage()), e);
    }
  }

  private static List<String> names(MergedAnnotation<?> annotation) {
    if (kind(annotation) == Kind.SINGLE_WRITE) {
      return List.of(annotation.getString(MergedAnnotation.VALUE));
    }
    String[] names = annotation.getStringArray(MergedAnnotation.VALUE);
    return names.length == 0 ? List.of("") : List.of(names);
  }

  private static boolean isForClassDefault(Method method) {
    return (method.getModifiers() & (Modifier.PRIVATE | Modifier.STATIC)) == 0
        && !ReflectionUtils.isEqualsMethod(method)
        && !ReflectionUtils.isHashCodeMethod(method)
        && !ReflectionUtils.isToStringMethod(method);
  }

  /** The annotation on the element itself, else on what it overrides or inherits from. */
  private static @Nullable MergedAnnotation<?> nearest(AnnotatedElement element) {
    List<MergedAnnotation<?>> nearest = new ArrayList<>();
    MergedAnnotations.from(element, SearchStrategy.TYPE_HIERARCHY).stream()
        .filter(annotation -> KINDS.containsKey(annotation.getType()))
        .filter(annotation ->
            nearest.isEmpty()
                || annotation.getAggregateIndex() == nearest.getFirst().getAggregateIndex())
        .forEach(nearest::add);
    if (nearest.isEmpty()) {
      return null;
    }
    MergedAnnotation<?> first = nearest.getFirst();
    for (MergedAnnotation<?> other : nearest) {
      if (other.getType() != first.getType()) {
        throw new LockAnnotationException(
            "@%s and @%s are both on %s: a method can have only one of them."
                .formatted(
                    first.getType().getSimpleName(), other.getType().getSimpleName(), element),
            null);
      }
    }
    return first;
  }

  private static void checkMethod(Method method, MergedAnnotation<?> annotation) {
    int modifiers = method.getModifiers();
    String why = null;
    if (Modifier.isPrivate(modifiers)) {
      why = "the method is private, so its calls do not pass the proxy";
    } else if (Modifier.isStatic(modifiers)) {
      why = "the method is static, and only a bean's methods can be locked";
    } else if (Modifier.isFinal(modifiers) && !Proxy.isProxyClass(method.getDeclaringClass())) {
      why = "the method is final, so a proxy cannot override it";
    } else if (isAsynchronous(method)) {
      why =
          ("it returns a %s, whose work may go on after the lock has been released."
                  + " Lock where the work is done, by LockTemplate")
              .formatted(method.getReturnType().getSimpleName());
    }
    if (why != null) {
      throw wrong(method, annotation, why + ".", null);
    }
  }

  private static boolean isAsynchronous(Method method) {
    Class<?> type = method.getReturnType();
    return Future.class.isAssignableFrom(type)
        || CompletionStage.class.isAssignableFrom(type)
        || Flow.Publisher.class.isAssignableFrom(type)
        || ReactiveAdapterRegistry.getSharedInstance().getAdapter(type) != null
        || KotlinDetector.isSuspendingFunction(method);
  }

  private static @Nullable Duration timeout(String text) {
    if (text.isBlank()) {
      return null;
    }
    Duration timeout;
    try {
      timeout = DurationStyle.detectAndParse(text.strip());
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new IllegalArgumentException(
          "the timeout '%s' is not a duration such as 5s or PT5S.".formatted(text), e);
    }
    if (timeout.isNegative()) {
      throw new IllegalArgumentException("the timeout '%s' is negative.".formatted(text));
    }
    return timeout;
  }

  private static int rank(MergedAnnotation<?> annotation) {
    int rank = annotation.getValue("rank", Integer.class).orElse(SingleWrite.MASTER);
    if (rank < SingleWrite.MASTER) {
      throw new IllegalArgumentException("there is no rank %d.".formatted(rank));
    }
    return rank;
  }

  private static Kind kind(MergedAnnotation<?> annotation) {
    Kind kind = KINDS.get(annotation.getType());
    if (kind == null) {
      throw new IllegalArgumentException(annotation.getType().getName());
    }
    return kind;
  }

  private static LockAnnotationException wrong(
      Method method, MergedAnnotation<?> annotation, String why, @Nullable Throwable cause) {
    return new LockAnnotationException(
        "@%s is wrong on %s: %s"
            .formatted(annotation.getType().getSimpleName(), ResourceName.shown(method), why),
        cause);
  }

  /** The locked methods of one class. */
  private static final class LockedType {
    private final Class<?> type;
    private final Map<Method, LockOperation> declared;

    /** By the method that is called, which may be an interface's. */
    private final ConcurrentMap<Method, Optional<LockOperation>> called = new ConcurrentHashMap<>();

    LockedType(Class<?> type, Map<Method, LockOperation> declared) {
      this.type = type;
      this.declared = declared;
    }

    @Nullable LockOperation find(Method method) {
      if (declared.isEmpty()) {
        return null;
      }
      Optional<LockOperation> known = called.get(method);
      if (known == null) {
        Method specific = AopUtils.getMostSpecificMethod(method, type);
        known = Optional.ofNullable(declared.get(specific));
        called.put(method, known);
      }
      return known.orElse(null);
    }
  }
}
