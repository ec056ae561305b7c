/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who is above whom. */
class TreeTest {

  private static int depth(Tree tree, int node) {
    int depth = 0;
    for (int each = node; each != tree.top(); each = tree.parent(each)) {
      depth++;
      assertThat(depth).as("a way up that ends").isLessThan(tree.nodes());
    }
    return depth;
  }

  @Test
  void itIsFilledLevelByLevelFromTheTopOn() {
    Tree tree = new Tree(7, 5, 2);
    assertThat(tree.children(5)).containsExactly(6, 0);
    assertThat(tree.children(6)).containsExactly(1, 2);
    assertThat(tree.children(0)).containsExactly(3, 4);
    assertThat(tree.children(1)).isEmpty();
    assertThat(new Tree(5, 0, 3).children(1)).containsExactly(4);
    assertThat(new Tree(4, 2, 1).children(3)).containsExactly(0);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 8, 0",
    "2, 8, 1",
    "9, 8, 1",
    "10, 8, 2",
    "73, 8, 2",
    "74, 8, 3",
    "256, 8, 3",
    "15, 2, 3",
    "16, 2, 4",
    "13, 3, 2",
    "14, 3, 3",
    "5, 1, 4",
    "1, 1, 0"
  })
  void everyNodeHasAWayToTheTop(int nodes, int arity, int height) {
    for (int top = 0; top < nodes; top++) {
      Tree tree = new Tree(nodes, top, arity);
      assertThat(tree.parent(top)).isEqualTo(top);
      int highest = IntStream.range(0, nodes).map(node -> depth(tree, node)).max().orElseThrow();
      assertThat(highest).isEqualTo(height);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 8", "2, 8", "10, 8", "73, 8", "74, 8", "30, 1", "31, 2", "32, 3", "40, 100"})
  void aNodesChildrenAreThoseWhoseParentItIs(int nodes, int arity) {
    for (int top : new int[] {0, nodes / 2, nodes - 1}) {
      Tree tree = new Tree(nodes, top, arity);
      for (int node = 0; node < nodes; node++) {
        int parent = node;
        int[] children = tree.children(parent);
        assertThat(children).hasSizeLessThanOrEqualTo(arity);
        assertThat(Arrays.stream(children).sorted())
            .containsExactlyElementsOf(
                IntStream.range(0, nodes)
                    .filter(child -> child != top && tree.parent(child) == parent)
                    .boxed()
                    .toList());
        for (int child = -1; child <= nodes; child++) {
          int asked = child;
          assertThat(tree.isChild(child, parent))
              .isEqualTo(Arrays.stream(children).anyMatch(each -> each == asked));
        }
      }
    }
  }
}
