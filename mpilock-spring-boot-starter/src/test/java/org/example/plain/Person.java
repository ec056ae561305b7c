/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example.plain;

import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.Id;

/** Its table is made by Hibernate, beside those of {@code schema.sql}. */
@Entity
class Person {
  @Id
  @GeneratedValue
  @SuppressWarnings("unused")
  private long id;

  @SuppressWarnings("unused")
  private String name;

  Person() {
    this("");
  }

  Person(String name) {
    this.name = name;
  }
}
