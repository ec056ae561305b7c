/** What Boot's actuator tells of the locks: the endpoint {@code mpilock}, and its health. */
@NullMarked
package io.mpilock.spring.actuate;

import org.jspecify.annotations.NullMarked;
