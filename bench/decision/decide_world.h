/* SPDX-License-Identifier: Apache-2.0 */
/* The account that the decision benchmark decides with: 10,000 line items, 65,536 contexts drawn by
 * Zipf's law, K candidates for each, in a sealed memory file of about 100 MB. */
#ifndef QBID_BENCH_DECISION_DECIDE_WORLD_H
#define QBID_BENCH_DECISION_DECIDE_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "shm/image.h"
#include "shm/live.h"
#include "shm/page.h"
#include "shm/request.h"

#define BENCH_LINE_ITEMS 10000
#define BENCH_CONTEXTS 65536
#define BENCH_BUDGETS 1000
#define BENCH_ORDER 524288 /* contexts of the request stream, repeated; a power of two */
#define BENCH_SEGMENTS 32
#define BENCH_BLOCKS 8
#define BENCH_Q_GROUPS 100

enum bench_dim_values {
    BENCH_EXCHANGES = 4,
    BENCH_SLOTS = 4,
    BENCH_GEOS = 64,
    BENCH_SITES = 64,
    BENCH_DEVICES = 8,
    BENCH_POSITIONS = 4,
    BENCH_HOURS = 168,
    BENCH_VALUES_MAX = 168
};

/* A context is these four; the others vary by request. */
struct bench_context {
    uint32_t exchange, slot, geo, site; /* BENCH_NO_SITE: rows of coarser levels */
};
#define BENCH_NAME_LEN 4
#define BENCH_NO_SITE UINT32_MAX
#define BENCH_NO_GEO UINT32_MAX

struct bench_list {
    const uint32_t *line_item_idx;
    uint32_t cnt;
    uint32_t level; /* of the row that the list comes from */
};

struct bench_formula;
struct bench_naive;

struct bench_world {
    unsigned k;
    int image_fd[2]; /* sealed, equal but for the generation */
    size_t image_bytes;
    struct qbid_live live;
    struct qbid_page page;
    struct bench_naive *naive;
    struct bench_list list[BENCH_CONTEXTS]; /* candidates, for those who are handed them */
    struct bench_formula *formula;
    uint16_t order[BENCH_ORDER];                   /* contexts of the stream by Zipf's law */
    uint16_t uniform[BENCH_ORDER];                 /* each context as often as any other */
    uint64_t hash[QBID_DIM_CNT][BENCH_VALUES_MAX]; /* raw values, from 0 */
    uint64_t badv[BENCH_BLOCKS], bcat[BENCH_BLOCKS];
};

/** The world of K candidates; built at the first call, kept until the process ends. */
const struct bench_world *bench_world_get(unsigned k);

static inline struct bench_context bench_context_of(uint32_t number)
{
    return (struct bench_context){number & 3, number >> 2 & 3, number >> 4 & 63, number >> 10 & 63};
}

/** Raw value number i of any dimension: "v042". */
static inline void bench_value_name(uint32_t i, char out[BENCH_NAME_LEN])
{
    out[0] = 'v';
    out[1] = (char)('0' + i / 100);
    out[2] = (char)('0' + i / 10 % 10);
    out[3] = (char)('0' + i % 10);
}

/** Make *request request number `at` of a stream, world->order or ->uniform. All but what varies
 * was set by bench_request_init(). */
static inline void bench_request_next(const struct bench_world *world, const uint16_t *order,
                                      uint64_t at, struct qbid_request *request)
{
    struct bench_context context = bench_context_of(order[at & (BENCH_ORDER - 1)]);
    uint64_t random = qbid_mix64(at);
    request->id_hash = random;
    request->dim[QBID_DIM_EXCHANGE] = world->hash[QBID_DIM_EXCHANGE][context.exchange];
    request->dim[QBID_DIM_GEO] = world->hash[QBID_DIM_GEO][context.geo];
    request->dim[QBID_DIM_SITE] = world->hash[QBID_DIM_SITE][context.site];
    request->dim[QBID_DIM_DEVICE] = world->hash[QBID_DIM_DEVICE][random & 7];
    request->dim[QBID_DIM_POSITION] = world->hash[QBID_DIM_POSITION][random >> 3 & 3];
    request->dim[QBID_DIM_HOUR] = world->hash[QBID_DIM_HOUR][100 + (random >> 5 & 1)];
    request->slot[0] = world->hash[QBID_DIM_SLOT][context.slot];
    for (unsigned i = 0; i < 3; i++)
        request->segment[i] = world->hash[QBID_DIM_SEGMENT][random >> (8 + 5 * i) & 31];
}

void bench_request_init(const struct bench_world *world, struct qbid_request *request);

/** Expected value of an impression, finest known level first: (slot, site), (geo), (exchange), the
 *  line item's own. ret_level says which. */
float bench_value(uint32_t line_item_idx, struct bench_context context, unsigned *ret_level);

/** Whether a value of its own is known for this level (0, 1, 2) of a line item. */
int bench_value_known(uint32_t line_item_idx, unsigned level, uint32_t a, uint32_t b,
                      float *ret_value);

float bench_line_item_value(uint32_t line_item_idx);

/** What control folds into the live page: cap x best of the Q row's multipliers. */
float bench_pace(uint32_t line_item_idx, const float multiplier[QBID_QROW_ACTIONS]);
void bench_q_multipliers(uint32_t line_item_idx, float ret_multiplier[QBID_QROW_ACTIONS]);

#endif
