/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.mpilock.ControllerOptions;
import io.mpilock.LocalRanks;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.transport.local.LocalCluster;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class LockReportTests {
  private static final ControllerOptions QUICK =
      ControllerOptions.defaults().withShutdownTimeout(Duration.ofMillis(300));

  @TempDir Path directory;

  private static void lock(WindowController controller) {
    try (WriteLease _ = controller.resource("orders").write()) {
      Thread.onSpinWait();
    }
  }

  private String json() throws Exception {
    return Files.readString(directory.resolve(ReportFiles.JSON));
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "3", "2,2"})
  void theMasterTellsTheFiguresOfAllRanks(String ranksPerNode, CapturedOutput output)
      throws Exception {
    int[] nodes = Arrays.stream(ranksPerNode.split(",", -1)).mapToInt(Integer::parseInt).toArray();
    int size = Arrays.stream(nodes).sum();
    ControllerOptions options = ControllerOptions.defaults().withMaster(size - 1);
    LocalRanks.run(
        nodes,
        options,
        controller -> {
          LockReport report = LockReport.record(controller, 100);
          for (int i = 0; i < 10; i++) {
            lock(controller);
          }
          report.finish(
              controller.isMaster() ? directory : null, controller.options().shutdownTimeout());
        });
    assertThat(json())
        .contains("\"missing\":[]")
        .contains("{\"resource\":\"orders\",\"mode\":\"write\",\"granted\":" + 10 * size)
        .doesNotContain("mpilock.report\"");
    for (int rank = 0; rank < size; rank++) {
      assertThat(json()).contains("{\"rank\":" + rank + ",\"host\":");
    }
    assertThat(output.getOut().split("mpilock: the locks of " + size + " rank", -1)).hasSize(2);
  }

  @Test
  void thePageSoFarIsTheMastersAndTheRecordingGoesOn() throws Exception {
    LocalRanks.run(
        2,
        controller -> {
          LockReport report = LockReport.record(controller, 100);
          lock(controller);
          Optional<String> page = report.page(Duration.ofSeconds(30));
          assertThat(page.isPresent()).isEqualTo(controller.isMaster());
          page.ifPresent(html -> assertThat(html).contains("<td class=\"name\">orders</td>"));
          lock(controller);
          report.finish(
              controller.isMaster() ? directory : null, controller.options().shutdownTimeout());
        });

    assertThat(json())
        .contains("{\"resource\":\"orders\",\"mode\":\"write\",\"granted\":4")
        .doesNotContain("mpilock.report\"");
  }

  @Test
  void aRankThatClosesInsteadIsMissingAndNobodyWaitsForIt(CapturedOutput output) throws Exception {
    LocalRanks.run(
        3,
        controller -> {
          LockReport report = LockReport.record(controller, 100);
          lock(controller);
          if (controller.rank() == 2) {
            report.discard(); // a context that failed
            controller.close(); // which the others are about to do, too
          } else {
            report.finish(
                controller.isMaster() ? directory : null, controller.options().shutdownTimeout());
          }
        });
    assertThat(output)
        .contains("the locks of 1 of 3 ranks")
        .contains("rank 1, 2 missing: ")
        .contains("rank 2 is closing");
    assertThat(json()).contains("\"granted\":1");
  }

  @Test
  void aRankThatDiedIsMissingAndNobodyWaitsForIt(CapturedOutput output) throws Exception {
    LocalCluster cluster = new LocalCluster(2);
    CyclicBarrier both = new CyclicBarrier(2);
    Thread other =
        Thread.ofPlatform()
            .start(() -> {
              try {
                WindowController controller =
                    WindowController.sync(cluster.world(1), ControllerOptions.defaults());
                lock(controller);
                both.await();
              } catch (Exception e) {
                throw new AssertionError(e);
              }
            });
    try (WindowController controller =
        WindowController.sync(cluster.world(0), ControllerOptions.defaults())) {
      LockReport report = LockReport.record(controller, 100);
      lock(controller);
      both.await();
      other.join();
      cluster.kill(1);
      report.finish(directory, controller.options().shutdownTimeout());
    }
    assertThat(output).contains("rank 1 missing: ").contains("rank 1 died");
    assertThat(json()).contains("\"granted\":1");
  }

  @Test
  void aRankThatMakesAnotherCallIsToldWhoCalledWhatAndTheReportIsOfWhatIsThere(
      CapturedOutput output) throws Exception {
    LocalRanks.run(
        2,
        controller -> {
          LockReport report = LockReport.record(controller, 100);
          if (controller.rank() == 1) {
            try {
              controller.resource("orders").singleWrite(0, () -> 7);
              throw new AssertionError("the master is not there");
            } catch (CollectiveMismatchException e) {
              assertThat(e)
                  .hasMessageContaining("since rank 0 is closing: rank 0 is closing; rank 1 called")
                  .hasMessageContaining("orders")
                  .hasMessageNotContaining("mpilock.report");
            }
            report.discard();
          } else {
            report.finish(directory, controller.options().shutdownTimeout());
          }
        });
    assertThat(output).contains("rank 1 missing: ").contains("rank 0 is closing; rank 1 called");
  }

  @Test
  void aRankThatDoesNotComeIsWaitedForAsLongAsByACloseAndTheLocksGoOn(CapturedOutput output)
      throws Exception {
    CyclicBarrier both = new CyclicBarrier(2);
    LocalRanks.run(
        2,
        QUICK,
        controller -> {
          LockReport report = LockReport.record(controller, 100);
          if (controller.rank() == 0) {
            report.finish(directory, controller.options().shutdownTimeout());
            both.await();
          } else {
            both.await();
            lock(controller); // the other is through with its report
            report.finish(
                null,
                controller
                    .options()
                    .shutdownTimeout()); // and is told that it comes too late, without a wait or
            // exception
          }
        });
    assertThat(output).contains("rank 1 missing: ").contains("rank 0 had waited for its time-out");
  }

  @Test
  void anInterruptEndsTheGatheringAndIsKept() throws Exception {
    CyclicBarrier both = new CyclicBarrier(2);
    LocalRanks.run(
        2,
        QUICK,
        controller -> {
          LockReport report = LockReport.record(controller, 100);
          if (controller.rank() == 0) {
            Thread.currentThread().interrupt();
            report.finish(directory, controller.options().shutdownTimeout());
            assertThat(Thread.interrupted()).isTrue();
            both.await();
          } else {
            both.await();
            report.finish(null, controller.options().shutdownTimeout());
          }
        });
    assertThat(json()).contains("\"missing\":[{\"rank\":1,");
  }

  @Test
  void aDirectoryThatCannotBeIsLoggedAndNotThrown(CapturedOutput output) throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "in the way");
    LocalRanks.run(1, controller -> LockReport.record(controller, 1).finish(file, Duration.ZERO));
    assertThat(output).contains("could not be written to " + file).doesNotContain("\tat ");
    assertThat(file).hasContent("in the way");
  }

  @Test
  void moreEventsThanAllowedAreRefused() throws Exception {
    LocalRanks.run(
        1,
        controller ->
            assertThatIllegalArgumentException()
                .isThrownBy(() -> LockReport.record(controller, LockReport.MOST_EVENTS + 1)));
  }
}
