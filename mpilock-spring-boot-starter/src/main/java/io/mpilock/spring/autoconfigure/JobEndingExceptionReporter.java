/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.ControllerOptions;
import io.mpilock.WindowController;
import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.failure.StartupException;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.MpjSettings;
import io.mpilock.transport.TransportSettings;
import io.mpilock.transport.Transports;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.ExitCodeExceptionMapper;
import org.springframework.boot.ExitCodeGenerator;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootExceptionReporter;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.io.support.SpringFactoriesLoader;
import org.springframework.core.io.support.SpringFactoriesLoader.ArgumentResolver;

/**
 * Ends the job when an application fails on one of several ranks: in its start, in a runner, or in
 * a listener of the ready event. The others would wait for it.
 *
 * <p>It is a reporter because Boot reports a failure after every listener has heard of it and
 * before it closes the context, and a report is what must not get lost: this one lets the others
 * report first, and then aborts through the controller. If there is none yet, it exits, which makes
 * Open MPI's mpirun end the job; other launchers take no notice of a rank that exits before it
 * reached MPI, while the rest waits for it there, so under those it goes to meet them and aborts.
 * It also aborts what was refused when MPI was reached: of ranks that exit together and have not
 * finalised MPI, MPICH's Hydra up to 4.2 may count the status of none, and end with 0. A rank that
 * failed because another did waits a moment, so that the one with the reason can report. A failure
 * in a context that something else has closed, such as SIGTERM while it started, is a consequence,
 * and neither reported nor a reason to abort: every rank closes. Without a launcher, or with {@code
 * mpilock.enabled=false}, it leaves everything to Boot.
 */
@Order(Ordered.HIGHEST_PRECEDENCE)
final class JobEndingExceptionReporter implements SpringBootExceptionReporter {
  private static final long LAST_WORDS_NANOS = 200_000_000;

  private static final Log LOG = LogFactory.getLog(JobEndingExceptionReporter.class);
  private static final String LIBRARY = "mpilock.native.library";
  private static final int GENERAL_FAILURE = 1;
  private static final int LARGEST_STATUS = 255;

  private static final Duration GRACE = Duration.ofSeconds(2);

  /** With these MPI was reached already, or cannot be. */
  private static final List<Class<? extends Throwable>> REFUSED = List.of(StartupException.class);

  /** With these another rank is the one to report. */
  private static final List<Class<? extends Throwable>> FAILED_ELSEWHERE =
      List.of(
          RankFailedException.class,
          CollectiveMismatchException.class,
          SingleWriteFailedException.class);

  private final @Nullable ConfigurableApplicationContext context;
  private final Map<String, String> environment;
  private final IntConsumer exit;
  private final BooleanSupplier isShuttingDown;
  private final Duration grace;

  /**
   * For Boot, which passes null if the failure came before the context. The only public one: from
   * several that are not Spring would not choose, and Boot would report nothing at all.
   */
  @SuppressWarnings("unused")
  public JobEndingExceptionReporter(@Nullable ConfigurableApplicationContext context) {
    this(context, System.getenv(), System::exit, JobEndingExceptionReporter::isShuttingDown, GRACE);
  }

  JobEndingExceptionReporter(
      @Nullable ConfigurableApplicationContext context,
      Map<String, String> environment,
      IntConsumer exit,
      BooleanSupplier isShuttingDown,
      Duration grace) {
    this.context = context;
    this.environment = environment;
    this.exit = exit;
    this.isShuttingDown = isShuttingDown;
    this.grace = grace;
  }

  @Override
  public boolean reportException(Throwable failure) {
    @Nullable Launcher launcher;
    try {
      launcher = Launcher.detect(environment).orElse(null);
      if (launcher == null || launcher.size() == 1 || !property("enabled", Boolean.class, true)) {
        return false; // a size that the launcher does not tell may be any
      }
    } catch (StartupException inconsistent) {
      launcher = null; // there is one, and this rank will not get far
    }
    if (context != null && context.isClosed()) {
      LOG.debug("The application was shut down meanwhile", failure);
      return isShuttingDown.getAsBoolean(); // else it has closed the context itself
    }
    reportByOthers(failure);
    if (isOfAnotherRank(failure)) {
      letTheOtherReport();
    }
    end(statusOf(failure), launcher, hasCause(failure, REFUSED));
    return true;
  }

  private void reportByOthers(Throwable failure) {
    ArgumentResolver arguments =
        context == null
            ? ArgumentResolver.none()
            : ArgumentResolver.of(ConfigurableApplicationContext.class, context);
    List<SpringBootExceptionReporter> reporters =
        SpringFactoriesLoader.forDefaultResourceLocation(getClass().getClassLoader())
            .load(SpringBootExceptionReporter.class, arguments);
    for (SpringBootExceptionReporter reporter : reporters) {
      if (!(reporter instanceof JobEndingExceptionReporter) && reporter.reportException(failure)) {
        return;
      }
    }
    LogFactory.getLog(SpringApplication.class).error("Application run failed", failure);
  }

  /**
   * Ends the job.
   *
   * @param launcher who started this rank, if that is known
   * @param refused whether this rank may have met the others in MPI already, or may never
   */
  private void end(int status, @Nullable Launcher launcher, boolean refused) {
    @Nullable WindowController controller = JobLifeline.controllerOf(context).orElse(null);
    LOG.error("The application failed on this rank: ending the job with status " + status + ".");
    // The launcher reads what ranks print in its own time, and the abort may end it before.
    LockSupport.parkNanos(LAST_WORDS_NANOS);
    try {
      if (controller != null) {
        controller.abort(status);
        controller.abandon(); // no launcher took the abort: at least nothing waits on the way out
      } else if (launcher != null && launcher.name() != Launcher.Kind.OPEN_MPI) {
        if (refused) {
          Transports.abort(status);
        } else if (!hasOwnWay()) {
          meetAndAbort(status, launcher);
        }
      }
    } catch (RuntimeException e) {
      LOG.error("The job could not be ended through MPI; this rank exits.", e);
    } finally {
      exit.accept(status);
    }
  }

  /** Whether the application has said by a bean how the ranks meet, and not in MPI perhaps. */
  private boolean hasOwnWay() {
    return context != null
        && context.getBeanFactory().getBeanNamesForType(Communicator.class, true, false).length > 0;
  }

  private static boolean isShuttingDown() {
    try {
      Runtime.getRuntime().removeShutdownHook(new Thread()); // which is none
      return false;
    } catch (IllegalStateException e) {
      return true;
    }
  }

  private void meetAndAbort(int status, Launcher launcher) {
    String library = context == null ? null : context.getEnvironment().getProperty(LIBRARY);
    Transports.open(
            property("transport", String.class, Transports.AUTO),
            new TransportSettings(
                launcher, library, ControllerOptions.defaults().stallWarning(), mpjSettings()))
        .abort(status);
  }

  /** As {@link MpilockProperties} would be, but this context may not have come to making it. */
  private MpjSettings mpjSettings() {
    return context == null
        ? MpjSettings.defaults()
        : Binder.get(context.getEnvironment())
            .bindOrCreate("mpilock.mpj", MpilockProperties.Mpj.class)
            .toSettings();
  }

  /** Tells whether a failure here is only the consequence of what another rank did. */
  static boolean isOfAnotherRank(Throwable failure) {
    return hasCause(failure, FAILED_ELSEWHERE);
  }

  private static boolean hasCause(Throwable failure, List<Class<? extends Throwable>> types) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (isOneOf(at, types)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isOneOf(Throwable failure, List<Class<? extends Throwable>> types) {
    return types.stream().anyMatch(type -> type.isInstance(failure));
  }

  /** An abort at once would end the rank that knows the reason before it has told it. */
  private void letTheOtherReport() {
    try {
      Thread.sleep(grace);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Of the process, if there is no context yet. */
  private <T> T property(String name, Class<T> type, T otherwise) {
    Environment source = context == null ? new StandardEnvironment() : context.getEnvironment();
    return source.getProperty("mpilock." + name, type, otherwise);
  }

  /** As Boot finds it where a rank is alone: what a bean makes of it goes first. */
  private int statusOf(Throwable failure) {
    int mapped = 0;
    if (context != null && context.isActive()) {
      try {
        mapped =
            context
                .getBeanProvider(ExitCodeExceptionMapper.class)
                .orderedStream()
                .mapToInt(mapper -> mapper.getExitCode(failure))
                .filter(code -> code > 0 && code <= LARGEST_STATUS)
                .findFirst()
                .orElse(0);
      } catch (RuntimeException e) {
        LOG.debug("No bean tells the status of this failure", e);
      }
    }
    return mapped > 0 ? mapped : ownStatusOf(failure);
  }

  private static int ownStatusOf(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof ExitCodeGenerator generator) {
        int code = generator.getExitCode();
        return code > 0 && code <= LARGEST_STATUS ? code : GENERAL_FAILURE;
      }
    }
    return GENERAL_FAILURE;
  }
}
