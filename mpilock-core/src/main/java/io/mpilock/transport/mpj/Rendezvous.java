/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.failure.Values;
import io.mpilock.transport.MpjSettings;
import io.mpilock.transport.PrivateFiles;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where the ranks meet: at a configured address with a configured token, or at one that rank 0
 * chooses and publishes in a {@link RendezvousFile}.
 */
final class Rendezvous {
  private static final String REMEDY =
      "Set mpilock.mpj.rendezvous to HOST:PORT of a port that is free on rank 0's host, the same on"
          + " every rank, and mpilock.mpj.token (or MPILOCK_TOKEN) to one secret for all.";

  private final @Nullable InetSocketAddress configured;
  private final @Nullable JobToken token;
  private final @Nullable RendezvousFile file;
  private final boolean oneHost;

  private Rendezvous(
      @Nullable InetSocketAddress configured,
      @Nullable JobToken token,
      @Nullable RendezvousFile file,
      boolean oneHost) {
    this.configured = configured;
    this.token = token;
    this.file = file;
    this.oneHost = oneHost;
  }

  /**
   * Finds out from the settings and the environment.
   *
   * @throws StartupException if they do not say it, or make no sense
   */
  static Rendezvous of(MpjSettings settings, JobEnvironment environment, int size) {
    String address = first(settings.rendezvous(), environment.value("MPILOCK_MPJ_RENDEZVOUS"));
    String secret = first(settings.token(), environment.value("MPILOCK_TOKEN"));
    JobToken token = secret == null ? null : token(secret);
    boolean oneHost = environment.isOnOneHost(size);
    if (address != null) {
      if (token == null) {
        throw invalid(
            "mpilock.mpj.rendezvous="
                + Values.shown(address)
                + " is set, but no token: anyone who can reach it could join the job.");
      }
      return new Rendezvous(HostPort.parse(address).find(), token, null, oneHost);
    }
    String job =
        environment
            .jobName(size)
            .orElseThrow(() ->
                invalid(
                    "It is not configured where the ranks meet: mpilock.mpj.rendezvous is not"
                        + " set, and the launcher gives the job no name (PMIX_NAMESPACE, or"
                        + " SLURM_JOB_ID and SLURM_STEP_ID)."));
    String chosen = first(settings.directory(), environment.value("MPILOCK_MPJ_DIRECTORY"));
    Path directory = PrivateDirectory.open(chosen == null ? usualDirectory() : Path.of(chosen));
    return new Rendezvous(null, token, new RendezvousFile(directory, job), oneHost);
  }

  /**
   * The home directory, which the hosts of a cluster share; a temporary one where there is none.
   */
  private static Path usualDirectory() {
    Path home = Path.of(System.getProperty("user.home", ""));
    boolean usable = home.isAbsolute() && home.getNameCount() > 0 && Files.isWritable(home);
    return usable
        ? home.resolve(".mpilock")
        : Path.of(System.getProperty("java.io.tmpdir"), "mpilock-" + user());
  }

  /** The name, or the number of a user without one, which Java knows as "?" as any other such. */
  private static String user() {
    try {
      return PrivateFiles.self().getName();
    } catch (IOException e) {
      return System.getProperty("user.name");
    }
  }

  /** The secret that rank 0 makes the job's. */
  JobToken ownToken() {
    return token == null ? JobToken.random() : token;
  }

  /** Where rank 0 listens: on one address, which the others can reach. */
  InetSocketAddress ownAddress() {
    if (configured != null) {
      return configured;
    }
    return new InetSocketAddress(oneHost ? InetAddress.getLoopbackAddress() : outwardAddress(), 0);
  }

  /** Tells the others, if they do not know already. */
  void publish(Acceptor gate, JobToken own) {
    if (file != null) {
      try {
        file.publish(gate.host(), gate.port(), own);
      } catch (IOException e) {
        throw new StartupException(
            Problem.RENDEZVOUS_INVALID,
            "Rank 0 cannot write " + file.path() + ", by which the others find it: " + e + ".",
            "Set mpilock.mpj.directory to one that all ranks see and that this user may write to.",
            e);
      }
    }
  }

  void withdraw(JobToken own) {
    if (file != null) {
      file.withdraw(own);
    }
  }

  /** Where the others look for rank 0; empty if it has not told yet. */
  Optional<RendezvousFile.Place> look() throws IOException {
    if (file == null) {
      return Optional.of(
          new RendezvousFile.Place(
              Objects.requireNonNull(configured), Objects.requireNonNull(token)));
    }
    Optional<RendezvousFile.Place> found = file.read();
    return token == null
        ? found
        : found.map(place -> new RendezvousFile.Place(place.address(), token));
  }

  /** Whether looking again may find another place or token. */
  boolean mayChange() {
    return file != null;
  }

  @Override
  public String toString() {
    return file == null ? String.valueOf(configured) : file.path().toString();
  }

  private static @Nullable String first(@Nullable String setting, @Nullable String variable) {
    return setting == null || setting.isBlank() ? variable : setting.strip();
  }

  private static JobToken token(String secret) {
    if (secret.length() < JobToken.SHORTEST) {
      throw invalid(
          "The token of the job has "
              + secret.length()
              + " characters, and could be guessed: it must have at least "
              + JobToken.SHORTEST
              + ".");
    }
    return JobToken.of(secret);
  }

  /** What HOST:PORT says, before a name is looked up. */
  record HostPort(String host, int port) {
    static HostPort parse(String text) {
      int colon = text.lastIndexOf(':');
      if (colon < 1) {
        throw invalid(named(text) + " is not HOST:PORT.");
      }
      String digits = text.substring(colon + 1);
      if (!digits.matches("-?[0-9]{1,9}")) { // no other script's digits, as parseInt would take
        throw invalid(named(text) + " is not HOST:PORT.");
      }
      int port = Integer.parseInt(digits);
      if (port < 1 || port > 65_535) {
        throw invalid(named(text) + " has a port that is not between 1 and 65535.");
      }
      return new HostPort(text.substring(0, colon), port);
    }

    InetSocketAddress find() {
      try {
        return new InetSocketAddress(InetAddress.getByName(host), port);
      } catch (UnknownHostException e) {
        throw new StartupException(
            Problem.RENDEZVOUS_INVALID,
            named(host + ":" + port)
                + " names a host that cannot be found: "
                + Values.shown(host)
                + ".",
            "Set mpilock.mpj.rendezvous to rank 0's host as this one knows it, or to its address.",
            e);
      }
    }

    private static String named(String text) {
      return "mpilock.mpj.rendezvous=" + Values.shown(text);
    }
  }

  private static StartupException invalid(String message) {
    return new StartupException(Problem.RENDEZVOUS_INVALID, message, REMEDY);
  }

  private static InetAddress outwardAddress() {
    try {
      return OutwardAddress.find()
          .orElseThrow(() ->
              invalid(
                  "Rank 0's host has no address that another host could reach, as far as the"
                      + " system reports."));
    } catch (SocketException e) {
      throw invalid("The network interfaces of rank 0's host cannot be listed: " + e + ".");
    }
  }
}
