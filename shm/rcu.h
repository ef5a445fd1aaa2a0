/* SPDX-License-Identifier: Apache-2.0 */
/* Read-copy-update inside one process: liburcu's memb flavour, and what ThreadSanitizer must know
 * of it.
 *
 *   reader                                     writer (the watcher)
 *   read lock                                  W1 store the new pointer, release
 *   R1 load the pointer, acquire   <---
 *   use what it points to
 *   W2 read unlock                 --->        R2 synchronize returns
 *                                              free what the old pointer pointed to
 *
 * The edge W1 -> R1 is an ordinary atomic, which the sanitizer sees. The edge W2 -> R2 is made by
 * liburcu with a plain per-thread counter and the membarrier system call, inside a library that is
 * not instrumented: the sanitizer cannot see it and would report every free after a grace period.
 * So under the sanitizer, and only there, the unlock releases and the synchronize acquires a tag.
 * The calls are not inlined there either, because liburcu's own volatile words would be reported.
 * The acquire stands in the same function as the wait: code that frees without calling
 * qbid_rcu_synchronize() has no edge and is reported (tests/race proves that it is).
 */
#ifndef QBID_SHM_RCU_H
#define QBID_SHM_RCU_H

#if defined(__SANITIZE_THREAD__)
#define QBID_RCU_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define QBID_RCU_TSAN 1
#endif
#endif

#ifdef QBID_RCU_TSAN
#undef _LGPL_SOURCE
#endif
#include <urcu.h>

#ifdef QBID_RCU_TSAN
void __tsan_acquire(void *tag);
void __tsan_release(void *tag);
#define qbid_rcu_tsan_acquire(tag) __tsan_acquire(tag)
#define qbid_rcu_tsan_release(tag) __tsan_release(tag)
#else
#define qbid_rcu_tsan_acquire(tag) ((void)(tag))
#define qbid_rcu_tsan_release(tag) ((void)(tag))
#endif

/** Enter a read section; nests. The thread is registered (rcu_register_thread). 1-2 ns. */
static inline void qbid_rcu_read_lock(void)
{
    rcu_read_lock();
}

/** Leave it. tag is any address that this reader and its writer agree on. */
static inline void qbid_rcu_read_unlock(void *tag)
{
    qbid_rcu_tsan_release(tag); /* W2 -> R2 */
    rcu_read_unlock();
}

/** Wait until every read section that was open has ended. Not from inside one. */
static inline void qbid_rcu_synchronize(void *tag)
{
    synchronize_rcu();
    qbid_rcu_tsan_acquire(tag); /* R2 <- W2 */
}

#endif
