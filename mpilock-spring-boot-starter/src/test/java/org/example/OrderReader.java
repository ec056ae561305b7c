/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import io.mpilock.spring.batch.RankSlices;
import java.io.IOException;
import java.nio.file.Path;
import org.springframework.batch.core.configuration.annotation.StepScope;
import org.springframework.batch.infrastructure.item.file.FlatFileItemReader;
import org.springframework.batch.infrastructure.item.file.builder.FlatFileItemReaderBuilder;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;

/** What the guide shows of slices. */
class OrderReader {

  record Order(String customer, int amount) {}

  // snippet slices
  @Bean
  @StepScope
  FlatFileItemReader<Order> orders(
      RankSlices slices, @Value("#{jobParameters['input']}") Path input) throws IOException {
    return new FlatFileItemReaderBuilder<Order>()
        .name("orders")
        .resource(slices.lines(input, 1)) // this rank's lines, behind one of header
        .delimited()
        .names("customer", "amount")
        .fieldSetMapper(line -> new Order(line.readString("customer"), line.readInt("amount")))
        .build();
  }
  // end snippet
}
