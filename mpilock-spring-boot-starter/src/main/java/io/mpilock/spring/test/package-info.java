/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Tests of code that runs on several ranks, without a launcher: each rank is a thread with an
 * application context of its own, over the {@code local} transport. Needs {@code spring-boot-test}
 * and AssertJ on the class path, and JUnit Jupiter for {@link io.mpilock.spring.test.RankTest}.
 */
@NullMarked
package io.mpilock.spring.test;

import org.jspecify.annotations.NullMarked;
