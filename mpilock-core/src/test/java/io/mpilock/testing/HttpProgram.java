/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A program of the Prometheus family, such as Debian installs them, that serves HTTP on the
 * loopback address.
 */
public final class HttpProgram implements AutoCloseable {
  private static final int OK = 200;
  private static final int POLL_MILLIS = 50;

  private final HttpClient client = HttpClient.newHttpClient();
  private final Process process;
  private final int port;

  private HttpProgram(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /**
   * Starts a program.
   *
   * @param log where what it says goes
   * @param command the program and its arguments, without the address
   * @return the program, which is ready
   * @throws IOException if it cannot be started
   * @throws InterruptedException if this thread was interrupted
   */
  public static HttpProgram start(Path log, String... command)
      throws IOException, InterruptedException {
    int port = FreePorts.one();
    List<String> words = new ArrayList<>(List.of(command));
    words.add("--web.listen-address=127.0.0.1:" + port);
    Process process =
        new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    HttpProgram program = new HttpProgram(process, port);
    try {
      while (!program.isReady()) {
        if (process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
          throw new AssertionError(command[0] + " has ended: " + Files.readString(log));
        }
      }
    } catch (IOException | InterruptedException | RuntimeException e) {
      process.destroy();
      throw e;
    }
    return program;
  }

  /**
   * Where it listens.
   *
   * @return host and port
   */
  public String address() {
    return "127.0.0.1:" + port;
  }

  /**
   * Asks.
   *
   * @param path what for, with its query
   * @return the answer
   * @throws IOException if there is none
   * @throws InterruptedException if this thread was interrupted
   */
  public HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create("http://" + address() + path)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private boolean isReady() throws IOException, InterruptedException {
    try {
      return get("/-/ready").statusCode() == OK;
    } catch (ConnectException notYet) {
      return false;
    }
  }

  @Override
  public void close() throws InterruptedException {
    process.destroy();
    process.waitFor();
  }
}
