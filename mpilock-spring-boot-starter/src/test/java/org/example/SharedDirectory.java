/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import io.mpilock.spring.LockTemplate;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

// snippet directory
/** Files that are whole for whoever reads them, on whichever node. */
class SharedDirectory {
  private final LockTemplate lock;
  private final Path directory;

  SharedDirectory(LockTemplate locks, Path directory) {
    this.lock = locks.on("directory");
    this.directory = directory;
  }

  void replace(String name, String text) throws IOException {
    lock.writeWithoutResult(() -> {
      Path fresh = directory.resolve(name + ".tmp"); // a write is alone: one name will do
      try (FileChannel file =
          FileChannel.open(
              fresh,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
        while (bytes.hasRemaining()) {
          file.write(bytes);
        }
        file.force(true); // the bytes are on the server, or on the disk
      }
      Files.move(fresh, directory.resolve(name), StandardCopyOption.ATOMIC_MOVE);
      try (FileChannel entries = FileChannel.open(directory, StandardOpenOption.READ)) {
        entries.force(true); // so is the new name
      }
    });
  }

  String read(String name) throws IOException {
    return lock.read(() -> Files.readString(directory.resolve(name))); // opened within the read
  }
}
// end snippet
