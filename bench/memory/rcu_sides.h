/* SPDX-License-Identifier: Apache-2.0 */
/* Read sections of liburcu's flavours, side by side. */
#ifndef QBID_BENCH_MEMORY_RCU_SIDES_H
#define QBID_BENCH_MEMORY_RCU_SIDES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Name in the results, and what it is: n times lock, load the pointer, read a word, unlock. */
/* clang-format off */
#define RCU_SIDE_LIST(X)                                                                   \
    X(NONE,    "no lock")                       /* the loop and the load alone */           \
    X(MEMB,    "memb")                                                                      \
    X(QSBR,    "qsbr, quiescent each 64th")                                                 \
    X(QSBR_1,  "qsbr, quiescent each time")                                                 \
    X(BP,      "bp")                                                                        \
    X(WATCHER_MEMB, "the watcher's call, memb")  /* qbid_watcher_read_lock and unlock */     \
    X(WATCHER_QSBR, "the watcher's call, qsbr, quiescent each 64th")
/* clang-format on */

enum rcu_side {
#define X(upper, text) RCU_SIDE_##upper,
    RCU_SIDE_LIST(X)
#undef X
        RCU_SIDE_CNT
};

/** Register this thread for all of them; once. Ends the process when it cannot. */
void rcu_sides_begin(void);
void rcu_sides_end(void);

/** n read sections; the sum of what was read. */
uint64_t rcu_side_run(enum rcu_side side, uint64_t n);

/** Nanoseconds of one grace period while another thread reads at full speed (memb; qsbr, quiescent
 *  each 64th section; bp). Less than 0: there is none of this side. */
double rcu_side_grace_ns(enum rcu_side side);

#ifdef __cplusplus
}
#endif

#endif
