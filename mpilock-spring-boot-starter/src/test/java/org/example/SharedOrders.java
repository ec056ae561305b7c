/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.batch.FileWorkJournal;
import io.mpilock.spring.batch.RankWork;
import io.mpilock.spring.batch.WorkOutput;
import java.nio.file.Path;
import org.springframework.batch.core.configuration.annotation.StepScope;
import org.springframework.batch.infrastructure.item.ItemStreamReader;
import org.springframework.batch.infrastructure.item.ItemWriter;
import org.springframework.batch.infrastructure.item.file.builder.FlatFileItemReaderBuilder;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The guide's work that ranks share. */
@Configuration(proxyBeanMethods = false)
class SharedOrders {

  // snippet work
  @Bean
  @StepScope
  ItemStreamReader<String> orders(RankWork work, @Value("#{jobParameters['input']}") Path input) {
    return work.lines(
        input,
        1, // line of header
        lines -> // of one run
        new FlatFileItemReaderBuilder<String>()
                .name("orders")
                .resource(lines)
                .lineMapper((line, number) -> line)
                .build());
  }

  @Bean
  FileWorkJournal journal(LockTemplate locks) {
    return new FileWorkJournal(Path.of("out/orders.journal"), locks);
  }

  @Bean
  ItemWriter<String> checked(FileWorkJournal journal) {
    return journal.writer("checked", WorkOutput.lines(Path.of("out/orders.csv"), line -> line));
  }
  // end snippet
}
