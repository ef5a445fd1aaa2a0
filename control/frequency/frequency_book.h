/* SPDX-License-Identifier: Apache-2.0 */
/* Counts exposures for the workers' frequency caps: the one writer of shm/frequency.h's table.
 *
 * A bid is pending from its EXPOSE event on, and is then shown (win, bill or impression, whichever
 * comes first), lost, or after pending_s gone: a late impression still counts. Each nonce counts
 * once, however often its events are read.
 *
 * What more than the cap can be shown to a user in a window: the bids that other workers made while
 * qbidd had not yet taken this one (each worker's own are never missed, so at most (workers - 1) x
 * cap, a worker that died with bids in its ring being one of them), those shown later than
 * pending_s after their bid, and those behind the counters `evicted`, `unknown` and the rings'
 * drops. Windows are fixed, from the first impression: any stretch of a window's length has at most
 * 2 x cap - 1 of them.
 *
 * Counts lie in a file that is mapped, so they outlive this process, killed or not; a crash of the
 * machine may lose the latest. The file holds no identifier: keys are hashes under a random salt,
 * which is replaced, and every count forgotten with it, every QBID_FREQUENCY_SALT_DAYS.
 */
#ifndef QBID_CONTROL_FREQUENCY_FREQUENCY_BOOK_H
#define QBID_CONTROL_FREQUENCY_FREQUENCY_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/frequency.h"

#define QBID_FREQUENCY_SALT_DAYS 60

struct qbid_frequency_book; /* opaque */

struct qbid_frequency_book_params {
    const char *path;
    unsigned lg_buckets; /* of the table */
    unsigned lg_bids;    /* log2 of the bids remembered, >= 3 */
    uint32_t pending_s;  /* that a bid without an outcome counts */
};

struct qbid_frequency_counters {
    uint64_t used, max; /* entries of the table */
    uint64_t bids, shown, lost, timed_out;
    uint64_t late;    /* shown after it was lost or timed out: counted */
    uint64_t unknown; /* shown, but of no bid that is known: without a user, or too old */
    uint64_t evicted; /* entries with an open window or a pending bid that made room */
};

/**
 * Open the counts of a former life, or begin anew when there are none or of another size.
 *
 * Returns: 0 and *ret_book, *ret_fresh = nothing was taken over; SYS, NOMEM, LIMIT.
 */
int qbid_frequency_book_new(const struct qbid_frequency_book_params *params, int64_t unix_s,
                            struct qbid_frequency_book **ret_book, bool *ret_fresh);
void qbid_frequency_book_free(struct qbid_frequency_book *book);

/** Write everything into a table of the same size, and from now on every change. */
void qbid_frequency_book_attach(struct qbid_frequency_book *book,
                                const struct qbid_frequency *table);

/** A bid for a window of so many minutes. */
void qbid_frequency_book_bid(struct qbid_frequency_book *book, uint64_t nonce, uint64_t key,
                             uint32_t minutes, int64_t unix_s);
void qbid_frequency_book_shown(struct qbid_frequency_book *book, uint64_t nonce, int64_t unix_s);
void qbid_frequency_book_lost(struct qbid_frequency_book *book, uint64_t nonce);

/** Time passes: the workers' minute, bids that have had their time, entries that are over, salt. */
void qbid_frequency_book_tick(struct qbid_frequency_book *book, int64_t unix_s);

struct qbid_frequency_counters qbid_frequency_book_counters(const struct qbid_frequency_book *book);

#endif
