package io.mpilock.demo.job;

/**
 * Why the job failed.
 *
 * @param message for the console
 * @param agreed whether all ranks know it, so that one of them can tell it for all
 */
record JobFailure(String message, boolean agreed) {}
