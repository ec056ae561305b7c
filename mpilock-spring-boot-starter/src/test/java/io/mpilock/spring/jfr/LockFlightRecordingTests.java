/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.jfr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.mpilock.LocalRanks;
import io.mpilock.ReadLease;
import io.mpilock.WriteLease;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.autoconfigure.MpilockAutoConfiguration;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

@Timeout(60)
class LockFlightRecordingTests {
  @TempDir Path directory;

  private static Recording recording() {
    Recording recording = new Recording();
    for (String event : List.of("LockWait", "LockHold", "SingleWrite", "Collective")) {
      recording.enable("mpilock." + event).withoutThreshold();
    }
    recording.start();
    return recording;
  }

  private List<RecordedEvent> recorded(Recording recording, String name) throws Exception {
    Path file = directory.resolve("recorded.jfr");
    recording.dump(file); // what has been recorded so far
    return RecordingFile.readAllEvents(file).stream()
        .filter(event -> event.getEventType().getName().equals("mpilock." + name))
        .toList();
  }

  @Test
  void aWaitTellsWhoWaitedForWhatAndHowLong() throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    try (Recording recording = recording()) {
      LocalRanks.run(
          2,
          controller -> {
            try (LockFlightRecording told = LockFlightRecording.bind(controller)) {
              assertThat(told.listens()).isTrue();
              if (controller.rank() == 0) {
                try (WriteLease write = controller.resource("orders").write()) {
                  held.countDown();
                  Thread.sleep(50);
                }
              } else {
                held.await();
                try (ReadLease read = controller.resource("orders").read()) {
                  assertThat(read.token()).isEqualTo(1);
                }
              }
            }
          });
      List<RecordedEvent> waits = recorded(recording, "LockWait");
      assertThat(waits)
          .extracting(
              wait -> wait.getInt("rank"),
              wait -> wait.getString("resource"),
              wait -> wait.getString("mode"),
              wait -> wait.getString("outcome"))
          .containsExactlyInAnyOrder(
              tuple(0, "orders", "write", "granted"), tuple(1, "orders", "read", "granted"));
      RecordedEvent reader =
          waits.stream().filter(wait -> wait.getInt("rank") == 1).findFirst().orElseThrow();
      assertThat(reader.getBoolean("contended")).isTrue();
      assertThat(reader.getThread().getJavaName()).isEqualTo("rank-1");
      assertThat(reader.getDuration()).isPositive();
    }
  }

  @Test
  void holdsAreToldToTheirEndAndGivenUpWaitsToo() throws Exception {
    try (Recording recording = recording()) {
      LocalRanks.run(
          1,
          controller -> {
            try (LockFlightRecording told = LockFlightRecording.bind(controller)) {
              try (WriteLease outer = controller.resource("a").write()) {
                try (ReadLease other = controller.resource("b").read()) {
                  assertThat(told.listens()).isTrue();
                }
                Thread second =
                    Thread.ofPlatform()
                        .start(() -> assertThat(controller.resource("a").tryRead()).isEmpty());
                second.join();
              }
            }
          });
      assertThat(recorded(recording, "LockHold"))
          .extracting(hold -> hold.getString("resource") + " " + hold.getString("mode"))
          .containsExactlyInAnyOrder("a write", "b read");
      assertThat(recorded(recording, "LockWait"))
          .extracting(wait -> wait.getString("resource") + " " + wait.getString("outcome"))
          .containsExactlyInAnyOrder("a granted", "b granted", "a timeout");
    }
  }

  /** A thread's event objects are begun again: each hold must have its own times all the same. */
  @Test
  void eachHoldOfAThreadHasItsOwnTimesAndOfVeryManyAtOnceTheLatest() throws Exception {
    int many = 70;
    try (Recording recording = recording()) {
      LocalRanks.run(
          1,
          controller -> {
            try (LockFlightRecording told = LockFlightRecording.bind(controller)) {
              try (WriteLease write = controller.resource("long").write()) {
                Thread.sleep(50);
              }
              for (int i = 0; i < 3; i++) {
                controller.resource("short").write().close();
              }
              List<ReadLease> leases = new ArrayList<>();
              for (int i = 0; i < many; i++) {
                leases.add(controller.resource("r" + i).read());
              }
              leases.reversed().forEach(ReadLease::close);
              assertThat(told.listens()).isTrue();
            }
          });
      List<RecordedEvent> holds = recorded(recording, "LockHold");
      RecordedEvent first = of(holds, "long").getFirst();
      assertThat(first.getDuration()).isGreaterThanOrEqualTo(Duration.ofMillis(50));
      assertThat(of(holds, "short"))
          .hasSize(3)
          .allSatisfy(hold -> assertThat(hold.getStartTime()).isAfterOrEqualTo(first.getEndTime()));
      assertThat(holds).hasSize(1 + 3 + 64);
      assertThat(of(holds, "r0")).isEmpty();
      assertThat(of(holds, "r" + (many - 64))).hasSize(1);
      assertThat(of(holds, "r" + (many - 1))).hasSize(1);
    }
  }

  private static List<RecordedEvent> of(List<RecordedEvent> holds, String resource) {
    return holds.stream().filter(hold -> hold.getString("resource").equals(resource)).toList();
  }

  @Test
  void aSingleWriteTellsWhoWroteAndHowMuchWasShared() throws Exception {
    try (Recording recording = recording()) {
      LocalRanks.run(
          2,
          controller -> {
            try (LockFlightRecording told = LockFlightRecording.bind(controller)) {
              assertThat(controller.singleWrite(() -> "shared")).isEqualTo("shared");
              assertThat(told.listens()).isTrue();
            }
          });
      List<RecordedEvent> writes = recorded(recording, "SingleWrite");
      assertThat(writes).extracting(write -> write.getBoolean("writer")).contains(true, false);
      assertThat(writes)
          .allSatisfy(write -> {
            assertThat(write.getLong("shared")).isPositive();
            assertThat(write.getDuration("time")).isGreaterThan(Duration.ZERO);
            assertThat(write.getString("outcome")).isEqualTo("success");
          });
    }
  }

  @Test
  void aCollectiveCallWithoutALockTellsWhichItWas() throws Exception {
    try (Recording recording = recording()) {
      LocalRanks.run(
          2,
          controller -> {
            try (LockFlightRecording _ = LockFlightRecording.bind(controller)) {
              controller.barrier();
              assertThat(controller.allGather("value")).hasSize(2);
            }
          });
      List<RecordedEvent> calls = recorded(recording, "Collective");
      assertThat(calls)
          .extracting(call -> call.getString("call"))
          .containsExactlyInAnyOrder("barrier", "barrier", "allGather", "allGather");
      assertThat(calls)
          .allSatisfy(call -> assertThat(call.getString("outcome")).isEqualTo("success"))
          .anySatisfy(call -> assertThat(call.getLong("shared")).isPositive());
    }
  }

  @Test
  void nobodyIsListenedToUnlessARecordingWantsIt() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          LockFlightRecording told = LockFlightRecording.bind(controller);
          assertThat(told.listens()).isFalse();
          try (Recording recording = recording()) {
            assertThat(told.listens()).isTrue();
            recording.stop();
            assertThat(told.listens()).isFalse();
          }
          try (Recording recording = recording()) {
            told.close();
            told.close();
            assertThat(recording.getState().name()).isEqualTo("RUNNING");
            assertThat(told.listens()).isFalse();
          }
        });
  }

  @Test
  void aContextTellsTheRecorderUnlessItIsSwitchedOff() throws Exception {
    ApplicationContextRunner runner =
        new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(MpilockAutoConfiguration.class));
    try (Recording recording = recording()) {
      runner.run(context -> {
        assertThat(context).hasSingleBean(LockFlightRecording.class);
        context.getBean(LockTemplate.class).on("orders").write(() -> 0);
      });
      assertThat(recorded(recording, "LockHold"))
          .extracting(hold -> hold.getString("resource"))
          .containsExactly("orders");
    }
    runner
        .withPropertyValues("mpilock.jfr.enabled=false")
        .run(context -> assertThat(context).doesNotHaveBean(LockFlightRecording.class));
    runner
        .withPropertyValues("mpilock.enabled=false")
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean("lockFlightRecording"));
  }
}
