package io.mpilock.protocol.job.model;

import io.mpilock.protocol.job.Home;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.jspecify.annotations.NullMarked;

/**
 * Puts a fault into a source of the protocol or of this model, compiles that, and checks the model
 * with it: so it is known that the check can fail. The faulty class takes the place of the sound
 * one in a class loader of its own, which loads everything around it anew.
 */
final class Faults {
  private static final String PACKAGE = "io.mpilock.protocol.job.";
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
  static String[] check(Fault fault, Path directory) throws IOException {
    compile(fault, directory);
    try {
      Method search =
          new Loader(directory)
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

  private static void compile(Fault fault, Path directory) throws IOException {
    String file = (PACKAGE + fault.name).replace('.', '/') + ".java";
    Path source = Path.of("src/main/java").resolve(file);
    if (!Files.exists(source)) {
      source = Path.of("src/test/java").resolve(file);
    }
    String text = Files.readString(source);
    int at = text.indexOf(fault.sound);
    if (at < 0 || text.indexOf(fault.sound, at + 1) >= 0) {
      throw new IllegalStateException("not once in " + source + ": " + fault.sound);
    }
    Path copy = directory.resolve(source.getFileName());
    Files.writeString(
        copy, text.substring(0, at) + fault.faulty + text.substring(at + fault.sound.length()));
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter said = new StringWriter();
    String path =
        String.join(
            java.io.File.pathSeparator,
            place(Home.class),
            place(Faults.class),
            place(NullMarked.class));
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
      if (!compiler
          .getTask(
              said,
              files,
              null,
              List.of("-proc:none", "-d", directory.toString(), "-cp", path),
              null,
              files.getJavaFileObjects(copy))
          .call()) {
        throw new IllegalStateException("the fault does not compile: " + said);
      }
    }
  }

  private static String place(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Loads the package of the job level and of this model itself, from a directory first. */
  private static final class Loader extends ClassLoader {
    private final Path directory;

    Loader(Path directory) {
      super(Faults.class.getClassLoader());
      this.directory = directory;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.startsWith(PACKAGE)) {
        return super.loadClass(name, resolve);
      }
      synchronized (getClassLoadingLock(name)) {
        Class<?> known = findLoadedClass(name);
        return known == null ? define(name) : known;
      }
    }

    private Class<?> define(String name) throws ClassNotFoundException {
      String file = name.replace('.', '/') + ".class";
      Path faulty = directory.resolve(file);
      try (InputStream in =
          Files.exists(faulty) ? Files.newInputStream(faulty) : getResourceAsStream(file)) {
        if (in == null) {
          throw new ClassNotFoundException(name);
        }
        byte[] bytes = in.readAllBytes();
        return defineClass(name, bytes, 0, bytes.length);
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }
  }
}
