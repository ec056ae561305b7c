package io.mpilock;

import org.jspecify.annotations.Nullable;

/**
 * Runs ranks as threads of this JVM, over the local transport: to try ranked code, and to test it,
 * without a launcher.
 *
 * <pre>{@code
 * LocalRanks.run(4, controller -> {
 *   try (WriteLease write = controller.write()) {
 *     ...
 *   }
 * });
 * }</pre>
 */
public final class LocalRanks {
  private LocalRanks() {}

  /** What each rank runs. */
  @FunctionalInterface
  public interface RankBody {
    /**
     * Runs one rank.
     *
     * @param controller this rank's controller; closed afterwards
     * @throws Exception if the rank fails
     */
    void run(WindowController controller) throws Exception;
  }

  /**
   * Runs a body on each of some ranks, each on its own thread, and waits for all of them.
   *
   * @param size the number of ranks
   * @param body what each rank runs; its controller is closed afterwards, or abandoned if it throws
   * @throws Exception what the first rank to fail threw, with those of the others suppressed
   */
  public static void run(int size, RankBody body) throws Exception {
    run(size, ControllerOptions.defaults(), body);
  }

  /**
   * Runs a body on each of some ranks, with options.
   *
   * @param size the number of ranks
   * @param options the controllers' options
   * @param body what each rank runs
   * @throws Exception what the first rank to fail threw, with those of the others suppressed
   */
  public static void run(int size, ControllerOptions options, RankBody body) throws Exception {
    @Nullable Exception none = null;
    if (size < 0) {
      throw new IllegalArgumentException(String.valueOf(none));
    }
  }
}
