/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Runs the scripts of a page, in Chromium. */
public final class Browser {
  private Browser() {}

  /** Gives the page as the scripts left it. */
  public static String draw(Path page) throws IOException, InterruptedException {
    Process chromium =
        new ProcessBuilder(
                "chromium",
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--virtual-time-budget=10000",
                "--dump-dom",
                page.toUri().toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String drawn = new String(chromium.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (chromium.waitFor() != 0) {
      throw new AssertionError("chromium ended with " + chromium.exitValue());
    }
    return drawn;
  }
}
