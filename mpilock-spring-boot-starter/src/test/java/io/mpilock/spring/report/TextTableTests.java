/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TextTableTests {
  private static Map<String, String> apart(int width, String... names) {
    Set<String> all = new LinkedHashSet<>(List.of(names));
    Map<String, String> cut = TextTable.apart(all, width);
    assertThat(cut).hasSize(all.size());
    assertThat(cut.values()).doesNotHaveDuplicates().allMatch(each -> each.length() <= width);
    return cut;
  }

  @Test
  void namesAreCutAtTheEndIfTheyStayApart() {
    assertThat(apart(8, "orders/north", "bills/north", "short"))
        .containsEntry("orders/north", "orders/…")
        .containsEntry("bills/north", "bills/n…")
        .containsEntry("short", "short");
  }

  @Test
  void namesThatBeginAlikeAreCutInTheMiddle() {
    assertThat(apart(12, "/data/run/orders-1.h5", "/data/run/orders-2.h5"))
        .containsEntry("/data/run/orders-1.h5", "/data…s-1.h5")
        .containsEntry("/data/run/orders-2.h5", "/data…s-2.h5");
  }

  @Test
  void namesThatBeginAndEndAlikeAreCutAtTheBeginningOrCounted() {
    Map<String, String> cut =
        apart(8, "aaaaaaaaaa-1-zzzzzzzzzz", "aaaaaaaaaa-2-zzzzzzzzzz", "aaaaaaaaaa-3-zzzzzzzzzz");
    assertThat(cut.values()).allMatch(each -> each.startsWith("aaaaaa…"));
    assertThat(apart(8, "aaaaaaaa1zzzz", "aaaaaaaa2zzzz")).containsValue("…aa1zzzz");
  }

  @Test
  void aShortNameIsNeverTakenForACutOne() {
    assertThat(apart(8, "orders/…", "orders/north")).containsEntry("orders/…", "orders/…");
  }

  /** The hosts of a cluster, in the second column of the table of ranks. */
  @Test
  void theWidestColumnOfTextIsCutWhicheverItIs() {
    String host = "a-host-of-a-cluster-with-a-long-name-";
    String text =
        new TextTable(2, 40)
            .row("rank", "host", "granted")
            .row("0", host + "1", "1,000,000")
            .row("1", host + "2", "1,000,000")
            .text();
    assertThat(text.lines()).allMatch(line -> line.length() <= 40);
    assertThat(text).contains("-1  1,000,000").contains("-2  1,000,000").contains("rank  host");
  }
}
