package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.DemoProperties;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import org.h2.jdbcx.JdbcConnectionPool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;

/**
 * Where Spring Batch keeps what it knows of its jobs: for each rank a database of its own, in a
 * file beside the results. With the profile {@code postgres} the ranks share the one that {@code
 * spring.datasource.url} names.
 */
@Configuration(proxyBeanMethods = false)
@Profile("!postgres")
class RepositoryConfiguration {
  private static final Logger LOG = LoggerFactory.getLogger(RepositoryConfiguration.class);

  /** The context closes it; the database's own shutdown hook would be too early for a job's end. */
  private static final String OPTIONS = ";DB_CLOSE_ON_EXIT=FALSE";

  /**
   * A database that cannot be opened is replaced by one in memory: what is done stands in the
   * journal, so the job only forgets its history. If it is the directory that is wrong, the job's
   * first step says so.
   */
  @Bean(destroyMethod = "dispose")
  JdbcConnectionPool dataSource(DemoProperties properties, Locks locks) {
    try {
      Path directory =
          Files.createDirectories(
              properties.outputDirectory().resolve(".batch").resolve("rank-" + locks.rank()));
      return open("jdbc:h2:file:" + directory.resolve("repository") + OPTIONS);
    } catch (IOException | SQLException | DemoException e) {
      LOG.debug("The repository of rank {} is in memory", locks.rank(), e);
    }
    return JdbcConnectionPool.create("jdbc:h2:mem:repository;DB_CLOSE_DELAY=-1", "", "");
  }

  private static JdbcConnectionPool open(String url) throws SQLException {
    JdbcConnectionPool pool = JdbcConnectionPool.create(url, "", "");
    try {
      pool.getConnection().close(); // which stays open in the pool
      return pool;
    } catch (SQLException e) {
      pool.dispose();
      throw e;
    }
  }
}
