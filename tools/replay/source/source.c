/* SPDX-License-Identifier: Apache-2.0 */
/* An order over a log's rows, or a counter over the generator's; halves by the parity of a hash. */
#include "tools/replay/source/source.h"

#include <stdlib.h>

#include "shm/error.h"

struct keyed {
    uint64_t key;
    uint32_t row;
};

static int compare_keyed(const void *a, const void *b)
{
    const struct keyed *left = a, *right = b;
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return left->row < right->row ? -1 : left->row > right->row;
}

static bool in_half(const struct qbid_replay_split *split, const struct qbid_replay_row *row)
{
    if (split->half == QBID_REPLAY_HALF_BOTH)
        return true;
    uint64_t odd = qbid_replay_row_hash(row, split->seed) & 1;
    return odd == (split->half == QBID_REPLAY_HALF_B);
}

static int order_log(struct qbid_replay_source *source,
                     const struct qbid_replay_source_terms *terms)
{
    size_t all = qbid_replay_log_query(source->log).rows;
    struct keyed *keyed = malloc(all * sizeof *keyed);
    size_t cnt = 0;
    if (!keyed)
        return QBID_ERR_NOMEM;
    for (size_t i = 0; i < all; i++) {
        struct qbid_replay_row row;
        qbid_replay_log_load(source->log, i, &row);
        if (!in_half(&source->split, &row))
            continue;
        keyed[cnt].key = terms->order == QBID_REPLAY_ORDER_HASH
                             ? qbid_replay_row_hash(&row, terms->order_seed)
                             : row.timestamp;
        keyed[cnt++].row = (uint32_t)i;
    }
    qsort(keyed, cnt, sizeof *keyed, compare_keyed);
    if (terms->count_max != 0 && cnt > terms->count_max)
        cnt = (size_t)terms->count_max;
    source->rows = malloc((cnt ? cnt : 1) * sizeof *source->rows);
    for (size_t i = 0; source->rows && i < cnt; i++)
        source->rows[i] = keyed[i].row;
    source->count = cnt;
    free(keyed);
    if (!source->rows)
        return QBID_ERR_NOMEM;
    return cnt ? 0 : QBID_ERR_NOENT;
}

int qbid_replay_source_init(struct qbid_replay_source *source, const struct qbid_replay_log *log,
                            const struct qbid_replay_generator *generator,
                            const struct qbid_replay_source_terms *terms)
{
    *source = (struct qbid_replay_source){
        .log = log, .generator = generator, .split = terms->split, .count = terms->count_max};
    if (!log)
        return terms->order == QBID_REPLAY_ORDER_TIME ? 0 : QBID_ERR_INVAL;
    int err = order_log(source, terms);
    if (err)
        qbid_replay_source_done(source);
    return err;
}

void qbid_replay_source_done(struct qbid_replay_source *source)
{
    free(source->rows);
    *source = (struct qbid_replay_source){0};
}

bool qbid_replay_source_next(struct qbid_replay_source *source, uint64_t *ret_number)
{
    if (source->count != 0 && source->given == source->count)
        return false;
    if (source->log) {
        *ret_number = source->rows[source->next++];
    } else {
        struct qbid_replay_row row;
        do {
            *ret_number = source->next++;
            if (source->split.half == QBID_REPLAY_HALF_BOTH)
                break;
            qbid_replay_generator_load(source->generator, *ret_number, &row);
        } while (!in_half(&source->split, &row));
    }
    source->given++;
    return true;
}

void qbid_replay_source_rewind(struct qbid_replay_source *source)
{
    source->given = 0;
    source->next = 0;
}

void qbid_replay_source_load(const struct qbid_replay_source *source, uint64_t number,
                             struct qbid_replay_row *ret_row)
{
    if (source->log)
        qbid_replay_log_load(source->log, (size_t)number, ret_row);
    else
        qbid_replay_generator_load(source->generator, number, ret_row);
}
