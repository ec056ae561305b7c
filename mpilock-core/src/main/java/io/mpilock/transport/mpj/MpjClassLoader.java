/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.regex.Pattern;

/**
 * MPJ Express once more: all of its state is static, so each loader holds one world of its own, and
 * none meets the application's.
 *
 * <p>On the way in, references to log4j become references to {@link Quiet}, because MPJ Express
 * calls {@code System.exit} where its logger is at DEBUG; and in {@code mpi.MPI} the configuration
 * file becomes {@link NoFile}. So nothing depends on which log4j is there, nor on how it is
 * configured.
 */
final class MpjClassLoader extends ClassLoader {
  private static final List<String> PACKAGES = List.of("mpi.", "mpjdev.", "mpjbuf.", "xdev.");

  private static final Pattern LOG4J = Pattern.compile("org/apache/log4j/[A-Za-z/]+");
  private static final String FILE = "java/io/FileInputStream";

  private final ClassLoader source;

  /**
   * Makes an empty one.
   *
   * @param source where the class files are
   */
  MpjClassLoader(ClassLoader source) {
    super(MpjClassLoader.class.getClassLoader());
    this.source = source;
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (PACKAGES.stream().noneMatch(name::startsWith)) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      return loaded != null ? loaded : findClass(name);
    }
  }

  @Override
  protected Class<?> findClass(String name) throws ClassNotFoundException {
    String file = name.replace('.', '/') + ".class";
    try (InputStream in = source.getResourceAsStream(file)) {
      if (in == null) {
        throw new ClassNotFoundException(name);
      }
      byte[] code = redirected(in.readAllBytes(), name.equals("mpi.MPI"));
      return defineClass(name, code, 0, code.length);
    } catch (IOException e) {
      throw new ClassNotFoundException(name, e);
    }
  }

  /** Changes the names in the constant pool (JVM specification, 4.4); the rest is copied. */
  private static byte[] redirected(byte[] code, boolean readsFile) throws IOException {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(code));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(code.length);
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeLong(in.readLong()); // magic and version
    int count = in.readUnsignedShort();
    out.writeShort(count);
    for (int i = 1; i < count; i++) {
      int tag = in.readUnsignedByte();
      out.writeByte(tag);
      switch (tag) {
        case 1 -> out.writeUTF(redirected(in.readUTF(), readsFile));
        case 3, 4, 9, 10, 11, 12, 17, 18 -> out.write(in.readNBytes(4));
        case 5, 6 -> {
          out.write(in.readNBytes(8));
          i++; // a long or a double counts as two
        }
        case 7, 8, 16, 19, 20 -> out.write(in.readNBytes(2));
        case 15 -> out.write(in.readNBytes(3));
        default -> throw new IOException("the constant pool has a tag " + tag);
      }
    }
    in.transferTo(out);
    return bytes.toByteArray();
  }

  private static String redirected(String text, boolean readsFile) {
    String quiet = LOG4J.matcher(text).replaceAll(internalName(Quiet.class));
    return readsFile ? quiet.replace(FILE, internalName(NoFile.class)) : quiet;
  }

  private static String internalName(Class<?> type) {
    return type.getName().replace('.', '/');
  }
}
