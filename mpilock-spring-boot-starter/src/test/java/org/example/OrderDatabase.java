/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import io.mpilock.spring.LockTemplate;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

// snippet sqlite
/** Orders in a SQLite database that all ranks write. */
class OrderDatabase {
  private final LockTemplate lock;
  private final String url;

  OrderDatabase(LockTemplate locks, Path file) throws SQLException {
    this.lock = locks.on("orders.db");
    this.url = "jdbc:sqlite:" + file;
    lock.singleWrite(() -> {
      execute("PRAGMA journal_mode = DELETE"); // not WAL: see below
      execute("CREATE TABLE IF NOT EXISTS orders (customer TEXT NOT NULL, amount INTEGER)");
      return null;
    });
  }

  void add(String customer, int amount) throws SQLException {
    lock.writeWithoutResult(() -> {
      try (Connection database = DriverManager.getConnection(url);
          PreparedStatement insert =
              database.prepareStatement("INSERT INTO orders VALUES (?, ?)")) {
        insert.setString(1, customer);
        insert.setInt(2, amount);
        insert.executeUpdate();
      } // committed, synchronised and closed before the write ends
    });
  }

  int count() throws SQLException {
    return lock.read(() -> {
      try (Connection database = DriverManager.getConnection(url);
          Statement query = database.createStatement();
          ResultSet rows = query.executeQuery("SELECT count(*) FROM orders")) {
        rows.next();
        return rows.getInt(1);
      }
    });
  }

  private void execute(String statement) throws SQLException {
    try (Connection database = DriverManager.getConnection(url);
        Statement change = database.createStatement()) {
      change.execute(statement);
    }
  }
}
// end snippet
