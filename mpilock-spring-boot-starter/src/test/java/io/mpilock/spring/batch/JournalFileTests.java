/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.spring.batch.WorkJournal.Progress;
import io.mpilock.spring.batch.WorkJournal.Work;
import io.mpilock.spring.batch.WorkPlan.Input;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalFileTests {
  private static final Work FIRST = new Work("job/step", "key", 1);
  private static final Work SECOND = new Work("job/step", "key", 2);
  private static final WorkPlan PLAN =
      new WorkPlan(
          new Input("lines", 0, 10, "a;b\tc\\d\ne"), 2, 1, WorkSchedule.GUIDED, List.of(0L, 7L));

  @TempDir private Path folder;

  private JournalFile filled(Path path) throws IOException {
    JournalFile file = new JournalFile(path);
    file.catchUp();
    file.appendPlan(FIRST, PLAN);
    file.appendAttempt(FIRST);
    file.appendMark("out\tput", "place", 3);
    file.appendDone(
        FIRST,
        List.of(new Progress(0, 5, true), new Progress(1, 2, false)),
        Map.of("out\tput", 8L));
    return file;
  }

  private static JournalFile.Entry entry(JournalFile file) {
    return Objects.requireNonNull(file.entry("key"));
  }

  @Test
  void whatOneHasAppendedAnotherReads() throws IOException {
    Path path = folder.resolve("journal");
    JournalFile writer = filled(path);
    JournalFile reader = new JournalFile(path);
    reader.catchUp();
    assertThat(entry(reader).plan()).isEqualTo(PLAN);
    assertThat(reader.mark("out\tput")).isEqualTo(8);
    assertThat(entry(reader).open())
        .hasSize(PLAN.cut().length - 1)
        .contains(new Progress(0, 0, false));

    reader.appendAttempt(SECOND);
    writer.catchUp();
    assertThat(entry(writer).attempt()).isEqualTo(2);
    assertThat(entry(writer).hasSeen(1)).isTrue();
    assertThat(entry(writer).open())
        .isEqualTo(entry(reader).open())
        .contains(new Progress(1, 2, false))
        .doesNotContain(new Progress(0, 5, true))
        .hasSize(PLAN.cut().length - 2);
  }

  /** Wherever a rank is killed in the middle of a line, that line and no other is lost. */
  @Test
  void aLineThatIsNotWholeDoesNotCountAndIsCutOff() throws IOException {
    Path path = folder.resolve("whole");
    JournalFile _ = filled(path);
    byte[] whole = Files.readAllBytes(path);
    for (int length = 0; length <= whole.length; length++) {
      Path cut = folder.resolve("cut");
      Files.write(cut, Arrays.copyOf(whole, length));
      JournalFile file = new JournalFile(cut);
      file.catchUp();
      int lines =
          (int)
              new String(whole, 0, length, java.nio.charset.StandardCharsets.UTF_8)
                  .chars()
                  .filter(c -> c == '\n')
                  .count();
      assertThat(file.entry("key") != null).isEqualTo(lines > 1);
      assertThat(file.mark("out\tput"))
          .isEqualTo(lines > 4 ? Long.valueOf(8) : lines > 3 ? 3L : null);
      assertThat(Files.readAllLines(cut)).hasSize(Math.max(1, lines));
    }
  }

  @Test
  void aLineThatWasChangedDoesNotCountNorWhatIsBehindIt() throws IOException {
    Path path = folder.resolve("journal");
    JournalFile _ = filled(path);
    Files.writeString(path, Files.readString(path).replace("\t3\n", "\t4\n"));
    JournalFile file = new JournalFile(path);
    file.catchUp();
    assertThat(file.mark("out\tput")).isNull();
    assertThat(Files.readAllLines(path)).hasSize(3);
  }

  /** A checksum keeps nobody out who writes one. */
  @Test
  void aLineThatCannotBeIsToldWithItsPlace() throws IOException {
    Path path = folder.resolve("journal");
    JournalFile file = filled(path);
    file.appendDone(FIRST, List.of(), Map.of());
    for (Progress run : List.of(new Progress(1_000, 1, true), new Progress(-1, 1, true))) {
      JournalFile writer = new JournalFile(path);
      writer.catchUp();
      byte[] before = Files.readAllBytes(path);
      assertThatThrownBy(() -> writer.appendDone(FIRST, List.of(run), Map.of()))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> new JournalFile(path).catchUp())
          .isInstanceOf(IOException.class)
          .hasMessageContaining("has a line that cannot be");
      Files.write(path, before);
    }
    assertThatThrownBy(() -> WorkPlan.decode("lines;0;5;0;1;GUIDED;;31 bytes"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void anOutputThatIsAnotherIsTold() throws IOException {
    JournalFile file = filled(folder.resolve("journal"));
    assertThat(file.mark("out\tput", "place")).isEqualTo(8);
    assertThat(file.mark("other", "place")).isNull();
    assertThatThrownBy(() -> file.mark("out\tput", "elsewhere"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("was place, and is elsewhere now");
  }

  @Test
  void aFileThatIsNoJournalIsLeftAlone() throws IOException {
    Path path = folder.resolve("letter");
    for (String content : List.of("Dear all,\n", "x", "00000000\tmpilock-work\t1\n")) {
      Files.writeString(path, content);
      assertThatThrownBy(() -> new JournalFile(path).catchUp())
          .isInstanceOf(IOException.class)
          .hasMessageContaining("letter is not a journal that this version of mpilock has written");
      assertThat(path).hasContent(content);
    }
  }

  @Test
  void aJournalThatShrinksIsTold() throws IOException {
    Path path = folder.resolve("journal");
    JournalFile file = filled(path);
    Files.writeString(path, "");
    assertThatThrownBy(file::catchUp)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("it was cut off or replaced while the job ran");
  }
}
