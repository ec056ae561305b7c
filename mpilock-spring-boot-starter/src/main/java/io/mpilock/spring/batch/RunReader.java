/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import org.springframework.batch.infrastructure.item.ItemReader;

/**
 * Makes the reader of a run of units, for {@link RankWork}.
 *
 * @param <P> what describes the run, such as a {@link RankSlice}
 * @param <T> the type of the items
 * @since 0.1.0
 */
@FunctionalInterface
public interface RunReader<P, T> {

  /**
   * Makes the reader. If it is an {@link org.springframework.batch.infrastructure.item.ItemStream},
   * it is opened with an empty context, and closed. It gives the same items in the same order
   * whenever it is made for the run: what was done of it in an earlier start is read once more, and
   * dropped.
   *
   * <p>A read that throws counts as an item, as of a {@code FlatFileItemReader}. But if it failed
   * for the file or the database, the step fails, whatever it skips: {@code IOException}, {@code
   * SQLException}, {@code DataAccessException}, {@code PersistenceException}, {@code
   * ItemStreamException}, {@code NonTransientResourceException}. So a reader throws a {@code
   * ParseException} for an item that may be skipped. Do not retry reads.
   *
   * @param run the run
   * @return a reader of its units, for one thread
   * @throws Exception if it cannot; the step fails, whatever it skips
   */
  ItemReader<? extends T> of(P run) throws Exception;
}
