/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.annotation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.spring.autoconfigure.MpilockAutoConfiguration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class LockAnnotationFailureAnalyzerTests {

  static class Store {
    @WriteLocked(timeout = "soon")
    public void save() {}
  }

  @Configuration(proxyBeanMethods = false)
  @ImportAutoConfiguration(MpilockAutoConfiguration.class)
  static class Application {
    @Bean
    Store store() {
      return new Store();
    }
  }

  @Test
  void bootTellsWhatIsWrongAndWhatToDo(CapturedOutput output) {
    SpringApplication application = new SpringApplication(Application.class);
    assertThatThrownBy(() -> application.run()).hasMessageContaining("'soon'");
    assertThat(output)
        .contains(
            "A lock annotation is wrong:",
            "Store.save: the timeout 'soon' is not a duration such as 5s or PT5S.",
            "Action:",
            "LockTemplate");
  }
}
