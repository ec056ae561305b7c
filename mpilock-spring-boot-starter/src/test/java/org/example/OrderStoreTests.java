/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.ReadLease;
import io.mpilock.WindowController;
import io.mpilock.spring.test.RankTest;
import io.mpilock.spring.test.TestRank;
import org.example.OrderStore.Order;
import org.example.OrderStore.Orders;
import org.springframework.beans.factory.annotation.Autowired;

/** The guide's other ways in do what it says. */
class OrderStoreTests {

  @RankTest(ranks = 2, classes = Orders.class)
  void oneRankMakesTheDirectoryAndAllSave(
      TestRank rank, WindowController controller, @Autowired Orders orders) throws Exception {
    assertThat(orders.layout()).isDirectory();
    Order order = new Order("Smith & Sons", rank.rank());
    orders.save(order);
    assertThat(OrderStore.throughJavasInterface(controller, order)).isEqualTo(rank.rank());
    controller.singleWrite(() -> 0);
    try (ReadLease read = controller.resource("orders-Smith & Sons").read()) {
      assertThat(read.token()).isEqualTo(2); // as many writes
    }
  }
}
