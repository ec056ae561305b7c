/*
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Locks by annotation, on the methods of Spring beans: {@link
 * io.mpilock.spring.annotation.ReadLocked}, {@link io.mpilock.spring.annotation.WriteLocked} and
 * {@link io.mpilock.spring.annotation.SingleWrite}.
 */
@NullMarked
package io.mpilock.spring.annotation;

import org.jspecify.annotations.NullMarked;
