package io.mpilock.bench;

import com.sun.management.OperatingSystemMXBean;
import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.NodeWindow;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Locale;

/** What a long wait costs: processor time of the waiting rank, and the time of the hand-over. */
public final class WaitBench {
  private WaitBench() {}

  public static void main(String[] args) throws Exception {
    int handovers = Integer.parseInt(args[0]);
    try (Communicator world = BenchRanks.open();
        WindowController controller = BenchRanks.sync(world)) {
      warmUp(controller);
      waitFor(controller, 5_000, "write");
      waitFor(controller, 5_000, "read");
      double[] micros = new double[handovers];
      for (int i = 0; i < handovers; i++) {
        micros[i] = waitFor(controller, 200, "");
      }
      Arrays.sort(micros);
      if (controller.rank() == 1) {
        BenchRanks.result(
            "wait",
            "hand-over µs",
            String.format(
                Locale.ROOT,
                "%.1f %.1f %.1f",
                micros[handovers / 2],
                micros[0],
                micros[handovers - 1]));
      }
    }
  }

  /** Both ranks at the lock for a while, so that what is measured is compiled. */
  private static void warmUp(WindowController controller) {
    long start = BenchRanks.startTogether(controller);
    ResourceLock lock = controller.resource("waited for");
    while (System.nanoTime() - start < 3_000_000_000L) {
      lock.write().close();
      lock.read().close();
    }
  }

  /** Rank 0 holds for a time; rank 1 waits, and tells how long after the release it was granted. */
  private static double waitFor(WindowController controller, long millis, String report)
      throws InterruptedException {
    NodeWindow clock = BenchRanks.lonelyWindow();
    ResourceLock lock = controller.resource("waited for");
    var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    WriteLease held = controller.rank() == 0 ? lock.write() : null;
    controller.singleWrite(() -> true);
    if (held != null) {
      Thread.sleep(millis);
      clock.set(0, System.nanoTime()); // CLOCK_MONOTONIC: the same on all ranks of a node
      held.close();
    }
    double micros = 0;
    if (controller.rank() == 1) {
      long start = System.nanoTime();
      long cpu = system.getProcessCpuTime();
      if (report.equals("read")) {
        lock.read().close();
      } else {
        lock.write().close();
      }
      long now = System.nanoTime();
      micros = (now - clock.get(0)) / 1e3;
      if (!report.isEmpty()) {
        double share = (system.getProcessCpuTime() - cpu) * 100.0 / (now - start);
        BenchRanks.result(
            "wait",
            "CPU % of a core, waiting 5 s for a " + report,
            String.format(Locale.ROOT, "%.2f", share));
      }
    }
    controller.singleWrite(() -> true);
    return micros;
  }
}
