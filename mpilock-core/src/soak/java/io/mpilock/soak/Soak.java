/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import io.mpilock.ControllerOptions;
import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.soak.Settings.Fault;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.TransportSettings;
import io.mpilock.transport.Transports;
import io.mpilock.transport.local.LocalCluster;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * One rank of a soak, or all of them where the ranks are threads. Started by {@code
 * config/soak.sh}, which says what the arguments are, and prints what the ranks leave in the
 * folder.
 */
public final class Soak {
  private final Settings settings;
  private final Communicator world;
  private final Ledger ledger;
  private final Watchdog watchdog;
  private final Tally tally;
  private final int rank;
  private final AtomicBoolean stop = new AtomicBoolean();

  private Soak(Settings settings, Communicator world, Watchdog.Ender ender) throws IOException {
    this.settings = settings;
    this.world = world;
    this.rank = world.rank();
    this.ledger = Ledger.open(settings.folder(), world.size());
    this.tally = new Tally(settings.resources() + 2);
    this.watchdog = new Watchdog(settings, ledger, rank, tally, ender);
  }

  public static void main(String[] args) throws Exception {
    Settings settings = Settings.of(args);
    if (settings.transport().equals("local")) {
      threads(settings);
      return;
    }
    Launcher launcher = Launcher.detect(System.getenv()).orElseThrow();
    try (Communicator world =
        Transports.open(
            settings.transport(), new TransportSettings(launcher, null, Duration.ofSeconds(30)))) {
      Soak soak = new Soak(settings, world, world::abort);
      soak.run();
      world.close();
      soak.watchdog.off();
    }
  }

  private static void threads(Settings settings) throws InterruptedException {
    LocalCluster cluster =
        new LocalCluster(settings.ranksPerHost().stream().mapToInt(Integer::intValue).toArray());
    List<Thread> ranks = new ArrayList<>();
    for (int i = 0; i < cluster.size(); i++) {
      Communicator world = cluster.world(i);
      ranks.add(
          Thread.ofPlatform()
              .name("rank-" + i)
              .start(() -> {
                try (world) {
                  Soak soak = new Soak(settings, world, Runtime.getRuntime()::halt);
                  soak.run();
                  soak.watchdog.off();
                } catch (IOException e) {
                  e.printStackTrace();
                  Runtime.getRuntime().halt(1);
                }
              }));
    }
    for (Thread each : ranks) {
      each.join();
    }
  }

  /** Does not return if it finds something: the watchdog ends the process. */
  private void run() {
    long start = System.nanoTime();
    Station station = watchdog.station("the main thread");
    watchdog.start();
    try {
      station.begin(0, null);
      ControllerOptions options = settings.options(0);
      WindowController controller = WindowController.sync(world, options);
      station.end();
      Region[] regions = Region.open(settings.folder().resolve("data"), settings.resources() + 2);
      Guarded[] guarded = new Guarded[settings.resources()];
      for (int i = 0; i < guarded.length; i++) {
        guarded[i] = new Guarded(controller.resource("r" + i), regions[i]);
      }
      watchdog.knows(List.of(guarded));
      Operations operations =
          new Operations(new Hand(rank, settings.threads()), tally, regions.length);
      Visits visits =
          new Visits(
              settings,
              world,
              Arrays.copyOfRange(regions, guarded.length, regions.length),
              operations,
              tally);
      Rounds rounds = new Rounds(settings, ledger, controller, visits, guarded, tally, operations);
      if (rank == 0) {
        hello(options);
        for (Guarded each : guarded) {
          operations.hand().format(each.region(), 0);
        }
      }
      ledger.set(rank, Ledger.STATE, Ledger.RUNNING);
      rounds.meet(station, 1);
      List<Thread> workers = work(controller, guarded);
      long end = System.nanoTime() + settings.length().toNanos();
      rounds.run(station, () -> System.nanoTime() >= end);
      stop.set(true);
      station.begin(2, null);
      for (Thread worker : workers) {
        worker.join();
      }
      station.end();
      ledger.set(rank, Ledger.STATE, Ledger.THROUGH);
      ledger.set(rank, Ledger.MESSAGES, controller.messages());
      tally.publish(ledger, rank);
      rounds.meet(station, 3);
      Figures.check(ledger, guarded);
      rounds.meet(station, 4);
      station.begin(5, null);
      controller.close();
      if (rank == 0) {
        System.out.print(Figures.table(ledger, guarded.length));
        System.out.flush();
        boolean early = System.nanoTime() < end;
        ledger.write("closing", Figures.closing(ledger, (System.nanoTime() - start) / 1e9, early));
      }
    } catch (Throwable found) {
      watchdog.tell(station, found);
      sleepForEver();
    }
  }

  private void hello(ControllerOptions options) {
    System.out.printf(
        "soak: seed %d, %s, %d ranks on %d node(s), %d threads on each and one for collective calls,"
            + " %d resources, %s, handover limit %d, heartbeat time-out %d s%n",
        settings.seed(),
        world.description(),
        world.size(),
        world.member(world.size() - 1).node() + 1,
        settings.threads(),
        settings.resources(),
        options.fairness(),
        options.handoverLimit(),
        settings.heartbeat().toSeconds());
  }

  private List<Thread> work(WindowController controller, Guarded[] guarded) {
    Fault fault = rank == world.size() - 1 ? settings.fault() : Fault.NONE;
    List<Thread> workers = new ArrayList<>();
    for (int i = 0; i < settings.threads(); i++) {
      int number = i;
      boolean virtual = number % 3 == 1;
      Thread.Builder builder = virtual ? Thread.ofVirtual() : Thread.ofPlatform().daemon();
      workers.add(
          builder
              .name("soak-" + rank + "-" + number)
              .start(() -> {
                Station station =
                    watchdog.station("thread " + number + (virtual ? " (virtual)" : ""));
                try {
                  String own = "own-" + rank + "-" + number;
                  List<ResourceLock> two =
                      List.of(controller.resource(own + "-a"), controller.resource(own + "-b"));
                  new Worker(settings, fault, rank, number, guarded, two, tally)
                      .run(station, stop::get);
                } catch (Throwable found) {
                  watchdog.tell(station, found);
                  sleepForEver();
                }
              }));
    }
    return workers;
  }

  /** Until the watchdog has ended the process. */
  private static void sleepForEver() {
    while (true) {
      LockSupport.park();
    }
  }
}
