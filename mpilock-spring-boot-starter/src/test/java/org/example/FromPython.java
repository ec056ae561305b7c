/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import io.mpilock.Fence;
import io.mpilock.FencedHandle;
import io.mpilock.FencedSignal;
import io.mpilock.ReadLease;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The calls of the Python library, in its order. */
public class FromPython {

  public static void main(String[] arguments) throws IOException {
    // snippet python
    try (WindowController ctrl = WindowController.sync()) { // ctrl = sync()

      Fence<Path> fence = ctrl.singleWrite(); // with ctrl.single_write() as fence:
      try (fence) {
        fence.guard(); //   fence.guard()
        fence.share(Files.createTempFile("shared", ".txt")); //   fence.share(resource)
      } catch (FencedSignal signal) {
        // thrown by guard() on the ranks that do not write, when the writer is done
      }
      Path file = fence.collect(); // resource = fence.collect()

      try (WriteLease write = ctrl.write()) { // with ctrl.write():
        Files.writeString(file, "rank " + ctrl.rank() + "\n", StandardOpenOption.APPEND);
      }

      try (ReadLease read = ctrl.read()) { // with ctrl.read():
        System.out.println(Files.readAllLines(file).contains("rank " + ctrl.rank()));
      }

      // with ctrl.single_write(handle=file, rank=0) as handle:
      try (FencedHandle<Path> fenced = ctrl.singleWriteWith(file, 0)) {
        if (fenced.handle().isPresent()) { //   if handle:
          Files.writeString(fenced.handle().get(), "done\n", StandardOpenOption.APPEND);
        }
        fenced.complete();
      }
    } // ctrl.close(), or atexit
    // end snippet
  }
}
