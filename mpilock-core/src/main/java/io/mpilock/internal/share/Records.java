/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.share;

import java.io.IOException;
import java.io.InvalidClassException;
import java.io.InvalidObjectException;
import java.io.Serializable;
import java.lang.reflect.Constructor;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The records of one stream that are not {@link Serializable}. They travel by their components: the
 * writer asks their accessors, the reader calls their canonical constructor and nothing else. Each
 * class is looked through once, and stands once in the stream.
 *
 * <p>What travels is a record itself. So what a record contains by way of a collection sees null
 * for that record while it is read, as it does with records that are serializable.
 */
final class Records {
  private final Map<Class<?>, Form> forms = new HashMap<>();
  private final Set<Class<?>> closed = new HashSet<>();

  /**
   * What a record is, in the stream. The class passes the allow-list like any other that is
   * written, and read.
   *
   * @param type its class
   * @param components their types and names
   */
  record Shape(Class<?> type, String components) implements Serializable {}

  /**
   * A record, in the stream.
   *
   * @param shape what it is
   * @param values its components
   */
  @SuppressWarnings("ArrayRecordComponent") // not compared
  record Taken(Shape shape, @Nullable Object[] values) implements Serializable {}

  /** How a class of records is taken apart and made. */
  @SuppressWarnings("ArrayRecordComponent") // not compared
  private record Form(Shape shape, Constructor<?> constructor, Method[] accessors) {}

  /** Whether an object is to travel by its components. Records of the JDK's own do not. */
  static boolean isOne(Object object) {
    return object instanceof Record record
        && !(record instanceof Serializable)
        && record.getClass().getClassLoader() != null;
  }

  /**
   * Takes a record apart.
   *
   * @throws IOException if one of its accessors fails, or may not be called
   */
  Taken take(Record record) throws IOException {
    Form form = form(record.getClass());
    return new Taken(form.shape(), values(form, record));
  }

  /** Gives the components of any record, or none if they cannot be had. */
  @Nullable Object[] valuesOrNone(Record record) {
    if (!closed.contains(record.getClass())) {
      try {
        return values(form(record.getClass()), record);
      } catch (IOException refused) {
        closed.add(record.getClass());
      }
    }
    return new Object[0];
  }

  private static @Nullable Object[] values(Form form, Record record) throws IOException {
    Method[] accessors = form.accessors();
    @Nullable Object[] values = new Object[accessors.length];
    for (int i = 0; i < values.length; i++) {
      try {
        values[i] = accessors[i].invoke(record);
      } catch (ReflectiveOperationException failure) {
        throw broken(
            "component %s of record %s cannot be read"
                .formatted(accessors[i].getName(), shown(form.shape())),
            thrown(failure));
      }
    }
    return values;
  }

  /**
   * Looks at what a stream says of a class.
   *
   * @throws IOException if it is no class of records here, or has other components
   */
  void check(Shape said) throws IOException {
    Class<?> type = said.type();
    if (type == null || !type.isRecord() || type.getClassLoader() == null) {
      throw new InvalidObjectException("there is no record " + type);
    }
    Shape here = form(type).shape();
    if (!here.components().equals(said.components())) {
      throw new InvalidClassException(
          type.getName(),
          "this rank's record has the components (%s), that of the rank that shared it (%s): start every rank with the same version"
              .formatted(here.components(), said.components()));
    }
  }

  /**
   * Makes a record.
   *
   * @throws IOException if the values are not those of its components, or its constructor throws
   */
  Record make(Taken taken) throws IOException {
    Shape shape = taken.shape();
    @Nullable Object[] values = taken.values();
    if (shape == null || values == null) {
      throw new InvalidObjectException("a record has no class or no components");
    }
    try {
      return (Record) form(shape.type()).constructor().newInstance(values);
    } catch (ReflectiveOperationException failure) {
      throw broken("record %s could not be created".formatted(shown(shape)), thrown(failure));
    } catch (IllegalArgumentException | NullPointerException other) {
      throw broken("record %s has no such components".formatted(shown(shape)), other);
    }
  }

  private Form form(Class<?> type) throws IOException {
    Form known = forms.get(type);
    if (known == null) {
      known = look(type);
      forms.put(type, known);
    }
    return known;
  }

  private static Form look(Class<?> type) throws IOException {
    RecordComponent[] components = type.getRecordComponents();
    try {
      Constructor<?> constructor =
          type.getDeclaredConstructor(
              Stream.of(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
      constructor.setAccessible(true);
      Method[] accessors =
          Stream.of(components).map(RecordComponent::getAccessor).toArray(Method[]::new);
      for (Method accessor : accessors) {
        accessor.setAccessible(true);
      }
      String named =
          Arrays.stream(components)
              .map(one -> one.getType().getTypeName() + " " + one.getName())
              .collect(Collectors.joining(", "));
      return new Form(new Shape(type, named), constructor, accessors);
    } catch (NoSuchMethodException | InaccessibleObjectException failure) {
      throw broken(
          ("record %s is not accessible: open its package to mpilock, or make it" + " Serializable")
              .formatted(type.getName()),
          failure);
    }
  }

  private static String shown(Shape shape) {
    return shape.type().getName() + "(" + shape.components() + ")";
  }

  /** What an accessor or a constructor threw; an error goes on as it is. */
  private static Throwable thrown(ReflectiveOperationException failure) {
    Throwable cause = failure instanceof InvocationTargetException ? failure.getCause() : failure;
    if (cause instanceof Error error) {
      throw error;
    }
    return cause == null ? failure : cause;
  }

  private static InvalidObjectException broken(String what, Throwable why) {
    InvalidObjectException broken = new InvalidObjectException(what + ": " + why);
    broken.initCause(why);
    return broken;
  }
}
