/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.mpj.Hello.Purpose;
import io.mpilock.transport.mpj.Lifeline.StoppedException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * This rank in a job whose ranks have all met.
 *
 * @param lifeline the way to the others
 * @param reactor the thread behind it
 * @param token what the ranks know each other by
 * @param address this host's address as the other ranks reach it
 * @param peers who the ranks are
 * @param mayEnd whether the reactor may end now, after this rank's farewell; on its thread
 */
record Membership(
    Lifeline lifeline,
    Reactor reactor,
    JobToken token,
    InetAddress address,
    List<Peer> peers,
    BooleanSupplier mayEnd) {
  private static final System.Logger LOG = System.getLogger("io.mpilock");
  private static final String JOIN = "join";

  /** A look asks the server of a file system, so a rank that has waited long asks less often. */
  private static final long RETRY_MILLIS = 50;

  private static final long LONGEST_RETRY_MILLIS = 500;
  private static final int RETRY_PART = 16;

  private static final long MARGIN_SECONDS = 15;

  /** Which rank of how many this process is, and how it ends itself. */
  record Self(int rank, int size, IntConsumer halt) {}

  /**
   * Meets the other ranks.
   *
   * @throws StartupException if they do not all come in time, with those that did not
   */
  static Membership join(
      Self self, Rendezvous rendezvous, Duration timeout, Duration stallWarning) {
    Reactor reactor = new Reactor("mpilock-mpj-" + self.rank);
    try {
      return self.rank == 0
          ? gather(self, rendezvous, timeout, stallWarning, reactor)
          : callIn(self, rendezvous, timeout, stallWarning, reactor);
    } catch (RuntimeException e) {
      reactor.end();
      throw e;
    }
  }

  /** The one rank of a job. */
  static Membership alone(IntConsumer halt) {
    Reactor reactor = new Reactor("mpilock-mpj-0");
    Middle middle = beside(new Self(0, 1, halt), reactor);
    return new Membership(
        middle.lifeline,
        reactor,
        JobToken.random(),
        InetAddress.getLoopbackAddress(),
        List.of(Peer.self()),
        middle.hub::isAlone);
  }

  private record Middle(Hub hub, Lifeline lifeline) {}

  /** The hub, and rank 0's own line to it, which is no connection. */
  private static Middle beside(Self self, Reactor reactor) {
    Hub[] hub = new Hub[1];
    Lifeline lifeline =
        new Lifeline(
            self.rank,
            self.size,
            message -> reactor.execute(() -> hub[0].receive(0, message)),
            self.halt);
    hub[0] = new Hub(self.size, reactor, lifeline::receive);
    return new Middle(hub[0], lifeline);
  }

  private static Membership gather(
      Self self, Rendezvous rendezvous, Duration timeout, Duration stallWarning, Reactor reactor) {
    checkIsOnly(self, rendezvous);
    Middle middle = beside(self, reactor);
    JobToken token = rendezvous.ownToken();
    Acceptor gate = listen(rendezvous.ownAddress(), token, reactor, middle.hub);
    try {
      rendezvous.publish(gate, token);
      CompletableFuture<byte[][]> all =
          middle.lifeline.begin(JOIN, everybody(self.size), Peer.self().encode());
      try {
        List<Peer> peers =
            await(
                all,
                timeout,
                stallWarning,
                waited ->
                    tellLate(
                        self,
                        waited,
                        onReactor(reactor, () -> missing(middle.hub, gate, waited)),
                        timeout));
        return new Membership(
            middle.lifeline, reactor, token, gate.host(), peers, middle.hub::isAlone);
      } catch (TimeoutException e) {
        String reason = onReactor(reactor, () -> missing(middle.hub, gate, timeout));
        onReactor(
            reactor,
            () -> {
              middle.hub.stop(reason);
              return "";
            });
        throw missing(reason, null);
      } catch (ExecutionException e) {
        throw missing(reasonOf(e), e);
      }
    } finally {
      rendezvous.withdraw(token);
      gate.close();
    }
  }

  /**
   * Asks who has said to be rank 0 of this job, before the others find another. Where the address
   * is configured, one of the two does not get its port.
   */
  private static void checkIsOnly(Self self, Rendezvous rendezvous) {
    if (!rendezvous.mayChange()) {
      return;
    }
    try {
      Optional<RendezvousFile.Place> other = rendezvous.look();
      if (other.isPresent()) {
        Calls.call(
                other.get().address(),
                other.get().token(),
                new Hello(Purpose.LIFELINE, self.rank, self.size))
            .close();
      }
    } catch (RefusedException e) {
      throw missing(String.valueOf(e.getMessage()), e);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "the rendezvous of a job that ended is replaced", e);
    }
  }

  private static Acceptor listen(
      InetSocketAddress where, JobToken token, Reactor reactor, Acceptor.Host host) {
    try {
      return new Acceptor(reactor, where, token, host);
    } catch (IOException e) {
      throw new StartupException(
          Problem.RENDEZVOUS_INVALID,
          "Rank 0 on host "
              + Peer.self().host()
              + " cannot wait for the others at "
              + where
              + ": "
              + e.getMessage()
              + ".",
          "Set mpilock.mpj.rendezvous to an address of rank 0's host and a port that is free there,"
              + " and start rank 0 once.",
          e);
    }
  }

  private static String missing(Hub hub, Acceptor gate, Duration timeout) {
    List<Integer> awaited = hub.awaited();
    String who =
        awaited.isEmpty()
            ? "All ranks connected to rank 0, but not all went on to join"
            : (awaited.size() == 1 ? "Rank " : "Ranks ")
                + awaited.stream().map(String::valueOf).collect(Collectors.joining(", "))
                + " did not join";
    return who
        + " within "
        + timeout.toSeconds()
        + " s at "
        + gate.host().getHostAddress()
        + ":"
        + gate.port()
        + " (host "
        + Peer.self().host()
        + ")"
        + (gate.turnedAway() == 0
            ? ""
            : "; " + gate.turnedAway() + " callers that did not know the job's token were rejected")
        + ".";
  }

  private static Membership callIn(
      Self self, Rendezvous rendezvous, Duration timeout, Duration stallWarning, Reactor reactor) {
    long deadline = System.nanoTime() + timeout.toNanos();
    // On a thread of its own: an interrupt of the caller's would close what is being opened.
    CompletableFuture<Found> call = new CompletableFuture<>();
    AtomicReference<String> last = new AtomicReference<>("rank 0 has not said where it is");
    Thread.ofPlatform()
        .daemon()
        .name("mpilock-mpj-join")
        .start(() -> {
          try {
            call.complete(call(self, rendezvous, timeout, deadline, last));
          } catch (Throwable e) {
            call.completeExceptionally(e);
          }
        });
    Found found;
    try {
      found =
          UninterruptedWait.uninterrupted(
              call,
              timeout.plusSeconds(MARGIN_SECONDS),
              stallWarning,
              waited -> tellLate(self, waited, notFound(self, rendezvous, last.get()), timeout));
    } catch (TimeoutException e) {
      throw missing(notFound(self, rendezvous, last.get()), e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof StartupException startup ? startup : missing(reasonOf(e), e);
    }
    Line line = new Line();
    Lifeline lifeline =
        new Lifeline(
            self.rank, self.size, message -> reactor.execute(() -> line.send(message)), self.halt);
    reactor.execute(() -> line.open(reactor, found.channel, lifeline));
    CompletableFuture<byte[][]> all =
        lifeline.begin(JOIN, everybody(self.size), Peer.self().encode());
    try {
      List<Peer> peers =
          await(
              all,
              timeout.plusSeconds(MARGIN_SECONDS),
              stallWarning,
              waited ->
                  tellLate(
                      self,
                      waited,
                      ("It has joined rank 0 by %s, and others have not yet; the log of rank 0"
                              + " says which.")
                          .formatted(rendezvous),
                      timeout));
      return new Membership(lifeline, reactor, found.token, found.local, peers, () -> true);
    } catch (TimeoutException e) {
      throw missing("Rank 0 let this rank in and was then silent.", e);
    } catch (ExecutionException e) {
      throw missing(reasonOf(e), e);
    }
  }

  private record Found(SocketChannel channel, JobToken token, InetAddress local) {}

  /** Looks for rank 0 until it is there. */
  private static Found call(
      Self self,
      Rendezvous rendezvous,
      Duration timeout,
      long deadline,
      AtomicReference<String> told)
      throws InterruptedException {
    Hello hello = new Hello(Purpose.LIFELINE, self.rank, self.size);
    String last = told.get();
    long start = System.nanoTime();
    do {
      try {
        Optional<RendezvousFile.Place> place = rendezvous.look();
        if (place.isPresent()) {
          last = "at " + place.get().address();
          SocketChannel channel = Calls.call(place.get().address(), place.get().token(), hello);
          return new Found(
              channel,
              place.get().token(),
              ((InetSocketAddress) channel.getLocalAddress()).getAddress());
        }
      } catch (RefusedException e) {
        throw missing(String.valueOf(e.getMessage()), e);
      } catch (NotAGateException e) {
        last += ": " + e.getMessage();
        if (!rendezvous.mayChange()) {
          throw missing(notFound(self, rendezvous, last), e);
        }
      } catch (IOException e) {
        last += ": " + e.getMessage();
      }
      told.set(last);
      long waited = (System.nanoTime() - start) / 1_000_000;
      Thread.sleep(Math.clamp(waited / RETRY_PART, RETRY_MILLIS, LONGEST_RETRY_MILLIS));
    } while (System.nanoTime() < deadline);
    throw missing(notFound(self, rendezvous, last + ", for " + timeout.toSeconds() + " s"), null);
  }

  private static String notFound(Self self, Rendezvous rendezvous, String last) {
    return "Rank %d on host %s could not join rank 0 by %s: %s."
        .formatted(self.rank, Peer.self().host(), rendezvous, last);
  }

  private static StartupException missing(String reason, @Nullable Throwable cause) {
    return new StartupException(
        Problem.RANKS_MISSING,
        reason,
        "Start every rank once, with the same number of ranks, the same mpilock.mpj.rendezvous and"
            + " the same token, and look at the output of those that are missing; a larger"
            + " mpilock.mpj.timeout waits longer.",
        cause);
  }

  private static String reasonOf(ExecutionException e) {
    Throwable cause = e.getCause();
    if (cause instanceof StoppedException) {
      return String.valueOf(cause.getMessage());
    }
    return cause instanceof Lifeline.MissedException missed
        ? "Rank " + missed.rank() + " ended before all ranks had joined."
        : "The ranks could not join each other: " + cause + ".";
  }

  private static List<Peer> await(
      CompletableFuture<byte[][]> all,
      Duration timeout,
      Duration stallWarning,
      Consumer<Duration> report)
      throws ExecutionException, TimeoutException {
    return Arrays.stream(UninterruptedWait.uninterrupted(all, timeout, stallWarning, report))
        .map(Peer::decode)
        .toList();
  }

  private static void tellLate(Self self, Duration waited, String state, Duration timeout) {
    LOG.log(
        System.Logger.Level.WARNING,
        "Rank {0} of {1} has been waiting for {2} s for all ranks to join: {3}"
            + " Check on every host whether all of them run, and what each has written."
            + " After {4} s (mpilock.mpj.timeout) all ranks that have joined give up.",
        self.rank,
        self.size,
        waited.toSeconds(),
        state,
        timeout.toSeconds());
  }

  private static <T> T onReactor(Reactor reactor, Supplier<T> task) {
    CompletableFuture<T> done = new CompletableFuture<>();
    reactor.execute(() -> {
      try {
        done.complete(task.get());
      } catch (RuntimeException e) {
        done.completeExceptionally(e);
      }
    });
    return done.orTimeout(MARGIN_SECONDS, TimeUnit.SECONDS).join();
  }

  private static int[] everybody(int size) {
    return IntStream.range(0, size).toArray();
  }

  /** A rank's connection to the hub. On the reactor's thread. */
  private static final class Line {
    private @Nullable Wire wire;

    void open(Reactor reactor, SocketChannel channel, Lifeline lifeline) {
      try {
        wire =
            new Wire(
                reactor,
                channel,
                LifelineMessage.LONGEST,
                new Wire.Listener() {
                  @Override
                  public void message(ByteBuffer message) throws IOException {
                    lifeline.receive(LifelineMessage.decode(message));
                  }

                  @Override
                  public void closed(Exception cause) {
                    lifeline.broken();
                  }
                });
      } catch (IOException e) {
        lifeline.broken();
      }
    }

    void send(LifelineMessage message) {
      if (wire != null) {
        wire.send(message.encode());
      }
    }
  }
}
