/*
 * SPDX-License-Identifier: Apache-2.0
 */
package com.acme;

import io.mpilock.spring.LockTemplate;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

@SpringBootApplication
public class Application {
  public static void main(String[] args) {
    SpringApplication.run(Application.class, args);
  }

  @Bean
  CommandLineRunner append(LockTemplate locks) {
    return args -> {
      // rank 0 runs it, all get the path
      Path file = locks.singleWrite(() -> Files.createTempFile("lines", ".txt"));
      locks.writeWithoutResult(
          () -> Files.writeString(file, "rank " + locks.rank() + "\n", StandardOpenOption.APPEND));
      int lines = locks.read(() -> Files.readAllLines(file).size());
      System.out.println(
          "rank " + locks.rank() + " of " + locks.size() + " sees " + lines + " lines");
    };
  }
}
