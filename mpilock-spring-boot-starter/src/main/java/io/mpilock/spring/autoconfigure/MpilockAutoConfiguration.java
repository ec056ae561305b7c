package io.mpilock.spring.autoconfigure;

import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Import;

/**
 * Auto-configuration of mpilock: one {@link io.mpilock.WindowController} of all ranks of the job, a
 * {@link io.mpilock.spring.LockTemplate} over it, locks by annotation, meters if there is a meter
 * registry, an orderly stop of batch jobs if there is Spring Batch, and a lock registry if there is
 * Spring Integration. Each bean of the API backs off when the application defines its own bean of
 * that type; a bean of type {@link io.mpilock.transport.Communicator} or {@link
 * io.mpilock.ShareCodec} is used by the controller.
 */
@AutoConfiguration(
    afterName = {
      "org.springframework.boot.batch.autoconfigure.BatchAutoConfiguration",
      "org.springframework.boot.batch.jdbc.autoconfigure.BatchJdbcAutoConfiguration",
      "org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration",
      "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration"
    })
@EnableConfigurationProperties(MpilockProperties.class)
@Import({
  LockingConfiguration.class,
  UnlockedConfiguration.class,
  MetricsConfiguration.class,
  ReportConfiguration.class,
  BatchConfiguration.class,
  BatchRanksConfiguration.class,
  AnnotationConfiguration.class,
  IntegrationConfiguration.class
})
public final class MpilockAutoConfiguration {
  /** For Spring. */
  public MpilockAutoConfiguration() {}
}
