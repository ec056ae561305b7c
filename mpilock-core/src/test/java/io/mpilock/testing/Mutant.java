/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongUnaryOperator;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;

/**
 * The project's classes with a fault planted in the source of one: compiled in memory, and loaded
 * beside the right ones. Shows what a test can see.
 */
public final class Mutant extends ClassLoader {
  private static final String PACKAGE = "io.mpilock.";

  private final Map<String, byte[]> compiled = new HashMap<>();

  private Mutant() {
    super(Mutant.class.getClassLoader());
  }

  /**
   * Plants a fault.
   *
   * @param type whose source is changed
   * @param right a part of the source, which stands there once
   * @param wrong what takes its place
   * @return a loader of the changed class, and of all others of this project
   * @throws IOException if the source cannot be read
   */
  public static Mutant of(Class<?> type, String right, String wrong) throws IOException {
    Path module = Path.of(System.getProperty("basedir", ""));
    String file = type.getName().replace('.', '/') + ".java";
    Path main = module.resolve("src/main/java").resolve(file);
    String source =
        Files.readString(Files.exists(main) ? main : module.resolve("src/test/java").resolve(file));
    assertThat(source.split(java.util.regex.Pattern.quote(right), -1))
        .as("'%s' stands once in %s: if the code was changed, so must be the fault", right, file)
        .hasSize(2);
    Mutant mutant = new Mutant();
    mutant.compile(file, source.replace(right, wrong));
    return mutant;
  }

  private void compile(String file, String source) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter messages = new StringWriter();
    String classPath =
        String.join(
            File.pathSeparator,
            List.of(
                System.getProperty("java.class.path"), place(Runs.class), place(Nullable.class)));
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null);
        JavaFileManager memory = new Memory(files)) {
      boolean good =
          compiler
              .getTask(
                  messages,
                  memory,
                  null,
                  List.of("-proc:none", "-nowarn", "-classpath", classPath),
                  null,
                  List.of(new Source(file, source)))
              .call();
      assertThat(good).as("%s compiles with the fault: %s", file, messages).isTrue();
    }
  }

  private static String place(Class<?> type) {
    return new File(type.getProtectionDomain().getCodeSource().getLocation().getPath()).getPath();
  }

  /**
   * Makes a run of a simulation on the faulty code.
   *
   * @param type has a constructor without parameters
   * @return takes a seed and gives the number of operations
   * @throws ReflectiveOperationException if it has none
   */
  public LongUnaryOperator simulation(Class<? extends LongUnaryOperator> type)
      throws ReflectiveOperationException {
    var constructor = loadClass(type.getName()).getDeclaredConstructor();
    constructor.setAccessible(true);
    return (LongUnaryOperator) constructor.newInstance();
  }

  /**
   * Checks that a simulation fails on the faulty code, and tells how many operations that took.
   *
   * @param fault names it
   * @param type the simulation
   * @param mostOperations what it may take
   * @throws ReflectiveOperationException if the simulation cannot be made
   */
  public void assertSeen(Object fault, Class<? extends LongUnaryOperator> type, long mostOperations)
      throws ReflectiveOperationException {
    long operations = operationsUntilSeen(type, mostOperations);
    System.out.printf("%s: seen after %d operations%n", fault, operations);
    assertThat(operations).as("operations until %s was seen", fault).isNotNegative();
  }

  /** How many operations it took, or -1 if the fault was not seen. */
  private long operationsUntilSeen(Class<? extends LongUnaryOperator> type, long mostOperations)
      throws ReflectiveOperationException {
    LongUnaryOperator run = simulation(type);
    long base = java.util.concurrent.ThreadLocalRandom.current().nextLong();
    long operations = 0;
    for (int i = 0; operations < mostOperations; i++) {
      try {
        operations += run.applyAsLong(Runs.seed(base, i));
      } catch (AssertionError | RuntimeException e) {
        return operations;
      }
    }
    return -1;
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    synchronized (getClassLoadingLock(name)) {
      Class<?> known = findLoadedClass(name);
      if (known != null) {
        return known;
      }
      if (!name.startsWith(PACKAGE)) {
        return super.loadClass(name, resolve);
      }
      byte[] bytes = compiled.containsKey(name) ? compiled.get(name) : original(name);
      return defineClass(name, bytes, 0, bytes.length);
    }
  }

  private byte[] original(String name) throws ClassNotFoundException {
    String file = name.replace('.', '/') + ".class";
    try (InputStream in = getParent().getResourceAsStream(file)) {
      if (in == null) {
        throw new ClassNotFoundException(name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new ClassNotFoundException(name, e);
    }
  }

  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(String file, String text) {
      super(URI.create("memory:///" + file), Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }

  /** Keeps what is compiled. */
  private final class Memory extends ForwardingJavaFileManager<JavaFileManager> {
    Memory(JavaFileManager files) {
      super(files);
    }

    @Override
    public JavaFileObject getJavaFileForOutput(
        Location location, String name, JavaFileObject.Kind kind, FileObject sibling) {
      return new SimpleJavaFileObject(URI.create("memory:///" + name), kind) {
        @Override
        public OutputStream openOutputStream() {
          return new ByteArrayOutputStream() {
            @Override
            public void close() {
              compiled.put(name, toByteArray());
            }
          };
        }
      };
    }
  }
}
