/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.arjuna.ats.arjuna.common.ObjectStoreEnvironmentBean;
import com.arjuna.ats.internal.arjuna.objectstore.VolatileStore;
import com.arjuna.common.internal.util.propertyservice.BeanPopulator;
import io.mpilock.LocalRanks;
import io.mpilock.LockListener;
import io.mpilock.LockMode;
import io.mpilock.WriteLease;
import io.mpilock.spring.test.RankContextRunner;
import io.mpilock.testing.MariaDbServer;
import io.mpilock.testing.PostgresServer;
import jakarta.persistence.Entity;
import jakarta.persistence.EntityManager;
import jakarta.persistence.EntityManagerFactory;
import jakarta.persistence.Id;
import jakarta.transaction.RollbackException;
import jakarta.transaction.Synchronization;
import jakarta.transaction.SystemException;
import jakarta.transaction.Transaction;
import jakarta.transaction.TransactionManager;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.LinkedBlockingQueue;
import javax.sql.DataSource;
import javax.sql.XAConnection;
import javax.sql.XADataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.h2.tools.Server;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.mariadb.jdbc.MariaDbDataSource;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.AbstractDataSource;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;
import org.springframework.orm.jpa.SharedEntityManagerCreator;
import org.springframework.orm.jpa.vendor.HibernateJpaVendorAdapter;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.jta.JtaTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Ranks that read a number, add 1 and write it, under the lock and in a transaction: what keeping a
 * write until the commit is for. Without it they lose about half.
 */
@Timeout(150)
class KeptWritesDatabaseTests {
  private static final int TIMES = 100;
  private static final int[] ONE_NODE = {4};
  private static final int[] TWO_NODES = {2, 2};

  @TempDir private Path folder;

  /** Narayana keeps no log: what is to be committed in two phases here has one participant. */
  @BeforeAll
  static void logNothing() {
    for (String store : new String[] {"default", "stateStore", "communicationStore"}) {
      BeanPopulator.getNamedInstance(
              ObjectStoreEnvironmentBean.class, store.equals("default") ? null : store)
          .setObjectStoreType(VolatileStore.class.getName());
    }
  }

  private static JdbcDataSource h2() {
    JdbcDataSource dataSource = new JdbcDataSource();
    dataSource.setUrl("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
    return dataSource;
  }

  private static MariaDbDataSource mariaDb(MariaDbServer server) throws SQLException {
    MariaDbDataSource dataSource = new MariaDbDataSource(server.url());
    dataSource.setUser(MariaDbServer.USER);
    dataSource.setPassword(server.password());
    return dataSource;
  }

  @Test
  void onPostgresNothingIsLost() throws Exception {
    try (PostgresServer server = PostgresServer.start()) {
      PGSimpleDataSource dataSource = new PGSimpleDataSource();
      dataSource.setUrl(server.url());
      dataSource.setUser(PostgresServer.USER);
      dataSource.setPassword(server.password());
      assertThat(count(dataSource, ONE_NODE)).isEqualTo(4 * TIMES);
      assertThat(count(dataSource, TWO_NODES)).isEqualTo(4 * TIMES);
    }
  }

  /** Its transactions read from a snapshot: which is made by the first read, inside the lock. */
  @Test
  void onMariaDbNothingIsLost() throws Exception {
    try (MariaDbServer server = MariaDbServer.start()) {
      MariaDbDataSource dataSource = mariaDb(server);
      assertThat(count(dataSource, ONE_NODE)).isEqualTo(4 * TIMES);
      assertThat(count(dataSource, TWO_NODES)).isEqualTo(4 * TIMES);
    }
  }

  /** A transaction that has read before it takes the lock sees what was there before others. */
  @Test
  void onMariaDbASnapshotMayBeOlderThanTheLock() throws Exception {
    try (MariaDbServer server = MariaDbServer.start()) {
      DataSource dataSource = mariaDb(server);
      JdbcTemplate jdbc = new JdbcTemplate(dataSource);
      LocalRanks.run(
          1,
          controller -> {
            LockTemplate locks = LockTemplate.of(controller);
            TransactionTemplate transaction =
                new TransactionTemplate(new JdbcTransactionManager(dataSource));
            for (int isolation :
                new int[] {
                  TransactionDefinition.ISOLATION_DEFAULT,
                  TransactionDefinition.ISOLATION_READ_COMMITTED
                }) {
              prepare(jdbc);
              transaction.setIsolationLevel(isolation);
              transaction.executeWithoutResult(_ -> {
                assertThat(read(jdbc)).isZero();
                elsewhere(() ->
                    transaction.executeWithoutResult(_ ->
                        locks.writeWithoutResult(() -> jdbc.update("update counted set n = 1"))));
                locks.writeWithoutResult(() -> {
                  boolean stale = isolation == TransactionDefinition.ISOLATION_DEFAULT;
                  assertThat(read(jdbc)).isEqualTo(stale ? 0 : 1);
                  assertThat(jdbc.queryForObject("select n from counted for update", Integer.class))
                      .isEqualTo(1);
                });
              });
            }
          });
    }
  }

  private static void elsewhere(Runnable body) {
    CompletableFuture.runAsync(body).join();
  }

  @Test
  void onAServerOfH2NothingIsLost() throws Exception {
    Server server =
        Server.createTcpServer("-tcpPort", "0", "-ifNotExists", "-baseDir", folder.toString())
            .start();
    try {
      JdbcDataSource dataSource = new JdbcDataSource();
      dataSource.setUrl("jdbc:h2:tcp://localhost:" + server.getPort() + "/./counted");
      dataSource.setUser("sa");
      assertThat(count(dataSource, ONE_NODE)).isEqualTo(4 * TIMES);
      assertThat(count(dataSource, TWO_NODES)).isEqualTo(4 * TIMES);
    } finally {
      server.stop();
    }
  }

  private static void prepare(JdbcTemplate jdbc) {
    jdbc.execute("drop table if exists counted");
    jdbc.execute("create table counted (id int primary key, n int)");
    jdbc.update("insert into counted values (1, 0)");
  }

  private static int count(DataSource dataSource, int... ranksPerNode) {
    JdbcTemplate jdbc = new JdbcTemplate(dataSource);
    prepare(jdbc);
    count(
        new JdbcTransactionManager(dataSource),
        () -> jdbc.update("update counted set n = ?", read(jdbc) + 1),
        ranksPerNode);
    return read(jdbc);
  }

  private static void count(
      PlatformTransactionManager manager, Runnable increment, int... ranksPerNode) {
    TransactionTemplate transaction = new TransactionTemplate(manager);
    new RankContextRunner()
        .withNodes(ranksPerNode)
        .withPropertyValues("mpilock.report.enabled=false")
        .run(rank -> {
          LockTemplate locks = rank.locks().on("counted");
          for (int i = 0; i < TIMES; i++) {
            transaction.executeWithoutResult(_ -> locks.writeWithoutResult(increment::run));
          }
        });
  }

  private static int read(JdbcTemplate jdbc) {
    Integer n = jdbc.queryForObject("select n from counted", Integer.class);
    return Objects.requireNonNull(n);
  }

  /** What ranks add to. */
  @Entity(name = "counted")
  static class Counted {
    @Id private int id;
    private int n;

    @Override
    public String toString() {
      return id + ": " + n;
    }
  }

  /** Its changes are written by the commit alone. */
  @Test
  void withJpaNothingIsLost() {
    JdbcDataSource dataSource = h2();
    prepare(new JdbcTemplate(dataSource));
    LocalContainerEntityManagerFactoryBean made = new LocalContainerEntityManagerFactoryBean();
    made.setDataSource(dataSource);
    made.setJpaVendorAdapter(new HibernateJpaVendorAdapter());
    made.setPackagesToScan("io.mpilock.spring");
    made.afterPropertiesSet();
    EntityManagerFactory factory = Objects.requireNonNull(made.getObject());
    try {
      EntityManager entities = SharedEntityManagerCreator.createSharedEntityManager(factory);
      count(
          new JpaTransactionManager(factory), () -> entities.find(Counted.class, 1).n++, ONE_NODE);
      assertThat(read(new JdbcTemplate(dataSource))).isEqualTo(4 * TIMES);
    } finally {
      made.destroy();
    }
  }

  /** Gives each transaction of JTA a connection that takes part in it. */
  private static final class Enlisting extends AbstractDataSource {
    private final XADataSource target;
    private final TransactionManager manager;
    private final ConcurrentMap<Transaction, Connection> open = new ConcurrentHashMap<>();

    Enlisting(XADataSource target, TransactionManager manager) {
      this.target = target;
      this.manager = manager;
    }

    @Override
    public Connection getConnection() throws SQLException {
      try {
        Transaction transaction = manager.getTransaction();
        Connection known = open.get(transaction);
        return known != null ? known : enlist(transaction);
      } catch (SystemException | RollbackException e) {
        throw new SQLException(e);
      }
    }

    private Connection enlist(Transaction transaction)
        throws SQLException, SystemException, RollbackException {
      XAConnection part = target.getXAConnection();
      transaction.enlistResource(part.getXAResource());
      Connection connection = withoutClose(part.getConnection());
      open.put(transaction, connection);
      transaction.registerSynchronization(
          new Synchronization() {
            @Override
            public void beforeCompletion() {}

            @Override
            public void afterCompletion(int status) {
              open.remove(transaction);
              try {
                part.close();
              } catch (SQLException e) {
                throw new IllegalStateException(e);
              }
            }
          });
      return connection;
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
      return getConnection();
    }

    private static Connection withoutClose(Connection real) {
      return (Connection)
          Proxy.newProxyInstance(
              Enlisting.class.getClassLoader(),
              new Class<?>[] {Connection.class},
              (proxy, method, arguments) -> {
                try {
                  return method.getName().equals("close") ? null : method.invoke(real, arguments);
                } catch (InvocationTargetException e) {
                  throw e.getTargetException();
                }
              });
    }
  }

  private static JtaTransactionManager jta() {
    JtaTransactionManager manager =
        new JtaTransactionManager(
            com.arjuna.ats.jta.UserTransaction.userTransaction(),
            com.arjuna.ats.jta.TransactionManager.transactionManager());
    manager.afterPropertiesSet();
    return manager;
  }

  @Test
  void withJtaNothingIsLost() {
    JdbcDataSource dataSource = h2();
    JdbcTemplate plain = new JdbcTemplate(dataSource);
    prepare(plain);
    JtaTransactionManager manager = jta();
    JdbcTemplate jdbc =
        new JdbcTemplate(
            new Enlisting(dataSource, Objects.requireNonNull(manager.getTransactionManager())));
    count(manager, () -> jdbc.update("update counted set n = ?", read(jdbc) + 1), TWO_NODES);
    assertThat(read(plain)).isEqualTo(4 * TIMES);
  }

  /**
   * A transaction of the application server's, in which Spring takes part, and which the
   * transaction manager ends in a thread of its own when its time is over.
   */
  @Test
  void theReaperOfJtaGivesTheWriteBack() throws Exception {
    JtaTransactionManager spring = jta();
    TransactionManager manager = Objects.requireNonNull(spring.getTransactionManager());
    BlockingQueue<String> releasedBy = new LinkedBlockingQueue<>();
    LocalRanks.run(
        1,
        controller -> {
          controller.addListener(
              new LockListener() {
                @Override
                public void released(String resource, LockMode mode, long nanos) {
                  releasedBy.add(Thread.currentThread().getName());
                }
              });
          LockTemplate locks = LockTemplate.of(controller);
          manager.setTransactionTimeout(2);
          manager.begin();
          new TransactionTemplate(spring)
              .executeWithoutResult(_ -> locks.on("a").writeWithoutResult(() -> {}));
          assertThat(controller.keptWrites()).containsExactly("a");
          elsewhere(() -> controller.resource("a").write().close());
          assertThat(controller.keptWrites()).isEmpty();
          assertThat(List.of(releasedBy.take(), releasedBy.take()))
              .as("the waiter, and before it")
              .anyMatch(thread -> thread.contains("Reaper"));
          manager.rollback();
          manager.setTransactionTimeout(0);
          manager.begin();
          new TransactionTemplate(spring)
              .executeWithoutResult(_ -> locks.on("b").writeWithoutResult(() -> {}));
          assertThat(controller.keptWrites()).containsExactly("b");
          manager.commit();
          assertThat(controller.resource("b").tryWrite()).hasValueSatisfying(WriteLease::close);
          assertThat(controller.keptWrites()).isEmpty();
        });
  }
}
