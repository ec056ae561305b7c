/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;

/**
 * Files that only this user can read, and whose names nobody else can guess. For transports.
 *
 * @since 0.1.0
 */
public final class PrivateFiles {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int NAME_BYTES = 16;

  private PrivateFiles() {}

  /**
   * Tells what such a file is to be made with.
   *
   * @return the permission to read and to write, for the owner alone
   */
  public static FileAttribute<Set<PosixFilePermission>> permissions() {
    return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  }

  /**
   * Makes up a name.
   *
   * @return 128 random bits, as 32 hexadecimal digits
   */
  public static String randomName() {
    byte[] random = new byte[NAME_BYTES];
    RANDOM.nextBytes(random);
    return HexFormat.of().formatHex(random);
  }

  /**
   * Tells whether a file is a plain one of this user's. A link is none.
   *
   * @param path the file
   * @return whether it is
   * @throws IOException if it is not there, or cannot be looked at
   */
  public static boolean isOwn(Path path) throws IOException {
    PosixFileAttributes attributes =
        Files.readAttributes(path, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    return attributes.isRegularFile() && attributes.owner().equals(self());
  }

  /**
   * Tells whom the files belong to that this process makes.
   *
   * @return the user
   * @throws IOException if that cannot be found out
   */
  public static UserPrincipal self() throws IOException {
    Path process = Path.of("/proc/self");
    return Files.getOwner(
        Files.exists(process) ? process : Path.of(System.getProperty("user.home")));
  }
}
