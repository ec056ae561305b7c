/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Reports a controller that could not be made: what is wrong, what was looked for, the remedy. */
final class StartupFailureAnalyzer extends AbstractFailureAnalyzer<StartupException> {

  @Override
  protected FailureAnalysis analyze(Throwable rootFailure, StartupException cause) {
    String remedy = cause.remedy();
    String found = String.valueOf(cause.getMessage());
    if (found.endsWith(remedy)) {
      found = found.substring(0, found.length() - remedy.length()).stripTrailing();
    }
    String hint = hint(cause.problem());
    return new FailureAnalysis(
        headline(cause.problem()) + "\n\n    " + found.replace("\n", "\n    "),
        hint.isEmpty() ? remedy : remedy + "\n\n" + hint,
        cause);
  }

  private static String headline(Problem problem) {
    return switch (problem) {
      case NO_MPI_LIBRARY -> "mpilock found no MPI library that it can use:";
      case NATIVE_ACCESS_DENIED -> "mpilock may not call native code in this JVM:";
      case THREAD_LEVEL -> "MPI was initialised with a thread level that is too low for mpilock:";
      case LAUNCHER_IGNORED -> "A launcher started several ranks, and each would be alone:";
      case LAUNCHER_LOST -> "A launcher started this process, but its variables are gone:";
      case WRONG_SIZE -> "The job has another number of ranks than expected:";
      case LAUNCHER_INCONSISTENT -> "The launcher's variables contradict each other or MPI:";
      case MASTER_OUT_OF_RANGE -> "The property mpilock.master is not a rank of the job:";
      case SETTINGS_DIFFER -> "The ranks were given different mpilock properties:";
      case NO_SUCH_TRANSPORT ->
          "The property mpilock.transport names a transport that does not exist here:";
      case NO_WINDOW -> "The memory that the ranks of a node share could not be allocated:";
      case NO_DESCRIPTORS -> "This process may open too few files and sockets:";
      case MPI_FINALIZED -> "MPI was already finalised in this process:";
      case NO_MPJ -> "mpilock found no MPJ Express that it can use:";
      case RENDEZVOUS_INVALID -> "It is not clear where the ranks meet:";
      case RANKS_MISSING -> "Not all ranks of the job met in time:";
      case RANK_TAKEN -> "Another process has this process's place in the job:";
      case RANKS_APART ->
          "The ranks of a host are isolated from each other, which its MPI library"
              + " does not support:";
      case TOO_MANY_RANKS -> "The job has more ranks than there is room for:";
    };
  }

  /** What a Spring application in particular can do; empty if the remedy says it all. */
  private static String hint(Problem problem) {
    return switch (problem) {
      case NO_MPI_LIBRARY ->
          "mpilock.native.library names the library, by path or soname; mpilock.enabled=false runs"
              + " without locks.";
      case NATIVE_ACCESS_DENIED ->
          "An executable jar allows it for itself with \"Enable-Native-Access: ALL-UNNAMED\" in its"
              + " manifest.";
      case SETTINGS_DIFFER ->
          "Look for profiles, configuration files and environment variables that are not the same"
              + " on all nodes.";
      case NO_WINDOW -> "mpilock.window-size sets how much each rank allocates.";
      case MPI_FINALIZED ->
          "If spring-boot-devtools restarted the application: MPI starts only once in a process, so"
              + " set spring.devtools.restart.enabled=false, best as a system property.";
      case THREAD_LEVEL,
          LAUNCHER_IGNORED,
          LAUNCHER_LOST,
          WRONG_SIZE,
          LAUNCHER_INCONSISTENT,
          MASTER_OUT_OF_RANGE,
          NO_SUCH_TRANSPORT,
          NO_DESCRIPTORS,
          NO_MPJ,
          RENDEZVOUS_INVALID,
          RANKS_MISSING,
          RANK_TAKEN,
          RANKS_APART,
          TOO_MANY_RANKS ->
          "";
    };
  }
}
