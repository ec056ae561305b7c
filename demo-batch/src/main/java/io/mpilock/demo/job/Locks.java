package io.mpilock.demo.job;

import io.mpilock.spring.LockTemplate;

/**
 * The two locks of the job.
 *
 * @param file guards the HDF5 file
 * @param ranks guards nothing; the ranks tell each other things by its single writes
 * @param shared whether the ranks really share them; not with {@code mpilock.enabled=false}
 */
record Locks(LockTemplate file, LockTemplate ranks, boolean shared) {
  /** The resource of {@link #file}. */
  static final String FILE = "flights.h5";

  /** The resource of {@link #ranks}. */
  static final String RANKS = "ranks";

  int rank() {
    return file.rank();
  }

  int size() {
    return file.size();
  }

  int master() {
    return file.master();
  }

  boolean isMaster() {
    return file.isMaster();
  }
}
