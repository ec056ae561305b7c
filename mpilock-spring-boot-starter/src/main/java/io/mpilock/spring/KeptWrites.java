/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.springframework.core.Ordered;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.util.ClassUtils;

/**
 * The writes that one transaction keeps beyond their bodies, until it has completed. Whichever
 * thread completes it gives them back: a transaction manager for JTA may do so on one of its own.
 *
 * <p>It is among the transaction's synchronizations, which Spring puts aside while the transaction
 * is suspended. So a transaction inside another one has its own.
 */
final class KeptWrites implements TransactionSynchronization {
  private static final String RESOURCELESS =
      "org.springframework.batch.infrastructure.support.transaction.ResourcelessTransactionManager";

  /** Whether there can be transactions at all. Asked before anything else of this class. */
  static final class Possible {
    static final boolean INSTANCE =
        ClassUtils.isPresent(
            "org.springframework.transaction.support.TransactionSynchronizationManager",
            Possible.class.getClassLoader());

    private Possible() {}
  }

  // Guarded by this object.
  private final Map<ResourceLock, WriteLease> leases = new LinkedHashMap<>();
  private final Set<String> granted = new LinkedHashSet<>();
  private boolean completed;

  private KeptWrites() {}

  /**
   * Tells whether this thread is in a transaction that something takes part in. A step of Spring
   * Batch that is given no transaction manager is in one that is none.
   */
  static boolean isInTransaction() {
    return TransactionSynchronizationManager.isSynchronizationActive()
        && TransactionSynchronizationManager.isActualTransactionActive()
        && !isResourceless();
  }

  private static boolean isResourceless() {
    Map<Object, Object> bound = TransactionSynchronizationManager.getResourceMap();
    for (Object key : bound.keySet()) {
      if (!isResourceless(key.getClass())) {
        return false;
      }
    }
    return !bound.isEmpty(); // with JTA there may be none yet
  }

  private static boolean isResourceless(Class<?> type) {
    for (Class<?> one = type; one != null; one = one.getSuperclass()) {
      if (one.getName().equals(RESOURCELESS)) {
        return true;
      }
    }
    return false;
  }

  /** Those of this thread's transaction, which is about to ask for one more. */
  static KeptWrites of(WindowController controller, ResourceLock lock, KeptOrders orders) {
    KeptWrites kept = ofTransaction();
    orders.request(kept.inHand(controller), lock.name(), transaction());
    return kept;
  }

  private static KeptWrites ofTransaction() {
    for (TransactionSynchronization one : TransactionSynchronizationManager.getSynchronizations()) {
      if (one instanceof KeptWrites kept) {
        return kept;
      }
    }
    KeptWrites made = new KeptWrites();
    TransactionSynchronizationManager.registerSynchronization(made);
    return made;
  }

  /** The class and the method after which Spring calls a transaction, without the package. */
  private static String transaction() {
    String name = TransactionSynchronizationManager.getCurrentTransactionName();
    if (name == null) {
      return "";
    }
    int method = name.lastIndexOf('.');
    return name.substring(name.lastIndexOf('.', method - 1) + 1);
  }

  /** What this thread keeps in whatever transaction, or has in this one. */
  private Set<String> inHand(WindowController controller) {
    Set<String> all = new LinkedHashSet<>(controller.keptWrites());
    synchronized (this) {
      all.addAll(granted);
    }
    return all;
  }

  synchronized void grant(ResourceLock lock) {
    granted.add(lock.name());
  }

  /** What was granted last is given back, and is not kept from before. */
  synchronized void giveUp(ResourceLock lock) {
    granted.remove(lock.name());
  }

  /**
   * Keeps a lease; or closes it, if it is a level of one that is kept, or the transaction was ended
   * meanwhile by another thread.
   */
  void keep(ResourceLock lock, WriteLease lease) {
    boolean keeps = false;
    try {
      synchronized (this) {
        if (!completed && !leases.containsKey(lock)) {
          leases.put(lock, lease);
          lease.keep(transaction());
          keeps = true;
        }
      }
    } finally {
      if (!keeps) {
        lease.close();
      }
    }
  }

  /** After the others: they may look at what the lock guards. */
  @Override
  public int getOrder() {
    return Ordered.LOWEST_PRECEDENCE;
  }

  /** Whatever the outcome is, also an unknown one. */
  @Override
  public void afterCompletion(int status) {
    List<WriteLease> all;
    synchronized (this) {
      completed = true;
      all = new ArrayList<>(leases.values());
      leases.clear();
      granted.clear();
    }
    close(all);
  }

  /** Closes the last first, each whatever becomes of the others. */
  private static void close(List<WriteLease> leases) {
    if (!leases.isEmpty()) {
      try {
        leases.getLast().close();
      } finally {
        close(leases.subList(0, leases.size() - 1));
      }
    }
  }
}
