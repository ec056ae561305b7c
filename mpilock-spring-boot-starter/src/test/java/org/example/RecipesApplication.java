/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import io.mpilock.spring.LockTemplate;
import java.nio.file.Path;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;

/** The guide's recipes on real ranks; {@code --folder} is the directory that they share. */
@SpringBootApplication
@ComponentScan(basePackages = "org.example.nothing")
class RecipesApplication {
  private static final int ROUNDS = 20;

  public static void main(String[] arguments) {
    SpringApplication.run(RecipesApplication.class, arguments).close();
  }

  @Bean
  ApplicationRunner recipes(LockTemplate locks) {
    return arguments -> {
      Path folder = Path.of(arguments.getOptionValues("folder").getFirst());
      OrderDatabase orders = new OrderDatabase(locks, folder.resolve("orders.db"));
      SharedDirectory directory = new SharedDirectory(locks, folder);
      for (int i = 0; i < ROUNDS; i++) {
        orders.add("rank " + locks.rank(), i);
        directory.replace("latest", ("rank " + locks.rank() + "\n").repeat(1000));
        String text = directory.read("latest");
        if (!text.equals(text.substring(0, text.indexOf('\n') + 1).repeat(1000))) {
          throw new IllegalStateException("half a file");
        }
      }
      locks.singleWrite(() -> 0); // all are done
      System.out.println("rank " + locks.rank() + " counts " + orders.count() + " orders");
    };
  }
}
