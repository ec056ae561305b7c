/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.MpjSettings;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where MPJ Express is. */
final class MpjLibrary {
  /** Where Debian's libmpj-java puts it. */
  private static final Path USUAL_JAR = Path.of("/usr/share/java/mpj.jar");

  /** Not mpi/MPI.class, which Open MPI's Java binding has too. */
  private static final String MARK = "xdev/niodev/NIODevice.class";

  private final ClassLoader source;

  private MpjLibrary(ClassLoader source) {
    this.source = source;
  }

  /**
   * Finds it, and looks whether it is what this transport knows.
   *
   * @throws StartupException if it is not there, or another
   */
  static MpjLibrary find(MpjSettings settings, JobEnvironment environment) {
    String configured =
        settings.jar() != null ? settings.jar() : environment.value("MPILOCK_MPJ_JAR");
    List<String> looked = new ArrayList<>();
    ClassLoader source = configured == null ? onClassPath(looked) : null;
    if (source == null) {
      source = inJar(configured == null ? USUAL_JAR : Path.of(configured), looked);
    }
    if (source == null) {
      throw noMpj("MPJ Express was not found: " + String.join(", ", looked) + ".", null);
    }
    MpjLibrary library = new MpjLibrary(source);
    try {
      MpjWorld _ = library.newWorld();
    } catch (ReflectiveOperationException | LinkageError e) {
      throw noMpj(
          "What was found (" + source.getResource(MARK) + ") is not MPJ Express 0.44: " + e + ".",
          e);
    }
    return library;
  }

  /** For people. MPJ Express does not tell its version. */
  String description() {
    return "MPJ Express, niodev";
  }

  /** One more MPJ Express, not initialised. */
  MpjWorld newWorld() throws ReflectiveOperationException {
    return new MpjWorld(new MpjClassLoader(source));
  }

  private static @Nullable ClassLoader onClassPath(List<String> looked) {
    looked.add("it is not on the class path");
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    for (ClassLoader loader : new ClassLoader[] {MpjLibrary.class.getClassLoader(), context}) {
      if (loader != null && loader.getResource(MARK) != null) {
        return loader;
      }
    }
    return null;
  }

  /** The loader stays open as long as the process: classes are loaded when they are needed. */
  private static @Nullable ClassLoader inJar(Path jar, List<String> looked) {
    if (!Files.isReadable(jar)) {
      looked.add("there is no " + jar);
      return null;
    }
    try {
      ClassLoader loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null);
      if (loader.getResource(MARK) != null) {
        return loader;
      }
      looked.add(jar + " is not MPJ Express");
    } catch (MalformedURLException e) {
      looked.add(jar + " cannot be opened");
    }
    return null;
  }

  private static StartupException noMpj(String message, @Nullable Throwable cause) {
    return new StartupException(
        Problem.NO_MPJ,
        message,
        "Install MPJ Express 0.44 (Debian: libmpj-java) on every host, put its mpj.jar on the class"
            + " path, or name that file in mpilock.mpj.jar.",
        cause);
  }
}
