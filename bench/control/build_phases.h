/* SPDX-License-Identifier: Apache-2.0 */
/* One round of the builder's benchmark: a table is built into fresh memory, sealed, mapped and
 * checked; every step is timed, beside what the machine needs to move as many bytes. */
#ifndef QBID_BENCH_CONTROL_BUILD_PHASES_H
#define QBID_BENCH_CONTROL_BUILD_PHASES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Milliseconds of this thread's CPU time. Steps of one build, then the parts of `new` and `fill` by
 * themselves, then what a reader does, then the limits. */
/* clang-format off */
#define BUILD_PHASE_LIST(X)                                              \
    X(NEW,       new_,      "check the input, lay out")                  \
    X(MEMORY,    memory,    "fresh memory file, in huge pages")          \
    X(FILL,      fill,      "write and sum")                             \
    X(SEAL,      seal,      "seal")                                      \
    X(RENEW,     renew,     "lay out again, other values in each row") \
    X(CHECK,     check,     "  check of the input")                      \
    X(DICT,      dict,      "  dictionary")                              \
    X(CREATIVES, creatives, "  line items, creatives, strings")          \
    X(ORDER,     order,     "  contexts in the order of their hashes")   \
    X(TARGETS,   targets,   "  eligibility bitmaps")                     \
    X(INDEX,     index,     "  index lines")                             \
    X(ROWS,      rows,      "  rows")                                    \
    X(SUM,       sum,       "  checksum")                                \
    X(MAP,       map,       "reader: map and touch")                     \
    X(ATTACH,    attach,    "reader: checksum and all checks")           \
    X(UNSUMMED,  unsummed,  "reader: the checks alone")                  \
    X(MEMSET,    memset_,   "limit: memset of fresh huge pages")         \
    X(MEMCPY,    memcpy_,   "limit: memcpy into used memory")
/* clang-format on */

enum build_phase {
#define X(upper, lower, text) BUILD_##upper,
    BUILD_PHASE_LIST(X)
#undef X
        BUILD_PHASE_CNT
};

struct build_round {
    double ms[BUILD_PHASE_CNT];
    double total_ms;   /* new, memory, fill, seal: the whole of a publish but for sending */
    double wall_ms;    /* the same by the clock on the wall */
    double renewed_ms; /* renew, memory, fill, seal */
    double bytes;
    double context_bytes; /* index and rows */
};

struct build_world;

/** The world of that size; the one before it is let go. */
struct build_world *build_phases_world(uint32_t line_items, uint32_t contexts);

/** Time one build, and the next one after every row's values changed. */
void build_phases_run(struct build_world *world, struct build_round *ret_round);

#ifdef __cplusplus
}
#endif

#endif
