package io.mpilock.demo.job;

/**
 * Why the job failed.
 *
 * @param message for the console
 * @param agreed whether all ranks know it, so that the master can tell it for all before any ends
 * @param masterDied whether the master cannot tell anything any more
 */
record JobFailure(String message, boolean agreed, boolean masterDied) {}
