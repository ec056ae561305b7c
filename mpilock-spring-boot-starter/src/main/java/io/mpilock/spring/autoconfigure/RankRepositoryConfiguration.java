/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import java.lang.annotation.Annotation;
import java.sql.DatabaseMetaData;
import java.util.Arrays;
import javax.sql.DataSource;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.h2.jdbcx.JdbcConnectionPool;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.condition.ConditionMessage;
import org.springframework.boot.autoconfigure.condition.ConditionOutcome;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.SpringBootCondition;
import org.springframework.boot.batch.autoconfigure.BatchTransactionManager;
import org.springframework.boot.batch.jdbc.autoconfigure.BatchDataSource;
import org.springframework.boot.batch.jdbc.autoconfigure.BatchDataSourceScriptDatabaseInitializer;
import org.springframework.boot.batch.jdbc.autoconfigure.BatchJdbcAutoConfiguration;
import org.springframework.boot.batch.jdbc.autoconfigure.BatchJdbcProperties;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.jdbc.EmbeddedDatabaseConnection;
import org.springframework.boot.jdbc.autoconfigure.DataSourceProperties;
import org.springframework.boot.sql.init.DatabaseInitializationMode;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.ConfigurationCondition;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.type.AnnotatedTypeMetadata;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.jdbc.support.JdbcUtils;
import org.springframework.jdbc.support.MetaDataAccessException;
import org.springframework.transaction.PlatformTransactionManager;

/**
 * Gives each of several ranks a database file for Spring Batch's job repository, where it would
 * otherwise be in the embedded database that Boot makes by default: there it ends with the process,
 * and no job could be started again. The application's data source stays what it is, and so do all
 * others: what is made here is {@link BatchDataSource} and no default candidate.
 *
 * <p>Whether the application's data source is Boot's default is asked of the bean itself. If it is
 * not, the beans here are null, which is none to those who ask for one that may be missing.
 */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass({BatchJdbcAutoConfiguration.class, JdbcConnectionPool.class})
@ConditionalOnBean({BatchJdbcAutoConfiguration.class, DataSourceProperties.class})
@Conditional({RanksCondition.class, RankRepositoryConfiguration.NoneForBatch.class})
class RankRepositoryConfiguration {
  static final String DATA_SOURCE = "mpilockBatchDataSource";

  private static final String DIRECTORY = "mpilock.batch.repository-directory";
  private static final Log LOG = LogFactory.getLog(MpilockAutoConfiguration.class);

  @Bean(name = DATA_SOURCE, defaultCandidate = false, destroyMethod = "dispose")
  @BatchDataSource
  @Nullable JdbcConnectionPool dataSource(
      DataSource application,
      DataSourceProperties ofApplication,
      MpilockProperties properties,
      ConfigurableEnvironment environment) {
    JobPosition position = SystemLauncher.position(environment);
    String directory = properties.batch().repositoryDirectory();
    if (!position.mayHavePeers()
        || directory.isBlank()
        || !isBootsDefault(application, ofApplication)) {
      return null;
    }
    String url = url(directory, position.rank());
    LOG.info(
        ("mpilock: Spring Batch's job repository of rank %d is %s, because the"
                + " application's database is Boot's embedded one and is lost with the"
                + " process. To use another, define a @BatchDataSource.")
            .formatted(position.rank(), url));
    return JdbcConnectionPool.create(url, "", "");
  }

  /**
   * Tells whether Boot chose the database: no URL was named to it, and the connections go to the
   * one in memory to which it gave the name. The URL of a pool may be set on the pool, so it is the
   * driver that is asked.
   */
  private static boolean isBootsDefault(DataSource application, DataSourceProperties properties) {
    if (properties.getUrl() != null) {
      return false;
    }
    try {
      String url = JdbcUtils.extractDatabaseMetaData(application, DatabaseMetaData::getURL);
      String name = properties.determineDatabaseName();
      return name != null
          && url.endsWith(":" + name)
          && EmbeddedDatabaseConnection.isEmbedded(application);
    } catch (MetaDataAccessException e) {
      LOG.debug("The application's data source does not tell where its database is", e);
      return false;
    }
  }

  /**
   * What is committed is in the hands of the system at once, so that a killed rank loses nothing;
   * and Spring closes the database, not a hook of H2's that would run while jobs are stopped.
   */
  private static String url(String directory, int rank) {
    if (directory.contains(";")) {
      throw new InvalidConfigurationPropertyValueException(
          DIRECTORY, directory, "H2 takes what follows a semicolon for its settings.");
    }
    String path = directory.startsWith("/") ? directory : "./" + directory;
    return "jdbc:h2:file:%s/rank-%d;WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE".formatted(path, rank);
  }

  @Bean(name = "mpilockBatchTransactionManager", defaultCandidate = false)
  @BatchTransactionManager
  @Nullable PlatformTransactionManager transactionManager(
      @Qualifier(DATA_SOURCE) ObjectProvider<DataSource> own) {
    @Nullable DataSource dataSource = own.getIfAvailable();
    return dataSource == null ? null : new JdbcTransactionManager(dataSource);
  }

  /** Boot's own makes no tables here, unless it is told to: this is no database in memory. */
  @Bean(name = "mpilockBatchDataSourceInitializer", defaultCandidate = false)
  @Nullable BatchDataSourceScriptDatabaseInitializer initializer(
      @Qualifier(DATA_SOURCE) ObjectProvider<DataSource> own, BatchJdbcProperties properties) {
    @Nullable DataSource dataSource = own.getIfAvailable();
    if (dataSource == null) {
      return null;
    }
    BatchJdbcProperties here = new BatchJdbcProperties();
    here.setSchema(properties.getSchema());
    here.setInitializeSchema(DatabaseInitializationMode.ALWAYS);
    return new BatchDataSourceScriptDatabaseInitializer(dataSource, here);
  }

  /**
   * Matches if the application has neither a data source nor a transaction manager for Batch.
   * Boot's own condition does not see those that are no default candidates, as they should be.
   */
  static final class NoneForBatch extends SpringBootCondition implements ConfigurationCondition {
    @Override
    public ConfigurationPhase getConfigurationPhase() {
      return ConfigurationPhase.REGISTER_BEAN;
    }

    @Override
    public ConditionOutcome getMatchOutcome(
        ConditionContext context, AnnotatedTypeMetadata metadata) {
      @Nullable ConfigurableListableBeanFactory beans = context.getBeanFactory();
      ConditionMessage.Builder message = ConditionMessage.forCondition("None for Batch");
      boolean found =
          beans != null
              && (has(beans, DataSource.class, BatchDataSource.class)
                  || has(beans, PlatformTransactionManager.class, BatchTransactionManager.class));
      return new ConditionOutcome(
          !found,
          message.because(
              found ? "the application has a database for Batch" : "Batch has no database"));
    }

    private static boolean has(
        ConfigurableListableBeanFactory beans,
        Class<?> type,
        Class<? extends Annotation> annotation) {
      return Arrays.stream(beans.getBeanNamesForType(type, true, false))
          .anyMatch(name -> beans.findAnnotationOnBean(name, annotation, false) != null);
    }
  }
}
