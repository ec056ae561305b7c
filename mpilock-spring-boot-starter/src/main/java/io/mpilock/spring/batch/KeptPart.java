/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How a rank's part of the input is stored in the step's execution context. */
interface KeptPart {
  /** As the lines that it is, which are few. */
  KeptPart AS_IT_IS =
      new KeptPart() {
        @Override
        public List<String> keep(List<String> part) {
          return part;
        }

        @Override
        public List<String> restore(List<String> kept) {
          return kept;
        }
      };

  /** Gives what is kept of a part. */
  List<String> keep(List<String> part);

  /** Gives the part that the stored names describe, or null if it is no longer there. */
  @Nullable List<String> restore(List<String> kept) throws IOException;
}
