/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.internal.job.Message.MalformedException;
import io.mpilock.internal.job.NodeReport.Resource;
import io.mpilock.internal.job.NodeReport.Use;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What fits into a node's report; {@link MessageTest} has its encoding. */
class NodeReportTest {
  private static final Use USE = new Use(1, true, false, 2, 3, "größe", 4);

  private static NodeReport report(int resources) {
    List<Resource> many =
        IntStream.range(0, resources)
            .mapToObj(i -> new Resource("r" + i, i, -1, Permission.SHARED, "ö", List.of(USE, USE)))
            .toList();
    return new NodeReport(1, List.of(1, 2), many, 3);
  }

  private static int bytes(NodeReport report) {
    ByteBuffer frame = ByteBuffer.allocate(1 << 20);
    report.encode(frame);
    return frame.position();
  }

  @Test
  void aResourceTakesAsMuchRoomAsItSays() {
    int one = report(1).resources().getFirst().bytes();
    assertThat(bytes(report(1)) - bytes(report(0))).isEqualTo(one);
  }

  @Test
  void whatHasRoomIsKeptWhole() {
    assertThat(report(100).cut()).isEqualTo(report(100));
  }

  @Test
  void theFirstAreKeptAndTheOthersCounted() throws MalformedException {
    NodeReport whole = report(5000);
    NodeReport cut = whole.cut();
    assertThat(bytes(cut)).isBetween(NodeReport.MAX_BYTES - 200, NodeReport.MAX_BYTES);
    assertThat(cut.resources()).isEqualTo(whole.resources().subList(0, cut.resources().size()));
    assertThat(cut.leftOut()).isEqualTo(3 + 5000 - cut.resources().size());
    ByteBuffer frame = ByteBuffer.allocate(NodeReport.MAX_BYTES);
    cut.encode(frame);
    assertThat(NodeReport.decode(frame.flip())).isEqualTo(cut);
  }

  @Test
  void aReportThatIsTooLongIsMalformed() {
    ByteBuffer frame = ByteBuffer.allocate(1 << 20);
    report(5000).encode(frame);
    frame.flip();
    assertThatThrownBy(() -> NodeReport.decode(frame))
        .isInstanceOf(MalformedException.class)
        .hasMessageContaining("a report of");
  }
}
