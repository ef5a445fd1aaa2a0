/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the ledger: the book of one budget, the columns of one worker. Only control/ledger
 * includes this. */
#ifndef QBID_CONTROL_LEDGER_BOOK_H
#define QBID_CONTROL_LEDGER_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "control/ledger/ledger.h"
#include "control/ledger/tally.h"

#define QBID_BOOK_NANOS_MAX (INT64_MAX / 16)
/* Slack of the window of buckets: the lease ahead of now, and two ticks behind it. */
#define QBID_LEDGER_LEASES_KEPT 3
#define QBID_SLOT_UNSEEN INT64_MIN /* committed of this budget has not been sampled yet */

struct qbid_book {
    struct qbid_tally tally;
    int64_t budget;
    int64_t spent;
    int64_t hold;
    int64_t ceiling;         /* spent + hold + exposure when limits were last raised */
    int64_t stored_spent;    /* as the store has it; -1 = never written */
    int64_t stored_exposure; /* the same */
    uint64_t since_ns;       /* clock of its first tick; 0 = none yet */
    uint64_t
        former_until_ns;    /* until then limits of a former qbidd may be in use; 0 = no restart */
    uint64_t hold_until_ns; /* 0 = nothing is held */
};

/* One attached worker; the columns are by budget. */
struct qbid_ledger_slot {
    const struct qbid_page *page;
    int64_t *columns; /* the allocation behind the six below */
    int64_t *seen;    /* committed as last sampled */
    int64_t *limit;   /* as in the live page */
    int64_t *rate;    /* committed a tick, decaying */
    int64_t *sample;  /* committed as this tick reads it */
    int64_t *raise;   /* planned for this tick */
    int64_t *refused; /* the last bid that its allowance did not hold; 0 = none */
    uint64_t lease_end_ns;
    uint64_t mark_head;         /* of its ring, read after the clock was mark_ns */
    uint64_t mark_ns;           /* 0 = no mark yet */
    uint64_t mark_stored;       /* ticks stored when the mark was set */
    uint64_t drained_ns;        /* what it wrote before has been taken from its ring */
    uint64_t returned_until_ns; /* until then limits of its own former slot may be in use */
    uint16_t uid;
    bool attached;
    bool known;     /* this ledger has had its uid before */
    bool used_page; /* its page has been bid on before */
    bool blocked;
    bool broken; /* its ring is impossible or stands still: nobody waits for it */
    bool clear;  /* lease and limits in the live page must go */
};

struct qbid_ledger {
    struct qbid_ledger_params params;
    struct qbid_ledger_counters counters;
    uint64_t bucket_ns;
    uint32_t bucket_cnt;
    uint32_t active_cnt;
    struct qbid_book *books;        /* by budget index */
    uint32_t *active;               /* budgets in use, in order of arrival */
    struct qbid_ledger_row *rows;   /* room for one persist */
    struct qbid_ledger_slot *slots; /* by slot */
    uint64_t *first_ns;             /* by uid: clock of its first tick here; 0 = none */
    uint64_t stored;                /* ticks whose rows were stored */
    uint64_t drained_ns;            /* every notice written before it is posted; 0 = no tick yet */
    uint64_t tick_ns[2];            /* clocks of the last two ticks, the newer one first */
};

#define QBID_SLOT_COLUMNS 6

/** A worker's committed is impossible: it gets no more grants and its lease ends. */
void qbid_ledger_block(struct qbid_ledger *ledger, struct qbid_ledger_slot *slot);

#endif
