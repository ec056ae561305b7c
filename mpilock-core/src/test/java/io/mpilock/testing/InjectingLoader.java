/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.NewMultiArrayInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.NewPrimitiveArrayInstruction;
import java.lang.classfile.instruction.NewReferenceArrayInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/**
 * Loads mpilock once more, with {@link Injection#step(int)} before each call, allocation of an
 * object and allocation of an array in {@code io.mpilock} and {@code io.mpilock.internal}, but for
 * the pure state machines of {@code job}. Not in static initialisers: one that throws spoils its
 * class for ever, and they run once in a process.
 */
public final class InjectingLoader extends ClassLoader {
  private static final ClassDesc HOOK = ClassDesc.of(Injection.class.getName());

  private final String ownName;
  private final String withPackage;

  /** Each place in the code has a number; guarded by the loading of classes, which is by one. */
  private int nextPlace;

  /**
   * Makes a loader.
   *
   * @param own the class of the test that is loaded here too, with what is nested in it, and not
   *     changed
   */
  public InjectingLoader(Class<?> own) {
    this(own, "");
  }

  /**
   * Makes a loader.
   *
   * @param own as above
   * @param withPackage a package that has steps, too
   */
  public InjectingLoader(Class<?> own, String withPackage) {
    super(own.getClassLoader());
    ownName = own.getName();
    this.withPackage = withPackage;
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!name.startsWith("io.mpilock.") || name.startsWith("io.mpilock.testing.")) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> known = findLoadedClass(name);
      return known != null ? known : define(name);
    }
  }

  private Class<?> define(String name) throws ClassNotFoundException {
    try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
      if (in == null) {
        throw new ClassNotFoundException(name);
      }
      byte[] bytes = in.readAllBytes();
      String inPackage = name.substring(0, name.lastIndexOf('.'));
      boolean counted =
          (inPackage.equals("io.mpilock")
                  || inPackage.equals(withPackage)
                  || (inPackage.startsWith("io.mpilock.internal")
                      && !inPackage.equals("io.mpilock.internal.job")))
              && !name.startsWith(ownName);
      byte[] code = counted ? withSteps(bytes) : bytes;
      return defineClass(name, code, 0, code.length);
    } catch (IOException e) {
      throw new ClassNotFoundException(name, e);
    }
  }

  private byte[] withSteps(byte[] bytes) {
    ClassFile file =
        ClassFile.of(
            ClassFile.ClassHierarchyResolverOption.of(
                ClassHierarchyResolver.ofResourceParsing(getParent())
                    .orElse(ClassHierarchyResolver.defaultResolver())));
    return file.transformClass(
        file.parse(bytes),
        ClassTransform.transformingMethodBodies(InjectingLoader::isCounted, this::addStep));
  }

  /** What is thrown in sync itself, before it calls anything, is as if its caller had thrown. */
  private static boolean isCounted(MethodModel method) {
    return !method.methodName().equalsString("<clinit>")
        && !(method.methodName().equalsString("sync")
            && method
                .parent()
                .filter(of -> of.thisClass().asInternalName().equals("io/mpilock/WindowController"))
                .isPresent());
  }

  private void addStep(CodeBuilder code, CodeElement element) {
    switch (element) {
      case InvokeInstruction _,
          InvokeDynamicInstruction _,
          NewObjectInstruction _,
          NewPrimitiveArrayInstruction _,
          NewReferenceArrayInstruction _,
          NewMultiArrayInstruction _ ->
          code.loadConstant(nextPlace++)
              .invokestatic(
                  HOOK, "step", MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int));
      default -> {}
    }
    code.with(element);
  }
}
