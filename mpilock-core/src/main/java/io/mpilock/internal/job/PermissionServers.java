/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The resources whose home is this node, as long as something is on record of them.
 *
 * <p>Of those that were dropped the highest token is kept. A name that returns begins with it: so
 * its tokens only grow, and go on by one if no other was higher.
 */
public final class PermissionServers {

  /** Makes the home of a resource. */
  @FunctionalInterface
  public interface Factory {
    /**
     * Makes it.
     *
     * @param resource the resource
     * @param token what its tokens begin with
     * @return a home of which nothing is on record
     */
    PermissionServer make(String resource, long token);
  }

  private final Map<String, PermissionServer> homes = new HashMap<>();
  private final Factory factory;
  private long highestDropped;

  /**
   * Begins with none.
   *
   * @param factory makes those that are needed
   */
  public PermissionServers(Factory factory) {
    this.factory = factory;
  }

  /**
   * Handles a message to the home of a resource, which is dropped when nothing is on record
   * afterwards, and the last node that had the name has given it back.
   *
   * @param resource the resource
   * @param message what the message does
   */
  public void tell(String resource, Consumer<? super PermissionServer> message) {
    PermissionServer home = homes.get(resource);
    if (home == null) {
      home = factory.make(resource, highestDropped);
      homes.put(resource, home);
    }
    message.accept(home);
    if (home.isRetired()) {
      highestDropped = Math.max(highestDropped, home.token());
      homes.remove(resource);
    }
  }

  /**
   * Gives the home of a resource, if anything is on record there.
   *
   * @param resource the resource
   * @return null if nothing is
   */
  public @Nullable PermissionServer known(String resource) {
    return homes.get(resource);
  }

  /**
   * Tells of how many resources something is on record.
   *
   * @return how many
   */
  public int size() {
    return homes.size();
  }
}
