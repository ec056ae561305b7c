/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.flight;

import java.io.Serializable;
import java.time.LocalDateTime;

/**
 * One row of the input.
 *
 * @param date the local departure, to the minute
 * @param delay how late it arrived, in minutes; negative if it was early
 * @param distance in statute miles, not negative
 * @param origin the IATA code of the airport that it left
 * @param destination the IATA code of the airport that it went to
 */
public record Flight(LocalDateTime date, int delay, int distance, String origin, String destination)
    implements Serializable {}
