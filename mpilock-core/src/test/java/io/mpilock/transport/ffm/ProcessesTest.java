package io.mpilock.transport.ffm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

final class ProcessesTest {

  @Test
  void thisProcessLives() {
    long pid = ProcessHandle.current().pid();
    long start = Processes.startTime(pid);
    assertThat(start).isPositive();
    assertThat(Processes.isAlive(pid, start)).isTrue();
  }

  @Test
  void anotherProcessWithTheSameIdIsNotIt() {
    long pid = ProcessHandle.current().pid();
    assertThat(Processes.isAlive(pid, Processes.startTime(pid) - 1)).isFalse();
  }

  @Test
  void aKilledProcessIsDead() throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jshell").toString(), "-")
            .redirectErrorStream(true)
            .start();
    long start = Processes.startTime(process.pid());
    assertThat(Processes.isAlive(process.pid(), start)).isTrue();
    PeerWatch watch = new PeerWatch(process.pid(), start);
    assertThat(watch.isAlive()).isTrue();
    assertThat(watch.isAlive()).isTrue();
    process.destroyForcibly();
    process.waitFor();
    while (Processes.isAlive(process.pid(), start)) {
      Thread.onSpinWait();
    }
    assertThat(Processes.startTime(process.pid())).isNotEqualTo(start);
    assertThat(watch.isAlive()).isFalse();
    watch.close();
    assertThat(watch.isAlive()).isFalse();
  }

  @Test
  void aWatchOnAnIdThatAnotherProcessGotIsDead() {
    long pid = ProcessHandle.current().pid();
    PeerWatch watch = new PeerWatch(pid, Processes.startTime(pid) - 1);
    assertThat(watch.isAlive()).isFalse();
  }

  @Test
  void aWatchThatWasClosedStillTells() {
    long pid = ProcessHandle.current().pid();
    PeerWatch watch = new PeerWatch(pid, Processes.startTime(pid));
    assertThat(watch.isAlive()).isTrue();
    watch.close();
    assertThat(watch.isAlive()).isTrue();
  }
}
