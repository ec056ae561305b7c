/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job.model;

import io.mpilock.testing.Mutant;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;

/**
 * Puts a fault into a source of the protocol or of this model, compiles that, and checks the model
 * with it: so it is known that the check can fail.
 */
final class Faults {
  private static final String PACKAGE = "io.mpilock.internal.job.";
  private static final long MOST_STATES = 3_000_000;

  /**
   * A fault.
   *
   * @param name of the class, in the package of the job level
   * @param sound a piece of its source, which must be there exactly once
   * @param faulty what to put in its place
   * @param setup which model to check with it
   * @param property what does not hold then
   */
  record Fault(String name, String sound, String faulty, Setup setup, String property) {}

  private Faults() {}

  /**
   * Checks a model with a fault.
   *
   * @return the property that is violated, and the path to it, if there is one
   */
  static String[] check(Fault fault) throws IOException {
    try {
      Method search =
          Mutant.of(Class.forName(PACKAGE + fault.name), fault.sound, fault.faulty)
              .loadClass(Faults.class.getName())
              .getDeclaredMethod("search", String.class);
      search.setAccessible(true); // of the same name, but of another class loader
      return (String[]) search.invoke(null, fault.setup.code());
    } catch (InvocationTargetException e) {
      throw new IllegalStateException("the check fails by itself", e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Called in the faulty class loader. */
  static String[] search(String code) {
    JobModel model = new JobModel(Setup.parse(code));
    try {
      new Search(model, MOST_STATES).shortest();
      new Search(model, MOST_STATES).exhaust(); // only this finds endless runs
      return new String[] {"none is violated", ""};
    } catch (Violation violation) {
      return new String[] {violation.property(), violation.getMessage()};
    }
  }
}
