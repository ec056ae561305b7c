/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.actuate;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.ControllerOptions;
import io.mpilock.LocalRanks;
import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** What the endpoint and the health say of the names, where there is room for few. */
@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class NamesTests {
  private static final ControllerOptions SMALL =
      ControllerOptions.defaults().withWindowBytes(1 << 20);

  @Test
  void thatTheRoomIsNearlyFullIsToldAndNoMoreWhenTheNamesAreNotNeeded(CapturedOutput output)
      throws Exception {
    LocalRanks.run(
        1,
        SMALL,
        controller -> {
          MpilockEndpoint endpoint = new MpilockEndpoint(controller, Clock.systemUTC(), null);
          MpilockHealthIndicator health = new MpilockHealthIndicator(controller);
          assertThat(endpoint.job().names().warning()).isNull();
          assertThat(details(health)).doesNotContainKey("namesWarning");

          List<ResourceLock> kept = new ArrayList<>();
          while (!controller.names().isNearlyFull()) {
            for (int i = 0; i < 50; i++) {
              kept.add(controller.resource("kept-" + kept.size()));
            }
          }
          NamesDescriptor names = endpoint.job().names();
          assertThat(names.known()).isGreaterThanOrEqualTo(kept.size());
          assertThat(names.fillPercent()).isBetween(80, 100);
          assertThat(names.warning()).contains("mpilock.window-size");
          for (int turn = 0; turn < 2; turn++) {
            assertThat(details(health))
                .containsEntry("namesFillPercent", names.fillPercent())
                .containsEntry("namesWarning", names.warning());
          }
          assertThat(output.getOut().split("This warning appears once", -1)).hasSize(2);

          int many = 10 * kept.size();
          kept.clear();
          for (int i = 0; i < many; i++) {
            controller.resource("later-" + i).write().close();
          }
          System.gc();
          forget(controller);
          NamesDescriptor after = endpoint.job().names();
          assertThat(after.reclaimed()).isGreaterThan(many / 2);
          assertThat(after.warning()).isNull();
        });
  }

  private static Map<String, Object> details(MpilockHealthIndicator indicator) {
    Health health = indicator.health();
    assertThat(health.getStatus()).isEqualTo(Status.UP);
    return health.getDetails();
  }

  /** Whoever asks for a lock tells of others that were let go. */
  private static void forget(WindowController controller) throws InterruptedException {
    while (controller.names().isNearlyFull()) {
      System.gc();
      Thread.sleep(10);
      for (int i = 0; i < 1_000; i++) {
        controller.resource("one-more-" + i);
      }
    }
  }
}
