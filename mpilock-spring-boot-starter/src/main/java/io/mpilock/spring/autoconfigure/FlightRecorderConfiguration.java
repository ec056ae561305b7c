/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.WindowController;
import io.mpilock.spring.jfr.LockFlightRecording;
import jdk.jfr.FlightRecorder;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;

/** Events of the Flight Recorder, where the run time has it. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(FlightRecorder.class)
@ConditionalOnBooleanProperty(name = "mpilock.jfr.enabled", matchIfMissing = true)
class FlightRecorderConfiguration {

  @Bean(destroyMethod = "close")
  @Lazy(false)
  @ConditionalOnBean(WindowController.class)
  @ConditionalOnMissingBean
  LockFlightRecording lockFlightRecording(WindowController controller) {
    return LockFlightRecording.bind(controller);
  }
}
