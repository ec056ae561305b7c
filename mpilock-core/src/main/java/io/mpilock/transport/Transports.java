/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.failure.Values;
import io.mpilock.transport.Launcher.Kind;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the transport by its name and by who started the process.
 *
 * @since 0.1.0
 */
public final class Transports {

  /** The name that leaves the choice to the launcher's variables. */
  public static final String AUTO = "auto";

  private static final String NATIVE = "native";
  private static final String LOCAL = "local";
  private static final String MPJ = "mpj";

  private static final System.Logger LOG = System.getLogger("io.mpilock");

  /** Without these a job of one rank can do: it is alone either way. */
  private static final Set<Problem> NO_NATIVE_HERE =
      Set.of(Problem.NO_MPI_LIBRARY, Problem.NATIVE_ACCESS_DENIED, Problem.NO_SUCH_TRANSPORT);

  /** An iterator that cannot even read its files fails for ever. */
  private static final int MAX_BROKEN = 16;

  private Transports() {}

  /**
   * Opens the communicator of all ranks of the job. Collective: every rank calls it with the same
   * name.
   *
   * <p>{@code auto} is {@code native} under a launcher, {@code mpj} where {@code MPILOCK_RANK} and
   * {@code MPILOCK_SIZE} were set by hand, and {@code local} without either. Where several ranks
   * were started, or may have been, it is never {@code local}: each rank would believe that it is
   * alone. For a job of one rank {@code auto} falls back to {@code local}, with a warning, where
   * MPI cannot be loaded.
   *
   * <p>A process below a launcher's that has none of its variables is refused, unless it asks for
   * {@code local} or expects one rank.
   *
   * @param name {@code auto}, or the {@link Transport#name()} of a transport
   * @param settings what the user configured and the launcher said
   * @return the communicator; the caller closes it
   * @throws StartupException if there is no such transport, it would ignore the launcher, the job
   *     has another number of ranks than expected, or the transport cannot work here
   */
  public static Communicator open(String name, TransportSettings settings) {
    String wanted = name.strip().toLowerCase(Locale.ROOT);
    int expected = settings.expectedRanks();
    Launcher launcher = settings.launcher();
    if (launcher == null && !wanted.equals(LOCAL) && expected != 1) {
      LostLauncher.check();
    }
    if (launcher != null && launcher.size() > 0) {
      checkSize(expected, launcher.size(), launcher.toString()); // before ranks wait for each other
    }
    Communicator world = open(wanted, settings, find());
    try {
      checkSize(expected, world.size(), world.description());
    } catch (StartupException e) {
      world.abandon();
      throw e;
    }
    return world;
  }

  /**
   * Ends the whole job, on every rank, if this process has reached the others and has not left
   * them, also where {@link #open} or what came after it threw. Reaches out to nobody. Does not
   * return then.
   *
   * @param status the exit status, not 0
   */
  public static void abort(int status) {
    find().values().forEach(transport -> transport.abort(status));
  }

  /**
   * Refuses a job of another size than expected.
   *
   * @param expected how many ranks it must have, or 0 for any number
   * @param size how many it has
   * @param by who says so
   * @throws StartupException if these differ
   */
  public static void checkSize(int expected, int size, String by) {
    if (expected > 0 && size != expected) {
      throw new StartupException(
          Problem.WRONG_SIZE,
          "mpilock.expected-ranks=%d, but the job has %d %s, by %s."
              .formatted(expected, size, size == 1 ? "rank" : "ranks", by),
          "Start as many ranks as are expected, or set mpilock.expected-ranks (or"
              + " the variable MPILOCK_EXPECTED_RANKS) to their number. If more were"
              + " started, check whether the launcher's variables reach them, and whether"
              + " the MPI library belongs to the launcher.");
    }
  }

  static Communicator open(
      String name, TransportSettings settings, Map<String, Transport> transports) {
    String wanted = name.strip().toLowerCase(Locale.ROOT);
    Launcher launcher = settings.launcher();
    if (wanted.equals(AUTO)) {
      if (launcher == null) {
        return get(LOCAL, transports).world(settings);
      }
      if (launcher.name() == Kind.BY_HAND) {
        return get(launcher.mayHavePeers() ? MPJ : LOCAL, transports).world(settings);
      }
      return launcher.mayHavePeers()
          ? get(NATIVE, transports).world(settings)
          : openAlone(settings, transports);
    }
    if (wanted.equals(LOCAL) && launcher != null && launcher.mayHavePeers()) {
      throw new StartupException(
          Problem.LAUNCHER_IGNORED,
          "mpilock.transport=local was requested, but "
              + launcher.name()
              + " made this process rank "
              + launcher.rank()
              + (launcher.size() < 0 ? "" : " of " + launcher.size())
              + ": with local every rank would be alone and no lock would exclude another rank.",
          "Set mpilock.transport to auto or native, or start one process without the launcher.");
    }
    return get(wanted, transports).world(settings);
  }

  /** A launcher that started one rank: native where it works, else local, which is as right. */
  private static Communicator openAlone(
      TransportSettings settings, Map<String, Transport> transports) {
    try {
      return get(NATIVE, transports).world(settings);
    } catch (StartupException e) {
      if (!NO_NATIVE_HERE.contains(e.problem())) {
        throw e;
      }
      LOG.log(
          System.Logger.Level.WARNING,
          "The launcher started one rank and MPI cannot be used, so the local"
              + " transport is used: {0}",
          e.getMessage());
      return get(LOCAL, transports).world(settings);
    }
  }

  private static Transport get(String name, Map<String, Transport> transports) {
    Transport transport = transports.get(name);
    if (transport != null) {
      if (!name.equals(LOCAL)) {
        DescriptorLimit.check(name);
      }
      return transport;
    }
    String existing = String.join(", ", transports.keySet());
    String looked =
        "There is no transport named \""
            + Values.shown(name)
            + "\": ServiceLoader found "
            + (existing.isEmpty() ? "none" : existing)
            + " in META-INF/services/"
            + Transport.class.getName()
            + ".";
    String remedy =
        "Set mpilock.transport to auto"
            + (existing.isEmpty() ? "" : " or one of " + existing)
            + ", or add the jar that has it to the class path.";
    throw new StartupException(Problem.NO_SUCH_TRANSPORT, looked, remedy);
  }

  /**
   * Looks where this library is and where the application is: a third party's transport may be
   * visible to the latter only. The first of a name wins.
   */
  private static Map<String, Transport> find() {
    Map<String, Transport> found = new LinkedHashMap<>();
    collect(Transport.class.getClassLoader(), found);
    collect(Thread.currentThread().getContextClassLoader(), found);
    return found;
  }

  private static void collect(@Nullable ClassLoader loader, Map<String, Transport> found) {
    Iterator<Transport> transports = ServiceLoader.load(Transport.class, loader).iterator();
    int broken = 0;
    while (broken < MAX_BROKEN && transports.hasNext()) {
      try {
        Transport transport = transports.next();
        found.putIfAbsent(transport.name(), transport);
      } catch (ServiceConfigurationError e) {
        // Such as a second copy of this library that only the application's class loader sees.
        broken++;
        LOG.log(System.Logger.Level.WARNING, "A transport is ignored: {0}", e.getMessage());
      }
    }
  }
}
