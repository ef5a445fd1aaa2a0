/* SPDX-License-Identifier: Apache-2.0 */
/* Losses by campaign in order of arrival. */
#include "control/learn/rates/contest.h"

#include <math.h>
#include <stdlib.h>

#include "control/models/rates/decay.h"

#define HALF_LIFE_S (30 * 86400.0) /* of the losses */
#define CAPACITY_MIN 16
#define RATE_MIN 1e-12
#define UNDECIDED QBID_CONTEST_WAYS

void qbid_contest_done(struct qbid_contest *contest)
{
    free(contest->entry);
    qbid_keymap_done(&contest->map);
    *contest = (struct qbid_contest){0};
}

struct qbid_contest_entry *qbid_contest_touch(struct qbid_contest *contest, uint32_t id)
{
    uint32_t i = qbid_keymap_find(&contest->map, 0, id);
    if (i != QBID_KEYMAP_NONE)
        return &contest->entry[i];
    if (contest->cnt == contest->capacity) {
        uint32_t capacity = contest->capacity ? contest->capacity * 2 : CAPACITY_MIN;
        struct qbid_contest_entry *entry = realloc(contest->entry, capacity * sizeof *entry);
        if (!entry)
            return NULL;
        contest->entry = entry;
        contest->capacity = capacity;
    }
    if (qbid_keymap_add(&contest->map, 0, id, contest->cnt))
        return NULL;
    contest->entry[contest->cnt] = (struct qbid_contest_entry){.id = id, .chosen = UNDECIDED};
    return &contest->entry[contest->cnt++];
}

void qbid_contest_add(struct qbid_contest_entry *entry, int64_t now_s,
                      const double loss[QBID_CONTEST_WAYS])
{
    double left = qbid_decay_left(HALF_LIFE_S, entry->at_s, now_s);
    for (unsigned way = 0; way < QBID_CONTEST_WAYS; way++)
        entry->loss[way] = entry->loss[way] * left + loss[way];
    entry->at_s = now_s > entry->at_s ? now_s : entry->at_s;
    entry->dirty = 1;
}

double qbid_contest_loss(double rate, double trials, double successes)
{
    rate = fmax(rate, RATE_MIN);
    return rate * trials - successes * log(rate);
}

/* The best of an entry when it leads what is chosen, or everything where nothing is. */
static void decide(struct qbid_contest_entry *entry)
{
    unsigned best = 0;
    double second = INFINITY;
    for (unsigned way = 1; way < QBID_CONTEST_WAYS; way++)
        if (entry->loss[way] < entry->loss[best])
            best = way;
    for (unsigned way = 0; way < QBID_CONTEST_WAYS; way++)
        if (way != best)
            second = fmin(second, entry->loss[way]);
    double against = entry->chosen < UNDECIDED ? entry->loss[entry->chosen] : second;
    if (best != entry->chosen && entry->loss[best] < against - QBID_CONTEST_MARGIN)
        entry->chosen = best;
}

enum qbid_contest_way qbid_contest_choose(struct qbid_contest *contest, uint32_t id)
{
    uint32_t own = qbid_keymap_find(&contest->map, 0, id);
    uint32_t whole = qbid_keymap_find(&contest->map, 0, QBID_CONTEST_ACCOUNT);
    if (own != QBID_KEYMAP_NONE) {
        decide(&contest->entry[own]);
        if (contest->entry[own].chosen < UNDECIDED)
            return (enum qbid_contest_way)contest->entry[own].chosen;
    }
    if (whole == QBID_KEYMAP_NONE)
        return QBID_CONTEST_TREE;
    decide(&contest->entry[whole]);
    uint32_t chosen = contest->entry[whole].chosen;
    return chosen < UNDECIDED ? (enum qbid_contest_way)chosen : QBID_CONTEST_TREE;
}
