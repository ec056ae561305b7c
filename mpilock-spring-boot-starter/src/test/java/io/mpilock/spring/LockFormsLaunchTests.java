/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.WindowController;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.MpiRun.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The forms of the template on the ranks of a real job, which are processes and share files. */
@Timeout(200)
class LockFormsLaunchTests {
  private static final Duration BOUND = Duration.ofSeconds(150);

  @TempDir Path folder;

  /** One rank of it. */
  static final class Application {
    private static final int ROUNDS = 100;

    private Application() {}

    static void main(String[] arguments) throws IOException {
      Path folder = Path.of(arguments[0]);
      try (WindowController controller = WindowController.sync()) {
        LockTemplate locks = LockTemplate.of(controller);
        int mine = locks.rank();
        int others = locks.size() - 1;
        for (int i = 0; i < ROUNDS; i++) {
          String own = "account-" + mine;
          String other = "account-" + (mine + 1 + i % others) % locks.size();
          locks
              .group()
              .write(own, other)
              .runWithoutResult(() -> {
                add(folder.resolve(own), -1);
                add(folder.resolve(other), 1);
                add(folder.resolve("moves-" + mine), 1);
              });
          Path upgraded = folder.resolve("upgraded");
          locks.readWithLease(lease -> {
            int seen = read(upgraded);
            return lease.upgrade(write ->
                Files.writeString(
                    upgraded, Integer.toString((write.intervened() ? read(upgraded) : seen) + 1)));
          });
          boolean ran =
              locks
                  .on("tried")
                  .tryWriteWithoutResult(
                      Duration.ofSeconds(60), () -> add(folder.resolve("tried"), 1));
          if (!ran) {
            throw new IllegalStateException("a try gave up");
          }
        }
        locks.barrier();
        int sum = 0;
        for (int rank = 0; rank < locks.size(); rank++) {
          sum += read(folder.resolve("account-" + rank));
        }
        Integer writer =
            locks.<Integer, RuntimeException>singleWriteFenced(
                others,
                fence -> {
                  fence.guard();
                  locks.requireWriteHeld();
                  fence.share(mine);
                });
        if (locks.isMaster()) {
          System.out.println(
              "sum %d, upgraded %d, tried %d, fenced by %d"
                  .formatted(
                      sum,
                      read(folder.resolve("upgraded")),
                      read(folder.resolve("tried")),
                      writer));
        }
      }
    }

    private static void add(Path file, int change) throws IOException {
      Files.writeString(file, Integer.toString(read(file) + change));
    }

    private static int read(Path file) throws IOException {
      return Files.exists(file) ? Integer.parseInt(Files.readString(file)) : 0;
    }
  }

  @Test
  void noUpdateIsLostUnderMpirun() {
    Result result =
        MpiRun.openMpi().ranks(4).timeout(BOUND).run(Application.class, folder.toString());
    assertThat(result.succeeded().output()).contains("sum 0, upgraded 400, tried 400, fenced by 3");
  }
}
