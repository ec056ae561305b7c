package io.mpilock.spring;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The holds of several resources, of which the last is ended first. */
final class OpenGroup implements OpenHold {
  private final List<OpenHold> holds = new ArrayList<>();

  void add(OpenHold hold) {
    holds.add(hold);
  }

  @Override
  public void close() {
    end(OpenHold::close);
  }

  @Override
  public void giveUp() {
    end(OpenHold::giveUp);
  }

  /** Each, whatever becomes of the others. */
  private void end(Consumer<OpenHold> way) {
    if (!holds.isEmpty()) {
      try {
        way.accept(holds.removeLast());
      } finally {
        end(way);
      }
    }
  }
}
