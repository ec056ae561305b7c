/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.channels.Channel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Objects;
import java.util.Vector;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One MPJ Express of two ranks, over two connections that have proven to be of the job.
 *
 * <p>Left alone, niodev opens two ports on all addresses, takes whoever connects first for its
 * peers, and believes what they say. Its set-up has one moment in which it can be helped: when it
 * has opened its ports and waits for a server, which it was told, to say where its peers are. Then
 * {@link #open} closes those ports, from which nobody was accepted yet, gives niodev the two
 * connections as if it had accepted them, and answers that there is nobody to connect to.
 */
final class MpjWorld {
  /** Above any frame: then niodev sends at once, and needs no thread and no answer for it. */
  private static final int SWITCH_LIMIT = 1 << 20;

  private static final int ACCEPT_MILLIS = 100;
  private static final long FIELD_MILLIS = 1000;

  private final MethodHandle init;
  private final MethodHandle realFinish;
  private final VarHandle world;
  private final VarHandle bytes;
  private final MethodHandle sender;
  private final MethodHandle receiver;
  private final VarHandle currentDevice;
  private final VarHandle clientSocket;
  private final VarHandle selector;
  private final VarHandle readable;
  private final VarHandle writable;
  private final VarHandle readableServer;
  private final VarHandle writableServer;

  // Known from open on.
  private @Nullable MethodHandle send;
  private @Nullable MethodHandle receive;
  private @Nullable Object device;

  /**
   * Binds all that is used.
   *
   * @throws ReflectiveOperationException if something is not there, so that it is another version
   */
  MpjWorld(ClassLoader loader) throws ReflectiveOperationException {
    Class<?> mpi = Class.forName("mpi.MPI", false, loader);
    Class<?> intracomm = Class.forName("mpi.Intracomm", false, loader);
    Class<?> datatype = Class.forName("mpi.Datatype", false, loader);
    Class<?> status = Class.forName("mpi.Status", false, loader);
    Class<?> xdev = Class.forName("xdev.Device", false, loader);
    Class<?> starter = Class.forName("mpjdev.javampjdev.MPJDev", false, loader);
    Class<?> niodev = Class.forName("xdev.niodev.NIODevice", false, loader);
    MethodHandles.Lookup open = MethodHandles.publicLookup();
    MethodHandles.Lookup inside = MethodHandles.privateLookupIn(niodev, MethodHandles.lookup());
    init = open.findStatic(mpi, "Init", MethodType.methodType(String[].class, String[].class));
    world = open.findStaticVarHandle(mpi, "COMM_WORLD", intracomm);
    bytes = open.findStaticVarHandle(mpi, "BYTE", datatype);
    MethodType message =
        MethodType.methodType(
            void.class, Object.class, int.class, int.class, datatype, int.class, int.class);
    sender = open.findVirtual(intracomm, "Send", message);
    receiver = open.findVirtual(intracomm, "Recv", message.changeReturnType(status));
    currentDevice = open.findStaticVarHandle(starter, "dev", xdev);
    realFinish = inside.findVirtual(niodev, "realFinish", MethodType.methodType(void.class));
    clientSocket = inside.findVarHandle(niodev, "clientSock", Socket.class);
    selector = inside.findVarHandle(niodev, "selector", Selector.class);
    readable = inside.findVarHandle(niodev, "readableChannels", Vector.class);
    writable = inside.findVarHandle(niodev, "writableChannels", Vector.class);
    readableServer =
        inside.findVarHandle(niodev, "readableServerChannel", ServerSocketChannel.class);
    writableServer =
        inside.findVarHandle(niodev, "writableServerChannel", ServerSocketChannel.class);
  }

  /**
   * Initialises MPJ Express. The peer must do so too, or this does not end well before the
   * deadline. On a daemon thread that nobody interrupts.
   *
   * @param rank this end's rank in the world, 0 or 1
   * @param in what the peer writes to
   * @param out what the peer reads from
   * @param deadline by {@link System#nanoTime()}
   * @throws IOException if it did not work in time
   */
  void open(int rank, SocketChannel in, SocketChannel out, long deadline) throws IOException {
    try (ServerSocket server = new ServerSocket(0, 0, InetAddress.getLoopbackAddress())) {
      String settings =
          "#Number of Processes;2;#Protocol Switch Limit;%d;#Server Name;%s;#Server Port;%d"
              .formatted(
                  SWITCH_LIMIT, server.getInetAddress().getHostAddress(), server.getLocalPort());
      String[] arguments = {Integer.toString(rank), settings, "niodev"};
      CompletableFuture<Void> initialised = new CompletableFuture<>();
      Thread.ofPlatform()
          .daemon()
          .name("mpilock-mpj-init")
          .start(() -> {
            try {
              String[] _ = (String[]) init.invokeExact(arguments);
              initialised.complete(null);
            } catch (Throwable e) {
              initialised.completeExceptionally(e);
            }
          });
      try (Socket client = acceptNiodev(server, initialised, deadline)) {
        client.setSoTimeout(millisTo(deadline));
        DataInputStream said = new DataInputStream(client.getInputStream());
        String _ = said.readUTF();
        said.skipNBytes(3 * Integer.BYTES); // its ports and its rank
        handOver(in, out);
        // It connects to those with a lower rank only: to nobody, if all have its own.
        String nobody = "-@1@1@" + rank + ";";
        new DataOutputStream(client.getOutputStream())
            .writeUTF("#Peer Information;" + nobody + nobody);
        Void _ =
            UninterruptedWait.uninterrupted(initialised, Duration.ofMillis(millisTo(deadline)));
      }
    } catch (ExecutionException | TimeoutException e) {
      throw new IOException("MPJ Express could not be initialised", e);
    }
    int peer = 1 - rank;
    Object type = bytes.get();
    send =
        MethodHandles.insertArguments(
            MethodHandles.insertArguments(sender.bindTo(world.get()), 3, type), 3, peer);
    receive =
        MethodHandles.insertArguments(
                MethodHandles.insertArguments(receiver.bindTo(world.get()), 3, type), 3, peer)
            .asType(send.type());
  }

  /** Waits for niodev to ask for its peers. Whoever else connects is told nothing. */
  private Socket acceptNiodev(
      ServerSocket server, CompletableFuture<Void> initialised, long deadline) throws IOException {
    server.setSoTimeout(ACCEPT_MILLIS);
    while (!initialised.isDone()) {
      try {
        Socket client = server.accept();
        if (isNiodevs(client)) {
          return client;
        }
        client.close();
      } catch (SocketTimeoutException e) {
        int _ = millisTo(deadline);
      }
    }
    throw new IOException("MPJ Express gave up before it asked for its peers");
  }

  /** Its socket is the other end of this one: no two connections have the same port here. */
  private boolean isNiodevs(Socket client) throws IOException {
    for (long waited = 0; waited < FIELD_MILLIS; waited++) {
      Object found = currentDevice.getVolatile();
      Socket own = found == null ? null : (Socket) clientSocket.getVolatile(found);
      if (own != null) {
        device = found;
        return own.getLocalPort() == client.getPort()
            && own.getLocalAddress().equals(client.getInetAddress());
      }
      try {
        Thread.sleep(1); // it is about to store it
      } catch (InterruptedException e) {
        throw new IOException("interrupted", e);
      }
    }
    return false;
  }

  private void handOver(SocketChannel in, SocketChannel out) throws IOException {
    Object niodev = device();
    ((Channel) writableServer.getVolatile(niodev)).close();
    ((Channel) readableServer.getVolatile(niodev)).close();
    in.configureBlocking(false);
    in.register((Selector) selector.getVolatile(niodev), SelectionKey.OP_READ);
    out.configureBlocking(true);
    add(readable, niodev, in);
    add(writable, niodev, out);
  }

  @SuppressWarnings({"unchecked", "JdkObsolete"}) // niodev's own type
  private static void add(VarHandle field, Object niodev, SocketChannel channel) {
    ((Vector<SocketChannel>) field.getVolatile(niodev)).add(channel);
  }

  /** Sends bytes to the peer. May hang after its death: for private threads. */
  void send(byte[] frame, int tag) throws IOException {
    try {
      opened(send).invokeExact((Object) frame, 0, frame.length, tag);
    } catch (Throwable e) {
      throw new IOException("MPJ Express could not send", e);
    }
  }

  /** Waits for as many bytes from the peer; for ever after its death: for private threads. */
  void receive(byte[] frame, int tag) throws IOException {
    try {
      opened(receive).invokeExact((Object) frame, 0, frame.length, tag);
    } catch (Throwable e) {
      throw new IOException("MPJ Express could not receive", e);
    }
  }

  /**
   * Closes the connections and ends niodev's thread, on this side alone: Finalize would wait for
   * the peer, and hang if that died.
   */
  void close() {
    try {
      realFinish.invoke(device());
    } catch (Throwable e) {
      System.getLogger("io.mpilock")
          .log(System.Logger.Level.DEBUG, "MPJ Express could not be closed", e);
    }
  }

  private Object device() {
    return Objects.requireNonNull(device, "not opened");
  }

  private static MethodHandle opened(@Nullable MethodHandle handle) {
    return Objects.requireNonNull(handle, "not opened");
  }

  private static int millisTo(long deadline) throws SocketTimeoutException {
    long millis = (deadline - System.nanoTime()) / 1_000_000;
    if (millis <= 0) {
      throw new SocketTimeoutException("MPJ Express was not initialised in time");
    }
    return (int) millis;
  }
}
