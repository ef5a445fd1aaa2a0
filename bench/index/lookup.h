/* SPDX-License-Identifier: Apache-2.0 */
/* The lookup benchmark: one set of keys, one stream of questions, and the designs that answer it in
 * turn. Each design's sum must come out alike, so none can be fast by being wrong. */
#ifndef QBID_BENCH_INDEX_LOOKUP_H
#define QBID_BENCH_INDEX_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOOKUP_KEYS 1000000u
#define LOOKUP_CANDIDATES_MAX 8 /* rows of one line */
#define LOOKUP_STREAM (1u << 21)
#define LOOKUP_DESIGNS_MAX 40

/* What is asked, and of what. A key is a packed context, never 0, below 2^62. */
struct lookup_world {
    uint64_t *key;    /* LOOKUP_KEYS, all different */
    uint64_t *value;  /* row, candidates, segment of each: 8 bytes, as a table image has them */
    uint64_t *stream; /* LOOKUP_STREAM, uniform: 9 in 10 are keys, the others are not */
    uint64_t zero;    /* 0, which the compiler does not know: see lookup_chain() */
};

/* What a lookup adds to the sum: 0 when the key is not there. */
static inline uint64_t lookup_digest(uint64_t value)
{
    return value >> 32;
}

/* Answer n questions of the stream and return the sum of their digests. */
typedef uint64_t lookup_run_fn(void *peer, const uint64_t *keys, size_t n);

struct lookup_design {
    const char *name;
    size_t slice; /* questions in a turn: 10 to 50 ms */
    lookup_run_fn *run;
    void *peer;
    int wall;  /* its time is the clock's: it waits for another process */
    int limit; /* answers nothing: a measure of the machine */
};

struct lookup_bench {
    struct lookup_world world;
    unsigned cnt;
    struct lookup_design design[LOOKUP_DESIGNS_MAX];
};

/** Each builds its table and adds its designs; ends the process when it cannot. */
void lookup_qbid_add(struct lookup_bench *bench);
void lookup_dpdk_add(struct lookup_bench *bench);
void lookup_urcu_add(struct lookup_bench *bench);
void lookup_ck_add(struct lookup_bench *bench);
void lookup_lmdb_add(struct lookup_bench *bench);
void lookup_sqlite_add(struct lookup_bench *bench);
void lookup_redis_add(struct lookup_bench *bench);

/** The world and all designs, made once and kept until the process ends. */
const struct lookup_bench *lookup_bench_get(void);

/** One round: the designs take turns; ret_ns[i] is a question's time in design i, the median of its
 *  turns. Ends the process when two designs disagree. */
void lookup_round(const struct lookup_bench *bench, double ret_ns[LOOKUP_DESIGNS_MAX]);

/* --- for the designs */

void lookup_design_add(struct lookup_bench *bench, struct lookup_design design);

/** Memory with or without huge pages; zeroed. Ends the process when there is none. */
void *lookup_memory(size_t bytes, int huge);

/** Ends the process with a message unless ok. */
void lookup_must(int ok, const char *what);

/* A value of one key; 0 = not there. */
typedef uint64_t lookup_find_fn(void *peer, uint64_t key);

/* Questions that do not wait for each other: how many a second. */
static inline __attribute__((always_inline)) uint64_t lookup_each(lookup_find_fn *find, void *peer,
                                                                  const uint64_t *keys, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += lookup_digest(find(peer, keys[i]));
    return sum;
}

/* Each waits for the answer to the one before: how long one takes. */
static inline __attribute__((always_inline)) uint64_t
lookup_chain(lookup_find_fn *find, void *peer, const uint64_t *keys, size_t n, uint64_t zero)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += lookup_digest(find(peer, keys[i] ^ (sum & zero)));
    return sum;
}

#ifdef __cplusplus
}
#endif

#endif
