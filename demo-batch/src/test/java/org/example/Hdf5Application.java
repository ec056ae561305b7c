/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import io.mpilock.spring.LockTemplate;
import java.nio.file.Path;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;

/** The guide's recipe for HDF5 on real ranks; {@code --file} is what they share. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
class Hdf5Application {
  private static final int ROUNDS = 20;

  public static void main(String[] arguments) {
    SpringApplication.run(Hdf5Application.class, arguments).close();
  }

  @Bean
  ApplicationRunner recipe(LockTemplate locks) {
    return arguments -> {
      SharedHdf5 numbers =
          new SharedHdf5(locks, Path.of(arguments.getOptionValues("file").getFirst()));
      for (int i = 0; i < ROUNDS; i++) {
        numbers.append(new int[] {locks.rank(), i, i + 1});
      }
      locks.singleWrite(() -> 0); // all are done
      System.out.println("rank " + locks.rank() + " counts " + numbers.count() + " numbers");
    };
  }
}
