/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example.batch;

import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.batch.RankSlices;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.springframework.batch.core.configuration.annotation.StepScope;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.builder.JobBuilder;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.batch.infrastructure.item.ItemReader;
import org.springframework.batch.infrastructure.item.file.FlatFileItemReader;
import org.springframework.batch.infrastructure.item.file.builder.FlatFileItemReaderBuilder;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

// snippet job
@SpringBootApplication
public class OrdersJob {
  public static void main(String[] args) {
    SpringApplication.run(OrdersJob.class, args);
  }

  @Bean
  Job copy(
      JobRepository repository,
      ItemReader<String> orders,
      LockTemplate locks,
      @Value("${output}") Path output) {
    return new JobBuilder("copy", repository)
        .start(
            new StepBuilder("append", repository)
                .<String, String>chunk(100)
                .reader(orders)
                .writer(chunk ->
                    locks.writeWithoutResult(
                        () -> // one rank at a time
                        Files.write(output, chunk.getItems(), StandardOpenOption.APPEND)))
                .build())
        .build();
  }

  @Bean
  @StepScope
  FlatFileItemReader<String> orders(
      RankSlices slices, @Value("#{jobParameters['input']}") Path input) throws IOException {
    return new FlatFileItemReaderBuilder<String>()
        .name("orders")
        .resource(slices.lines(input, 0)) // this rank's lines; the file has no header
        .lineMapper((line, number) -> line)
        .build();
  }
}
// end snippet
