/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import io.mpilock.WindowController;
import io.mpilock.spring.annotation.ReadLocked;
import io.mpilock.spring.annotation.SingleWrite;
import io.mpilock.spring.annotation.WriteLocked;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import org.springframework.transaction.annotation.Transactional;

/** What the guide shows of the other ways in. */
class OrderStore {

  record Order(String customer, int amount) {}

  // snippet annotations
  static class Orders { // a bean
    private final List<Order> saved = new CopyOnWriteArrayList<>();

    @WriteLocked("orders-#{#order.customer}") // before the transaction, until after its commit
    @Transactional
    public void save(Order order) {
      saved.add(order);
    }

    @SingleWrite(timeout = "10s") // one rank runs it, all get the path
    public Path layout() throws IOException {
      return Files.createTempDirectory("orders");
    }

    @WriteLocked("orders-#{#orders.![customer]}") // one lock for each customer, all or none
    public void saveAll(List<Order> orders) {
      saved.addAll(orders);
    }

    @WriteLocked(value = "sweep", skip = true) // on one rank at a time; the others do not wait
    public void sweep() {
      saved.removeIf(order -> order.amount() == 0);
    }

    @ReadLocked(value = "report", timeout = "2s", fallback = "lastKnown")
    public int count() {
      return saved.size();
    }

    int lastKnown() { // without the lock
      return -1;
    }
  }

  // end snippet

  static int throughJavasInterface(WindowController controller, Order order) {
    // snippet java-lock
    ReadWriteLock lock = controller.resource("orders").asReadWriteLock();
    Lock write = lock.writeLock();
    write.lock();
    try {
      return order.amount();
    } finally {
      write.unlock();
    }
    // end snippet
  }
}
