package io.mpilock.demo.job;

import io.mpilock.ResourceLock;
import io.mpilock.WriteLease;
import io.mpilock.demo.store.WriteStamp;
import io.mpilock.spring.LockTemplate;
import org.jspecify.annotations.Nullable;

/**
 * The two locks of the job.
 *
 * @param file guards the HDF5 file
 * @param ranks guards nothing; the ranks tell each other things by its single writes
 * @param lock what is behind {@code file}; null with {@code mpilock.enabled=false}
 */
record Locks(LockTemplate file, LockTemplate ranks, @Nullable ResourceLock lock) {
  /** The resource of {@link #file}. */
  static final String FILE = "flights.h5";

  /** The resource of {@link #ranks}. */
  static final String RANKS = "ranks";

  /** Whether the ranks really share the locks. */
  boolean shared() {
    return lock != null;
  }

  /** The stamp of the write of the file that this thread holds. */
  WriteStamp stamp(long run) {
    if (lock == null) {
      return WriteStamp.NONE;
    }
    try (WriteLease again = lock.write()) {
      return new WriteStamp(run, again.token(), rank());
    }
  }

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
