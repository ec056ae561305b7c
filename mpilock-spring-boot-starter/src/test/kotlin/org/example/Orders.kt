/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example

import io.mpilock.LocalRanks
import io.mpilock.failure.LockUseException
import io.mpilock.spring.LockTemplate
import java.io.IOException
import java.time.Duration

/** What a user writes in Kotlin. KotlinTests compiles it with Kotlin's compiler, and runs it. */
fun main() {
    LocalRanks.run(2) { controller -> everyForm(LockTemplate.of(controller)) }
    println("every form ran")
}

fun everyForm(locks: LockTemplate) {
    val answer: Int = locks.read { 42 }
    check(answer == 42)
    check(locks.on("orders").write { "written" } == "written")
    val none: String? = locks.withTimeout(Duration.ofSeconds(50)).write { if (answer == 42) null else "some" }
    check(none == null)
    locks.write { println("a write without a result") }
    locks.readWithoutResult<RuntimeException> { println("with its type") }

    val mine = locks.on("rank-${locks.rank()}")
    check(mine.tryRead { 1 }.get() == 1)
    check(mine.tryWrite { 2 }.isPresent)
    check(mine.tryRead(Duration.ofSeconds(50)) { 3 }.get() == 3)
    check(mine.tryWrite(Duration.ofSeconds(50)) { 4 }.get() == 4)

    // snippet forms
    val prices: Int = locks.on("prices").read { 42 }
    val stored = locks.on("orders").tryWrite { store(prices) }.isPresent
    locks.group().read("prices").write("orders", "stock").run { store(prices) }
    val writer: Int = locks.singleWrite(1) { locks.rank() }
    // end snippet
    check(prices == 42 && (stored || locks.size() > 1) && writer == 1)

    val token = mine.writeWithLease { lease -> lease.token() }
    check(token == 3L)
    check(mine.readWithLease { lease -> lease.upgrade { write -> write.intervened() } } == false)
    check(mine.optimisticRead { 5 } == 5)

    check(locks.group().read("prices").write("stock", "orders").run { 6 } == 6)
    check(mine.group().write("own-${locks.rank()}").tryRun { 7 }.get() == 7)
    check(locks.group().read("prices").tryRun(Duration.ofSeconds(50)) { 8 }.get() == 8)

    check(locks.singleWrite { "by the master" } == "by the master")
    check(locks.singleWrite(1) { locks.rank() } == 1)
    val shared: String? = locks.singleWriteFenced(1) { fence ->
        fence.guard()
        fence.share("from rank 1")
    }
    check(shared == "from rank 1")
    check(locks.allGather("rank ${locks.rank()}") == listOf("rank 0", "rank 1"))
    check(locks.gather("rank ${locks.rank()}").isPresent == locks.isMaster())
    check(locks.inOrder { locks.rank() } == locks.rank())

    try {
        mine.write { throw IOException("as it was thrown") }
    } catch (e: IOException) {
        check(e.message == "as it was thrown")
    }
    mine.write { mine.requireWriteHeld() }
    try {
        mine.requireHeld()
        error("nothing is held")
    } catch (e: LockUseException) {
        check(e.message!!.contains("must run under"))
    }
    locks.barrier()
}

private fun store(price: Int): Int = price
