/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Import;

/**
 * Auto-configuration of mpilock: one {@link io.mpilock.WindowController} of all ranks of the job, a
 * {@link io.mpilock.spring.LockTemplate} over it, locks by annotation, meters if there is a meter
 * registry, events of the JDK's Flight Recorder, observations of requests if there is a tracer, an
 * orderly stop of batch jobs if there is Spring Batch, a lock registry if there is Spring
 * Integration, and an endpoint and a health indicator if there is Boot's actuator. Each bean of the
 * API backs off when the application defines its own bean of that type; a bean of type {@link
 * io.mpilock.transport.Communicator} or {@link io.mpilock.ShareCodec} is used by the controller,
 * and those of type {@link io.mpilock.spring.ControllerOptionsCustomizer} change its options.
 *
 * @since 0.1.0
 */
@AutoConfiguration(
    afterName = {
      "org.springframework.boot.batch.autoconfigure.BatchAutoConfiguration",
      "org.springframework.boot.batch.jdbc.autoconfigure.BatchJdbcAutoConfiguration",
      "org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration",
      "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration",
      "org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration",
      "org.springframework.boot.micrometer.tracing.autoconfigure.MicrometerTracingAutoConfiguration"
    })
@EnableConfigurationProperties(MpilockProperties.class)
@Import({
  MpilockPropertiesValidator.AtBinding.class,
  ObservationConfiguration.class,
  LockingConfiguration.class,
  UnlockedConfiguration.class,
  EventConfiguration.class,
  MetricsConfiguration.class,
  FlightRecorderConfiguration.class,
  MdcConfiguration.class,
  ReportConfiguration.class,
  BatchConfiguration.class,
  RankIsolationConfiguration.class,
  RankRepositoryConfiguration.class,
  BatchRanksConfiguration.class,
  AnnotationConfiguration.class,
  IntegrationConfiguration.class,
  EndpointConfiguration.class,
  HealthConfiguration.class
})
public final class MpilockAutoConfiguration {
  /** For Spring. */
  public MpilockAutoConfiguration() {}
}
