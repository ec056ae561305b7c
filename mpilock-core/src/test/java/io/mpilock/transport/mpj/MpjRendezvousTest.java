/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import static io.mpilock.transport.mpj.JobInOneJvm.SECRET;
import static io.mpilock.transport.mpj.JobInOneJvm.rank;
import static io.mpilock.transport.mpj.JobInOneJvm.settings;
import static io.mpilock.transport.mpj.JobInOneJvm.start;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.testing.FreePorts;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.MpjSettings;
import io.mpilock.transport.TransportSettings;
import io.mpilock.transport.mpj.Hello.Purpose;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The ranks meet, strangers do not get in, and who is missing is named. */
@Timeout(120)
class MpjRendezvousTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Duration SHORT = Duration.ofSeconds(2);

  @Test
  void ranksMeetAmongStrangers() throws Exception {
    int port = FreePorts.one();
    CompletableFuture<Communicator> zero = start(rank(0, 3, settings(port, LONG)));
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    awaitListener(address);
    List<Socket> strangers = new ArrayList<>();
    Random random = new Random(1);
    try {
      // Silent ones, more than are borne at a time, so that some are dropped for others.
      for (int i = 0; i < 2 * Acceptor.MOST_PENDING; i++) {
        strangers.add(connect(address));
      }
      for (int i = 0; i < 50; i++) {
        Socket garbage = connect(address);
        strangers.add(garbage);
        byte[] bytes = new byte[1 + random.nextInt(5000)];
        random.nextBytes(bytes);
        try {
          garbage.getOutputStream().write(bytes);
        } catch (IOException e) {
          // It was turned away in the middle.
        }
      }
      // A length, and then a byte now and then.
      Socket slow = connect(address);
      strangers.add(slow);
      slow.getOutputStream().write(new byte[] {0, 0, 0, 58, 1});
      // One that knows how to say it, but not the token.
      assertThatThrownBy(() ->
              Calls.call(
                  address,
                  JobToken.of("another token of the same length"),
                  new Hello(Purpose.LIFELINE, 1, 3)))
          .isInstanceOf(NotAGateException.class)
          .hasMessageContaining("token");

      CompletableFuture<Communicator> one = start(rank(1, 3, settings(port, LONG)));
      CompletableFuture<Communicator> two = start(rank(2, 3, settings(port, LONG)));
      assertThat(two.get().rank()).isEqualTo(2);
      assertThat(one.get().size()).isEqualTo(3);
      assertThat(zero.get().member(2).pid()).isEqualTo(ProcessHandle.current().pid());
      assertThatThrownBy(() -> connect(address)).isInstanceOf(ConnectException.class);
      assertThat(slow.getInputStream().readAllBytes()).isNotNull(); // to its end
      closeAll(List.of(zero, one, two));
    } finally {
      for (Socket stranger : strangers) {
        stranger.close();
      }
    }
  }

  @Test
  void aStrangerHearsNothingButAChallenge() throws Exception {
    int port = FreePorts.one();
    CompletableFuture<Communicator> zero = start(rank(0, 2, settings(port, LONG)));
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    awaitListener(address);
    try (Socket stranger = connect(address)) {
      stranger.getOutputStream().write(ByteBuffer.allocate(5).putInt(1).array());
      InputStream in = stranger.getInputStream();
      assertThat(in.readAllBytes()).hasSize(4 + 8 + JobToken.NONCE_BYTES + 4 + 1);
    }
    closeAll(List.of(zero, start(rank(1, 2, settings(port, LONG)))));
  }

  @Test
  void whoeverListensInRankZerosPlaceDoesNotGetTheToken() throws Exception {
    try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      CompletableFuture<byte[]> heard =
          JobInOneJvm.supply(
              "impostor",
              () -> {
                try (Socket caller = server.accept()) {
                  ByteBuffer challenge = ByteBuffer.allocate(28).putInt(24);
                  challenge.putLong(0x6d70_696c_6f63_6b01L);
                  caller.getOutputStream().write(challenge.array());
                  byte[] hello = caller.getInputStream().readNBytes(62);
                  ByteBuffer welcome = ByteBuffer.allocate(4 + 33).putInt(33).put((byte) 1);
                  caller.getOutputStream().write(welcome.array());
                  return hello;
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              });
      StartupException e =
          failure(List.of(start(rank(1, 2, settings(server.getLocalPort(), LONG)))));
      assertThat(e).hasMessageContaining("does not know the job's token");
      assertThat(new String(heard.get(), java.nio.charset.StandardCharsets.ISO_8859_1))
          .doesNotContain(SECRET);
    }
  }

  @Test
  void missingRanksAreNamedToAll() throws Exception {
    int port = FreePorts.one();
    CompletableFuture<Communicator> zero = start(rank(0, 4, settings(port, SHORT)));
    CompletableFuture<Communicator> two = start(rank(2, 4, settings(port, SHORT)));
    for (StartupException e : List.of(failure(List.of(zero)), failure(List.of(two)))) {
      assertThat(e.problem()).isEqualTo(Problem.RANKS_MISSING);
      assertThat(e).hasMessageContaining("Ranks 1, 3 did not join within 2 s");
      assertThat(e).hasMessageContaining("127.0.0.1:" + port);
      assertThat(e.remedy()).contains("mpilock.mpj.timeout");
    }
  }

  @Test
  void aMissingRankZeroIsNamed() throws Exception {
    int port = FreePorts.one();
    StartupException e = failure(List.of(start(rank(1, 2, settings(port, SHORT)))));
    assertThat(e.problem()).isEqualTo(Problem.RANKS_MISSING);
    assertThat(e).hasMessageContaining("could not join rank 0").hasMessageContaining(":" + port);
  }

  @Test
  void aRankWithAnotherTokenIsToldAtOnce() throws Exception {
    int port = FreePorts.one();
    CompletableFuture<Communicator> zero = start(rank(0, 2, settings(port, LONG)));
    MpjSettings other =
        new MpjSettings(null, "127.0.0.1:" + port, "a token of its own, alas", null, LONG);
    awaitListener(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    StartupException e = failure(List.of(start(rank(1, 2, other))));
    assertThat(e).hasMessageContaining("does not accept this rank's token");
    closeAll(List.of(zero, start(rank(1, 2, settings(port, LONG)))));
  }

  @Test
  void twoProcessesOfOneRankEndTheStartOfAll() throws Exception {
    int port = FreePorts.one();
    List<StartupException> failures = new ArrayList<>();
    failures.add(
        failure(
            List.of(
                start(rank(0, 3, settings(port, LONG))),
                start(rank(1, 3, settings(port, LONG))),
                start(rank(1, 3, settings(port, LONG))))));
    assertThat(failures.getFirst())
        .hasMessageContaining("Two processes were told that they are rank 1");
    CompletableFuture<Communicator> zero = start(rank(0, 2, settings(port, SHORT)));
    CompletableFuture<Communicator> again = start(rank(0, 2, settings(port, SHORT)));
    assertThat(failure(List.of(zero)).getMessage() + failure(List.of(again)).getMessage())
        .contains("Rank 1 did not join", "Rank 0 on host", "cannot wait for the others");
  }

  /** The second would write over the file by which the others find the first. */
  @Test
  void twoFirstRanksByAFileEndTheStartOfBoth(@TempDir Path folder) throws Exception {
    MpjSettings settings =
        new MpjSettings(null, null, null, folder.resolve("meet").toString(), LONG);
    CompletableFuture<Communicator> zero = startByFile(settings);
    long start = System.nanoTime();
    while (!Files.exists(folder.resolve("meet").resolve("rendezvous-pmix-twice"))) {
      assertThat(System.nanoTime() - start).isLessThan(LONG.toNanos());
      Thread.sleep(1);
    }
    CompletableFuture<Communicator> again = startByFile(settings);
    for (CompletableFuture<Communicator> each : List.of(again, zero)) {
      assertThat(failure(List.of(each)))
          .hasMessageContaining("Two processes were told that they are rank 0");
    }
  }

  private static CompletableFuture<Communicator> startByFile(MpjSettings settings) {
    TransportSettings first = rank(0, 2, settings);
    JobEnvironment job = new JobEnvironment(Map.of("PMIX_NAMESPACE", "twice"));
    return JobInOneJvm.supply(
        "rank-0", () -> MpjRuntime.start(first, job, status -> {}).open(first));
  }

  @Test
  void anotherSizeEndsTheStartOfAll() throws Exception {
    int port = FreePorts.one();
    StartupException e =
        failure(
            List.of(
                start(rank(0, 3, settings(port, LONG))),
                start(rank(1, 2, settings(port, LONG))),
                start(rank(2, 3, settings(port, LONG)))));
    assertThat(e)
        .hasMessageContaining(
            "Rank 1 was told that the job has 2 ranks, but rank 0 was told that it has 3");
  }

  static Stream<Arguments> senseless() {
    return Stream.of(
        arguments("127.0.0.1:4711", null, "no token"),
        arguments("127.0.0.1:4711", "short", "at least 16"),
        arguments("127.0.0.1:0", SECRET, "between 1 and 65535"),
        arguments("127.0.0.1:99999", SECRET, "between 1 and 65535"),
        arguments("127.0.0.1:port", SECRET, "not HOST:PORT"),
        arguments("127.0.0.1", SECRET, "not HOST:PORT"),
        arguments(":4711", SECRET, "not HOST:PORT"),
        arguments("nowhere.invalid:4711", SECRET, "cannot be found: nowhere.invalid"),
        arguments(null, null, "mpilock.mpj.rendezvous is not set"));
  }

  @ParameterizedTest
  @MethodSource("senseless")
  void aRendezvousThatMakesNoSenseIsRefused(
      @Nullable String rendezvous, @Nullable String token, String named) {
    MpjSettings settings = new MpjSettings(null, rendezvous, token, null, LONG);
    StartupException e = failure(List.of(start(rank(0, 2, settings))));
    assertThat(e.problem()).isEqualTo(Problem.RENDEZVOUS_INVALID);
    assertThat(e).hasMessageContaining(named);
    assertThat(e.remedy()).contains("mpilock.mpj");
  }

  @Test
  void theTokenIsInNoMessage() {
    assertThat(new MpjSettings(null, null, SECRET, null, LONG).toString()).doesNotContain(SECRET);
    assertThat(JobToken.of(SECRET).toString()).doesNotContain(SECRET);
  }

  @Test
  void anAddressThatIsNotHereIsNamed() {
    MpjSettings settings = new MpjSettings(null, "192.0.2.1:4711", SECRET, null, LONG);
    StartupException e = failure(List.of(start(rank(0, 2, settings))));
    assertThat(e).hasMessageContaining("192.0.2.1").hasMessageContaining("cannot wait");
  }

  @Test
  void theFileIsTheUsersAloneAndGoneOnceAllHaveJoined(@TempDir Path parent) throws Exception {
    Path directory = parent.resolve("meet");
    Map<String, String> launcher =
        Map.of("PMIX_NAMESPACE", "job/../1", "OMPI_COMM_WORLD_LOCAL_SIZE", "2");
    Path file = directory.resolve("rendezvous-pmix-job_.._1");
    // What a crash left: nobody listens there any more.
    PrivateDirectory.open(directory);
    new RendezvousFile(directory, "pmix-job_.._1")
        .publish(InetAddress.getLoopbackAddress(), FreePorts.one(), JobToken.random());
    Path old = Files.createFile(directory.resolve("rendezvous-of-yore"));
    Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofDays(2))));
    MpjSettings settings = new MpjSettings(null, null, null, directory.toString(), LONG);
    CompletableFuture<Communicator> one = startWith(launcher, 1, settings);
    CompletableFuture<Communicator> zero = startWith(launcher, 0, settings);
    closeAll(List.of(zero, one));
    assertThat(directory).isEmptyDirectory();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
        .isEqualTo("rwx------");
    assertThat(file).doesNotExist();
  }

  @Test
  void theFileCanBeReadByNobodyElse(@TempDir Path parent) throws Exception {
    Path directory = PrivateDirectory.open(parent.resolve("meet"));
    RendezvousFile file = new RendezvousFile(directory, "job");
    JobToken token = JobToken.random();
    file.publish(InetAddress.getLoopbackAddress(), 4711, token);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.path())))
        .isEqualTo("rw-------");
    assertThat(file.read().orElseThrow().token().text()).isEqualTo(token.text());
    file.withdraw(JobToken.random()); // that of another job
    assertThat(file.path()).exists();
    file.withdraw(token);
    assertThat(file.path()).doesNotExist();
    assertThat(file.read()).isEmpty();
  }

  /**
   * A client of NFS believes for up to a minute that the file is not there, unless the directory is
   * listed. That sets when it was last read, which looking for a name does not.
   */
  @Test
  void eachLookListsTheDirectory(@TempDir Path parent) throws Exception {
    Path directory = PrivateDirectory.open(parent.resolve("meet"));
    RendezvousFile file = new RendezvousFile(directory, "job");
    BasicFileAttributeView times =
        Files.getFileAttributeView(directory, BasicFileAttributeView.class);
    for (int look = 0; look < 2; look++) {
      FileTime yore = FileTime.from(Instant.now().minus(Duration.ofDays(2)));
      times.setTimes(null, yore, null);
      assertThat(Files.exists(file.path())).isFalse();
      assertThat(times.readAttributes().lastAccessTime())
          .isLessThan(FileTime.from(Instant.now().minus(Duration.ofDays(1))));
      assertThat(file.read()).isEmpty();
      assertThat(times.readAttributes().lastAccessTime())
          .isGreaterThan(FileTime.from(Instant.now().minus(Duration.ofDays(1))));
    }
  }

  @Test
  void aFileThatIsNoneOfOursIsNotRead(@TempDir Path parent) throws Exception {
    Path directory = PrivateDirectory.open(parent.resolve("meet"));
    RendezvousFile file = new RendezvousFile(directory, "job");
    for (String text : List.of("", "garbage", "mpilock rendezvous 1\nx\n99999999\ny\n")) {
      Files.writeString(file.path(), text);
      assertThatThrownBy(file::read).isInstanceOf(IOException.class);
    }
    Files.delete(file.path());
    Path elsewhere = Files.writeString(parent.resolve("elsewhere"), "mpilock rendezvous 1\n");
    Files.createSymbolicLink(file.path(), elsewhere);
    assertThatThrownBy(file::read).isInstanceOf(IOException.class);
  }

  @Test
  void aDirectoryThatOthersCanChangeIsRefused(@TempDir Path parent) throws Exception {
    Path open =
        Files.createDirectory(
            parent.resolve("open"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
    Path link = Files.createSymbolicLink(parent.resolve("link"), parent);
    Path plain = Files.createFile(parent.resolve("plain"));
    Path below = parent.resolve("not").resolve("there");
    for (Path path : List.of(open, link, plain, below)) {
      StartupException e =
          catchThrowableOfType(StartupException.class, () -> PrivateDirectory.open(path));
      assertThat(e.problem()).isEqualTo(Problem.RENDEZVOUS_INVALID);
      assertThat(e).hasMessageContaining(path.toString());
    }
  }

  private static CompletableFuture<Communicator> startWith(
      Map<String, String> environment, int rank, MpjSettings settings) {
    return JobInOneJvm.supply(
        "rank-" + rank,
        () ->
            MpjRuntime.start(rank(rank, 2, settings), new JobEnvironment(environment), status -> {})
                .open(rank(rank, 2, settings)));
  }

  /** Closes ranks, which wait for each other in it. */
  private static void closeAll(List<CompletableFuture<Communicator>> ranks) {
    List<CompletableFuture<Void>> closing =
        ranks.stream()
            .map(rank ->
                JobInOneJvm.<@Nullable Void>supply(
                    "close",
                    () -> {
                      rank.join().close();
                      return null;
                    }))
            .map(done -> done.thenAccept(ignored -> {}))
            .toList();
    closing.forEach(CompletableFuture::join);
  }

  /** All fail, and with the same message if there are several. */
  private static StartupException failure(List<CompletableFuture<Communicator>> ranks) {
    @Nullable StartupException first = null;
    for (CompletableFuture<Communicator> rank : ranks) {
      CompletionException e = catchThrowableOfType(CompletionException.class, rank::join);
      if (e != null && e.getCause() instanceof StartupException startup) {
        first = first == null ? startup : first;
      } else {
        throw new AssertionError("no such failure", e);
      }
    }
    return java.util.Objects.requireNonNull(first);
  }

  private static Socket connect(InetSocketAddress address) throws IOException {
    Socket socket = new Socket();
    try {
      socket.connect(address, 5000);
    } catch (IOException e) {
      socket.close();
      throw e;
    }
    return socket;
  }

  private static void awaitListener(InetSocketAddress address) {
    while (true) {
      try (Socket _ = connect(address)) {
        return;
      } catch (IOException e) {
        Thread.onSpinWait();
      }
    }
  }
}
