package io.mpilock.spring.autoconfigure;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Logs at three levels, on the main thread and on another. */
@Configuration(proxyBeanMethods = false)
class TalkingApplication {
  private static final Log LOG = LogFactory.getLog(TalkingApplication.class);

  public static void main(String[] arguments) {
    SpringApplication.run(TalkingApplication.class, arguments);
  }

  @Bean
  CommandLineRunner talk() {
    return _ -> {
      LOG.info("what goes well");
      LOG.warn("what is odd");
      Thread other = Thread.ofPlatform().start(() -> LOG.error("what fails"));
      other.join();
    };
  }
}
