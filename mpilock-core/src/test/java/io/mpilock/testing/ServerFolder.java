/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * The private folder of a server that a test starts, which is gone afterwards. Servers of databases
 * refuse to be root's: then it is the user's that their package has made.
 *
 * @param path the folder
 * @param user the user of the package
 */
record ServerFolder(Path path, String user) implements AutoCloseable {

  /** Makes one whose name begins so. */
  static ServerFolder create(String prefix, String user) throws IOException {
    Path path =
        Files.createTempDirectory(
            prefix,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    ServerFolder folder = new ServerFolder(path, user);
    folder.handOver(path);
    return folder;
  }

  /** Whether the server is to be started as another user. */
  static boolean isRoot() {
    return "root".equals(System.getProperty("user.name"));
  }

  /** Writes a file that the server may read. */
  Path write(String name, String text) throws IOException {
    Path file = Files.writeString(path.resolve(name), text);
    handOver(file);
    return file;
  }

  private void handOver(Path file) throws IOException {
    if (isRoot()) {
      Files.setOwner(
          file, file.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(user));
    }
  }

  /** Deletes it with all that is in it. */
  @Override
  public void close() throws IOException {
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
