/* SPDX-License-Identifier: Apache-2.0 */
/* Notices that came before: senders retry, and each counts once. */
#ifndef QBID_CONTROL_INGEST_REPEATS_H
#define QBID_CONTROL_INGEST_REPEATS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/keymap.h"

struct qbid_repeat {
    uint64_t nonce;
    uint64_t time_ns;
    uint32_t kind;
};

/* A ring of the last `max`, each for ttl_ns; older ones are forgotten. */
struct qbid_repeats {
    struct qbid_repeat *item;
    uint32_t max;
    uint64_t ttl_ns;
    uint64_t head, tail;
    uint64_t evicted; /* forgotten before their time, for lack of room */
    struct qbid_keymap map;
};

int qbid_repeats_init(struct qbid_repeats *repeats, uint32_t max, uint64_t ttl_ns);
void qbid_repeats_done(struct qbid_repeats *repeats);

/** Remember (nonce, kind). Returns true when it was known already. */
bool qbid_repeats_note(struct qbid_repeats *repeats, uint64_t nonce, uint32_t kind,
                       uint64_t now_ns);

/** Whether (nonce, kind) is remembered. */
bool qbid_repeats_known(const struct qbid_repeats *repeats, uint64_t nonce, uint32_t kind);

#endif
