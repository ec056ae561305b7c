package io.mpilock.demo.job;

import io.mpilock.WindowController;
import io.mpilock.demo.DemoProperties;
import io.mpilock.demo.airport.AirportJoin;
import io.mpilock.demo.airport.Airports;
import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.flight.FlightReader;
import io.mpilock.demo.report.Reports;
import io.mpilock.demo.store.FlightRow;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.report.LockReport;
import java.nio.file.Path;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.builder.JobBuilder;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.Step;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * The job of one rank: prepare, load, verify, publish. Every rank runs the same steps in the same
 * order, as the collective calls in them need; also in a run that goes on, whatever the repository
 * says of a rank's steps: what is done stands in the journal.
 */
@Configuration(proxyBeanMethods = false)
class FlightJobConfiguration {
  private static final int EVENTS = 10_000;

  @Bean
  InstantSource clock() {
    return InstantSource.system();
  }

  @Bean
  Airports airports() {
    return Airports.bundled();
  }

  @Bean
  Locks locks(LockTemplate template, ObjectProvider<WindowController> controller) {
    return new Locks(
        template.on(Locks.FILE),
        template.on(Locks.RANKS),
        controller.stream().findFirst().map(c -> c.resource(Locks.FILE)).orElse(null));
  }

  @Bean
  @Nullable LockReport lockReport(ObjectProvider<WindowController> controller) {
    return controller.stream().findFirst().map(c -> LockReport.record(c, EVENTS)).orElse(null);
  }

  @Bean
  RankRun rankRun() {
    return new RankRun();
  }

  /** Closed with the context, so that a job that is ended from outside cleans up, too. */
  @Bean(destroyMethod = "close")
  OutputFiles outputFiles(DemoProperties properties) {
    return new OutputFiles(properties.outputDirectory());
  }

  @Bean
  AirportJoin airportJoin(Airports airports, Locks locks) {
    return new AirportJoin(airports, locks.rank());
  }

  @Bean
  RankAgreement rankAgreement(Locks locks, RankRun run) {
    return new RankAgreement(locks, run);
  }

  @Bean
  LoadListener loadListener(
      DemoProperties properties, RankAgreement agreement, Locks locks, RankRun run) {
    return new LoadListener(
        agreement, locks, run, properties.progress().resolve(System.console()), System.out);
  }

  @Bean
  Step prepare(
      JobRepository repository,
      DemoProperties properties,
      Airports airports,
      OutputFiles output,
      Locks locks,
      RankRun run,
      RankAgreement agreement,
      InstantSource clock) {
    return new StepBuilder("prepare", repository)
        .tasklet(new PrepareTasklet(properties, airports, output, locks, run, agreement, clock))
        .listener(agreement)
        .allowStartIfComplete(true)
        .build();
  }

  @Bean
  Step load(
      JobRepository repository,
      DemoProperties properties,
      AirportJoin join,
      Locks locks,
      RankRun run,
      OutputFiles output,
      LoadListener listener) {
    FlightReader reader =
        new FlightReader(
            properties::inputFile,
            locks.rank(),
            locks.size(),
            () -> run.plan().rows(),
            () -> run.plan().earlier().done());
    return new StepBuilder("load", repository)
        .<Flight, FlightRow>chunk(Math.max(1, properties.chunkSize()))
        .reader(reader)
        .processor(join)
        .writer(new ChunkWriter(locks, run, reader, output, listener, properties.chunkPause()))
        .faultTolerant()
        .skipPolicy(new SkipLimit(run, properties.skipLimit()))
        .skipListener(listener)
        .listener(listener)
        .allowStartIfComplete(true)
        .build();
  }

  @Bean
  Step verify(
      JobRepository repository,
      DemoProperties properties,
      Locks locks,
      RankRun run,
      RankAgreement agreement) {
    return new StepBuilder("verify", repository)
        .tasklet(new VerifyTasklet(locks, run, agreement, properties.skipLimit()))
        .listener(agreement)
        .allowStartIfComplete(true)
        .build();
  }

  @Bean
  Step publish(
      JobRepository repository,
      DemoProperties properties,
      Airports airports,
      OutputFiles output,
      Locks locks,
      RankRun run,
      RankAgreement agreement,
      ObjectProvider<LockReport> report,
      InstantSource clock) {
    Path directory = properties.outputDirectory();
    return new StepBuilder("publish", repository)
        .tasklet(
            new PublishTasklet(
                locks,
                run,
                agreement,
                report.getIfAvailable(),
                output,
                new Reports(airports, properties.fewestFlights()),
                new Summary(System.out, directory),
                clock))
        .listener(agreement)
        .allowStartIfComplete(true)
        .build();
  }

  @Bean
  EndReport endReport(RankAgreement agreement, Locks locks, RankRun run, OutputFiles output) {
    return new EndReport(agreement, locks, run, output, System.err);
  }

  @Bean
  Job flights(
      JobRepository repository,
      EndReport report,
      Step prepare,
      Step load,
      Step verify,
      Step publish) {
    return new JobBuilder("flights", repository)
        .listener(report)
        .start(prepare)
        .next(load)
        .next(verify)
        .next(publish)
        .build();
  }

  @Bean
  DemoRunner demoRunner(
      JobOperator operator,
      JobRepository repository,
      Job flights,
      DemoProperties properties,
      Locks locks,
      OutputFiles output,
      InstantSource clock) {
    return new DemoRunner(operator, repository, flights, properties, locks, output, clock);
  }
}
