/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Wakes the agents of other nodes, which MPI cannot, and tells when their process has ended, which
 * MPI does not: a TCP connection between each two processes that send frames to each other. The
 * kernel of a process that ends closes its connections, so the others hear of it at once.
 *
 * <pre>
 *   higher rank                                       lower rank
 *     its addresses        (a frame over MPI)   --->    looks which of its own lead there, listens
 *     connects             (a frame over MPI)   <---    those, with their ports and a random token
 *     token                (the connection)     --->    looks at it, listens no longer
 *     connected            (the connection)     <---    RING
 *                          RING, or BYE         <-->
 * </pre>
 *
 * <p>Where that does not work, as with a firewall between the hosts or without a network beside
 * MPI's own, there is no connection and nobody is told but the log at DEBUG: then MPI is asked more
 * often.
 *
 * <p>Nothing that comes over a connection is content: bytes can only wake, at most once a
 * millisecond however many come, which is what polling costs. Sockets listen on those addresses
 * only that lead to a process that was invited, until it has come and at most for {@value
 * #LISTEN_SECONDS} seconds.
 */
final class Doorbell implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("io.mpilock");

  private static final byte RING = 1;
  private static final byte BYE = 2;

  private static final int TOKEN_BYTES = 16;
  private static final int MOST_PLACES = 4;
  private static final int MOST_STRANGERS = 64;
  private static final int LISTEN_SECONDS = 15;
  private static final long LISTEN_NANOS = LISTEN_SECONDS * 1_000_000_000L;
  private static final long CONNECT_NANOS = 3_000_000_000L;
  private static final long GAP_NANOS = 1_000_000;
  private static final long END_MILLIS = 1_000;

  /**
   * For so long after one ring no other is sent: who was woken stays awake for longer (see {@link
   * NativeMessenger#pollNanos}).
   */
  private static final long QUIET_NANOS = 5_000_000;

  private enum State {
    /** Nothing was done about it yet. */
    NEW,
    /** One of the two has asked the other over MPI. */
    COMING,
    CONNECTED,
    /** There is no connection, and will be none. */
    NONE,
    /** It was connected, and the connection ended without a word. */
    CUT_OFF
  }

  private static final class Peer {
    private final int rank;
    private volatile State state = State.NEW;
    private volatile @Nullable SocketChannel channel;
    private volatile long rang;

    /** What the higher rank shows, as long as it is expected; empty before and after. */
    private volatile byte[] token = {};

    private volatile long deadline;

    /** Where else it may be reached; used by the doorbell's thread only. */
    private final Deque<InetSocketAddress> places = new ArrayDeque<>();

    Peer(int rank) {
      this.rank = rank;
    }
  }

  /** Somebody has connected, and has not shown a token yet. */
  private static final class Stranger {
    private final ByteBuffer shown = ByteBuffer.allocate(TOKEN_BYTES);
    private final long deadline;

    Stranger(long deadline) {
      this.deadline = deadline;
    }
  }

  private final int self;
  private final SecureRandom random = new SecureRandom();
  private final Map<Integer, Peer> peers = new ConcurrentHashMap<>();
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final Selector selector;
  private final Thread thread;
  private volatile long lastRing = System.nanoTime() - GAP_NANOS;
  private volatile boolean closed;

  /** By their own address; guarded by this map. */
  private final Map<InetAddress, ServerSocketChannel> open = new HashMap<>();

  private final ByteBuffer in = ByteBuffer.allocateDirect(256); // the doorbell's thread only
  private boolean rings;
  private boolean outside;

  /**
   * Begins without a connection.
   *
   * @param self this process's rank in the world
   */
  Doorbell(int self) throws IOException {
    this.self = self;
    selector = Selector.open();
    thread = new Thread(null, this::run, "mpilock-doorbell", 0, false);
    thread.setDaemon(true);
    thread.setContextClassLoader(null); // outlives the application that first used it
    thread.start();
  }

  /** Calls a listener whenever somebody rings, or a connection ends. */
  void add(Runnable listener) {
    listeners.add(listener);
  }

  void remove(Runnable listener) {
    listeners.remove(listener);
  }

  private Peer peer(int rank) {
    return peers.computeIfAbsent(rank, Peer::new);
  }

  // Over MPI, by a messenger's thread.

  /**
   * What is to be sent to a process before the first frame.
   *
   * @param rank its rank in the world
   * @return the frame, or null if it is not for this one to begin, or was sent before
   */
  @Nullable ByteBuffer greet(int rank) {
    Peer peer = peer(rank);
    synchronized (open) {
      if (rank > self || peer.state != State.NEW) {
        return null;
      }
      peer.state = State.COMING;
    }
    ByteBuffer frame = ByteBuffer.allocate(256);
    try {
      Places.put(frame, Places.ofThisHost());
      return frame.flip();
    } catch (IOException | RuntimeException e) {
      giveUp(peer, e);
      return null;
    }
  }

  /**
   * A process of a higher rank has said where it is: invites it.
   *
   * @return the frame for it
   */
  ByteBuffer invite(int rank, ByteBuffer greeting) {
    Peer peer = peer(rank);
    ByteBuffer frame = ByteBuffer.allocate(256);
    byte[] token = new byte[TOKEN_BYTES];
    random.nextBytes(token);
    frame.put(token);
    List<InetSocketAddress> places = new ArrayList<>();
    try {
      Set<InetAddress> towards = Places.towards(Places.get(greeting));
      synchronized (open) { // the thread closes what it sees nobody expected at
        if (peer.state == State.NEW && !closed) {
          peer.deadline = System.nanoTime() + LISTEN_NANOS;
          peer.token = token;
          peer.state = State.COMING;
          for (InetAddress own : towards) {
            if (places.size() < MOST_PLACES) {
              places.add(listen(own));
            }
          }
          if (places.isEmpty()) {
            giveUp(peer, null);
          }
        }
      }
    } catch (IOException | RuntimeException e) {
      giveUp(peer, e);
      places.clear();
    }
    Places.put(frame, places);
    return frame.flip();
  }

  /** A process of a lower rank tells where it may be reached. */
  void accept(int rank, ByteBuffer invitation) {
    Peer peer = peer(rank);
    try {
      byte[] token = new byte[TOKEN_BYTES];
      invitation.get(token);
      List<InetSocketAddress> places = Places.get(invitation);
      post(() -> {
        if (peer.state == State.COMING && peer.channel == null) {
          peer.token = token;
          peer.places.addAll(places);
          connect(peer);
        }
      });
    } catch (RuntimeException e) {
      giveUp(peer, e);
    }
  }

  private InetSocketAddress listen(InetAddress own) throws IOException {
    ServerSocketChannel known = open.get(own);
    if (known != null) {
      return (InetSocketAddress) known.getLocalAddress();
    }
    ServerSocketChannel channel = ServerSocketChannel.open();
    try {
      channel.configureBlocking(false);
      channel.bind(new InetSocketAddress(own, 0), MOST_STRANGERS);
      open.put(own, channel);
      post(() -> register(channel, SelectionKey.OP_ACCEPT, null));
      return (InetSocketAddress) channel.getLocalAddress();
    } catch (IOException | RuntimeException e) {
      close(channel);
      throw e;
    }
  }

  /**
   * Wakes a process, if it may be asleep; never waits.
   *
   * @param rank its rank in the world
   */
  void ring(int rank) {
    Peer peer = peers.get(rank);
    SocketChannel channel = peer == null ? null : peer.channel;
    if (peer == null || channel == null || peer.state != State.CONNECTED) {
      return;
    }
    long now = System.nanoTime();
    if (now - peer.rang < QUIET_NANOS) {
      return;
    }
    peer.rang = now;
    write(channel, RING);
  }

  /** If it is full, there is more than enough to wake by; if it is broken, reading tells. */
  private static void write(SocketChannel channel, byte what) {
    try {
      int _ = channel.write(ByteBuffer.wrap(new byte[] {what}));
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "A doorbell could not be rung", e);
    }
  }

  /** Whether a process can wake this one. */
  boolean isConnected(int rank) {
    Peer peer = peers.get(rank);
    return peer != null && peer.state == State.CONNECTED;
  }

  /** Whether it has yet to turn out whether it can. */
  boolean isComing(int rank) {
    Peer peer = peers.get(rank);
    return peer == null || peer.state == State.NEW || peer.state == State.COMING;
  }

  /** Whether a connection has ended without a word, as when a process is killed. */
  boolean isCutOff(int rank) {
    Peer peer = peers.get(rank);
    return peer != null && peer.state == State.CUT_OFF;
  }

  /** How long ago somebody rang. */
  long nanosSinceRing() {
    return System.nanoTime() - lastRing;
  }

  /** Says goodbye to all, and ends. Waits for no other process. */
  @Override
  public void close() {
    closed = true;
    selector.wakeup();
    try {
      thread.join(END_MILLIS); // or the process may end before it has said so
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // The thread.

  private void post(Runnable task) {
    tasks.add(task);
    selector.wakeup();
  }

  private void run() {
    try {
      while (!closed) {
        selector.select(this::handle, millisToDeadline());
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
          task.run();
        }
        lookAtDeadlines();
        if (rings) {
          rings = false;
          lastRing = System.nanoTime();
          tell();
        }
        if (outside) {
          outside = false;
          LockSupport.parkNanos(GAP_NANOS); // however much there comes
        }
      }
    } catch (IOException | ClosedSelectorException e) {
      LOG.log(System.Logger.Level.DEBUG, "The doorbell ends", e);
    } catch (RuntimeException | Error e) {
      LOG.log(System.Logger.Level.WARNING, "The doorbell ends: nodes are woken by polling", e);
    } finally {
      end();
    }
  }

  private void tell() {
    for (Runnable listener : listeners) {
      try {
        listener.run();
      } catch (RuntimeException e) {
        LOG.log(System.Logger.Level.DEBUG, "The doorbell has no listener", e);
      }
    }
  }

  private void end() {
    closed = true;
    for (Peer peer : peers.values()) {
      SocketChannel channel = peer.channel;
      if (channel != null && peer.state == State.CONNECTED) {
        write(channel, BYE);
      }
      peer.state = State.NONE;
      close(channel);
    }
    closeListeners();
    for (SelectionKey key : List.copyOf(selector.keys())) {
      close(key.channel());
    }
    close(selector);
    tell();
  }

  private static void close(@Nullable AutoCloseable what) {
    if (what != null) {
      try {
        what.close();
      } catch (Exception e) {
        LOG.log(System.Logger.Level.DEBUG, "A doorbell's socket could not be closed", e);
      }
    }
  }

  private void closeListeners() {
    synchronized (open) {
      open.values().forEach(Doorbell::close);
      open.clear();
    }
  }

  private void register(SelectableChannel channel, int interest, @Nullable Object attachment) {
    try {
      channel.configureBlocking(false);
      SelectionKey _ = channel.register(selector, interest, attachment);
    } catch (IOException e) {
      close(channel);
    }
  }

  private void handle(SelectionKey key) {
    outside = true;
    try {
      if (key.isAcceptable()) {
        admit((ServerSocketChannel) key.channel());
      } else if (key.attachment() instanceof Stranger stranger) {
        identify((SocketChannel) key.channel(), stranger);
      } else if (key.attachment() instanceof Peer peer) {
        if (key.isConnectable()) {
          present((SocketChannel) key.channel(), peer, key);
        } else {
          hear((SocketChannel) key.channel(), peer);
        }
      }
    } catch (IOException | CancelledKeyException e) {
      close(key.channel());
      if (key.attachment() instanceof Peer peer) {
        ended(peer, e);
      }
    }
  }

  // The lower rank.

  private void admit(ServerSocketChannel listener) throws IOException {
    SocketChannel channel = listener.accept();
    if (channel == null) {
      return;
    }
    long strangers =
        selector.keys().stream().filter(key -> key.attachment() instanceof Stranger).count();
    if (strangers >= MOST_STRANGERS) {
      close(channel);
    } else {
      register(channel, SelectionKey.OP_READ, new Stranger(System.nanoTime() + CONNECT_NANOS));
    }
  }

  private void identify(SocketChannel channel, Stranger stranger) throws IOException {
    if (channel.read(stranger.shown) < 0) {
      close(channel);
    } else if (!stranger.shown.hasRemaining()) {
      for (Peer peer : peers.values()) {
        if (peer.rank > self
            && peer.state == State.COMING
            && MessageDigest.isEqual(peer.token, stranger.shown.array())) {
          register(channel, SelectionKey.OP_READ, peer);
          connected(peer, channel);
          write(channel, RING);
          return;
        }
      }
      close(channel);
    }
  }

  private void connected(Peer peer, SocketChannel channel) throws IOException {
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    peer.token = new byte[0];
    peer.channel = channel;
    peer.state = State.CONNECTED;
    LOG.log(System.Logger.Level.DEBUG, "Rank {0} can be woken, by {1}", peer.rank, channel);
    tell();
  }

  // The higher rank.

  private void connect(Peer peer) {
    for (InetSocketAddress place = peer.places.poll(); place != null; place = peer.places.poll()) {
      SocketChannel channel = null;
      try {
        channel = SocketChannel.open();
        channel.configureBlocking(false);
        peer.deadline = System.nanoTime() + CONNECT_NANOS;
        boolean _ = channel.connect(place);
        peer.channel = channel;
        register(channel, SelectionKey.OP_CONNECT, peer);
        return;
      } catch (IOException | RuntimeException e) {
        LOG.log(System.Logger.Level.DEBUG, "A doorbell cannot be reached", e);
        close(channel);
      }
    }
    giveUp(peer, null);
  }

  private static void present(SocketChannel channel, Peer peer, SelectionKey key)
      throws IOException {
    if (channel.finishConnect()) {
      int _ = channel.write(ByteBuffer.wrap(peer.token)); // fits into an empty buffer
      key.interestOps(SelectionKey.OP_READ);
    }
  }

  private void hear(SocketChannel channel, Peer peer) throws IOException {
    int bytes = channel.read(in.clear());
    if (bytes < 0) {
      throw new IOException("the connection was closed");
    }
    if (peer.state == State.COMING && bytes > 0) {
      connected(peer, channel); // the lower rank has found the token right
    }
    for (int i = 0; i < bytes; i++) {
      if (in.get(i) == BYE) {
        close(channel);
        giveUp(peer, null);
        return;
      }
    }
    rings |= bytes > 0;
  }

  // Both.

  private void ended(Peer peer, Exception why) {
    if (peer.state == State.CONNECTED) {
      peer.state = State.CUT_OFF;
      LOG.log(System.Logger.Level.DEBUG, "The connection to rank " + peer.rank + " ended", why);
      tell();
    } else if (peer.state == State.COMING) {
      connect(peer); // elsewhere
    }
  }

  private void giveUp(Peer peer, @Nullable Exception why) {
    peer.state = State.NONE;
    LOG.log(System.Logger.Level.DEBUG, "Rank " + peer.rank + " cannot be woken", why);
    tell();
  }

  private boolean isPending(Peer peer) {
    return peer.state == State.COMING && peer.token.length > 0;
  }

  private long millisToDeadline() {
    boolean pending = peers.values().stream().anyMatch(this::isPending);
    synchronized (open) {
      return pending || !open.isEmpty() ? 500 : 0;
    }
  }

  private void lookAtDeadlines() {
    long now = System.nanoTime();
    for (Peer peer : peers.values()) {
      if (isPending(peer) && now - peer.deadline >= 0) {
        if (peer.rank > self) {
          giveUp(peer, null);
        } else {
          close(peer.channel);
          connect(peer);
        }
      }
    }
    synchronized (open) {
      if (peers.values().stream().noneMatch(peer -> peer.rank > self && isPending(peer))) {
        closeListeners();
      }
    }
    for (SelectionKey key : List.copyOf(selector.keys())) {
      if (key.attachment() instanceof Stranger stranger && now - stranger.deadline >= 0) {
        close(key.channel());
      }
    }
  }
}
