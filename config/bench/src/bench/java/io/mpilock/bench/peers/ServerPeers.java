/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench.peers;

import com.hazelcast.client.HazelcastClient;
import com.hazelcast.client.config.ClientConfig;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.map.IMap;
import com.zaxxer.hikari.HikariDataSource;
import io.mpilock.bench.peers.Peer.Entering;
import io.mpilock.bench.peers.Peer.Reach;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.concurrent.locks.Lock;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.redisson.Redisson;
import org.redisson.api.RReadWriteLock;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;
import org.springframework.integration.jdbc.lock.DefaultLockRepository;
import org.springframework.integration.jdbc.lock.JdbcLockRegistry;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;

/** Locks that a server on the loopback address keeps, each used as its manual shows, unchanged. */
final class ServerPeers {
  private static final long ADVISORY_KEY = 42;

  private ServerPeers() {}

  static Peer redisson(int port) {
    Config config = new Config();
    config.useSingleServer().setAddress("redis://127.0.0.1:" + port);
    RedissonClient client = Redisson.create(config);
    RReadWriteLock lock = client.getReadWriteLock("bench");
    return new Peer(
        "Redisson RReadWriteLock, Redis",
        Reach.RANKS,
        entering(lock.writeLock()),
        entering(lock.readLock()),
        client::shutdown);
  }

  static Peer curator(int port) throws InterruptedException {
    CuratorFramework client =
        CuratorFrameworkFactory.newClient(
            "127.0.0.1:" + port, new ExponentialBackoffRetry(1000, 3));
    client.start();
    client.blockUntilConnected();
    InterProcessReadWriteLock lock = new InterProcessReadWriteLock(client, "/bench");
    return new Peer(
        "Curator InterProcessReadWriteLock, ZooKeeper",
        Reach.RANKS,
        entering(lock.writeLock()),
        entering(lock.readLock()),
        client);
  }

  static Peer hazelcast(int port) {
    ClientConfig config = new ClientConfig();
    config.setClusterName(HazelcastServer.CLUSTER);
    config.setProperty("hazelcast.logging.type", "slf4j");
    config.getNetworkConfig().addAddress("127.0.0.1:" + port);
    HazelcastInstance client = HazelcastClient.newHazelcastClient(config);
    IMap<String, String> map = client.getMap("bench");
    return new Peer(
        "Hazelcast IMap.lock, one member",
        Reach.RANKS,
        (count, inside) -> {
          for (int i = 0; i < count; i++) {
            map.lock("bench");
            try {
              inside.run();
            } finally {
              map.unlock("bench");
            }
          }
        },
        null,
        client::shutdown);
  }

  static Peer advisory(String url) throws SQLException {
    Connection connection = DriverManager.getConnection(url);
    return new Peer(
        "pg_advisory_lock, PostgreSQL",
        Reach.RANKS,
        advisory(connection, ""),
        advisory(connection, "_shared"),
        connection);
  }

  private static Entering advisory(Connection connection, String form) throws SQLException {
    PreparedStatement lock = statement(connection, "pg_advisory_lock" + form);
    PreparedStatement unlock = statement(connection, "pg_advisory_unlock" + form);
    return (count, inside) -> {
      for (int i = 0; i < count; i++) {
        lock.execute();
        try {
          inside.run();
        } finally {
          unlock.execute();
        }
      }
    };
  }

  private static PreparedStatement statement(Connection connection, String function)
      throws SQLException {
    PreparedStatement statement = connection.prepareStatement("select " + function + "(?)");
    statement.setLong(1, ADVISORY_KEY);
    return statement;
  }

  static Peer jdbcRegistry(String url) {
    HikariDataSource pool = new HikariDataSource();
    pool.setJdbcUrl(url);
    DefaultLockRepository repository = new DefaultLockRepository(pool);
    repository.setTransactionManager(new DataSourceTransactionManager(pool));
    repository.afterPropertiesSet();
    repository.afterSingletonsInstantiated();
    repository.start();
    Lock lock = new JdbcLockRegistry(repository).obtain("bench");
    return new Peer(
        "JdbcLockRegistry, PostgreSQL",
        Reach.RANKS,
        entering(lock),
        null,
        () -> {
          repository.close();
          pool.close();
        });
  }

  private static Entering entering(Lock lock) {
    return (count, inside) -> {
      for (int i = 0; i < count; i++) {
        lock.lock();
        try {
          inside.run();
        } finally {
          lock.unlock();
        }
      }
    };
  }

  private static Entering entering(InterProcessMutex lock) {
    return (count, inside) -> {
      for (int i = 0; i < count; i++) {
        lock.acquire();
        try {
          inside.run();
        } finally {
          lock.release();
        }
      }
    };
  }
}
