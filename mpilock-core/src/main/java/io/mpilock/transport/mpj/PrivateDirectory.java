/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.PrivateFiles;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Directories that only this user can read, and that nobody else can put in our way. */
final class PrivateDirectory {
  private static final Set<PosixFilePermission> OWNER_ALL =
      PosixFilePermissions.fromString("rwx------");

  private PrivateDirectory() {}

  /**
   * Makes the directory if it is not there, and looks whether it is the user's alone.
   *
   * @throws StartupException if it cannot be made, or is not private
   */
  static Path open(Path path) {
    try {
      Files.createDirectory(path, PosixFilePermissions.asFileAttribute(OWNER_ALL));
    } catch (FileAlreadyExistsException there) {
      // Also if it is a link: looked at below.
    } catch (IOException e) {
      throw new StartupException(
          Problem.RENDEZVOUS_INVALID,
          "The directory " + path + " for the ranks' rendezvous cannot be created: " + e + ".",
          "Set mpilock.mpj.directory to one that all ranks see and that this user may write to.",
          e);
    }
    try {
      PosixFileAttributes attributes = attributes(path);
      if (!attributes.isDirectory()) {
        throw notPrivate(path, "is not a directory, or a link to one");
      }
      if (!attributes.owner().equals(PrivateFiles.self())) {
        throw notPrivate(path, "belongs to " + attributes.owner().getName());
      }
      if (!OWNER_ALL.containsAll(attributes.permissions())) {
        throw notPrivate(path, "is accessible to users other than its owner");
      }
    } catch (IOException e) {
      throw notPrivate(path, "cannot be inspected (" + e + ")");
    }
    return path;
  }

  private static PosixFileAttributes attributes(Path path) throws IOException {
    return Files.readAttributes(path, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
  }

  private static StartupException notPrivate(Path path, String why) {
    return new StartupException(
        Problem.RENDEZVOUS_INVALID,
        "The directory " + path + " for the ranks' rendezvous " + why + ".",
        "Make it accessible to this user only (chmod 700), or set"
            + " mpilock.mpj.directory to one that is.");
  }
}
