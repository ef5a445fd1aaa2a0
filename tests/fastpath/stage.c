/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the table, the live page and the worker page that a test decides with. */
#include "tests/fastpath/stage.h"

#include <stdlib.h>
#include <string.h>

#include "shm/hash.h"

#define SLOT "banner:300x250"

/* For a whole program: its tests open stages without a word on it. */
static enum qbid_isa chosen_isa = QBID_ISA_CNT;

void stage_use_isa(enum qbid_isa isa)
{
    chosen_isa = isa;
}

static void require(int condition)
{
    if (!condition)
        abort();
}

static void *zeroed(int64_t bytes, size_t *ret_bytes)
{
    require(bytes > 0);
    *ret_bytes = (size_t)bytes;
    size_t whole = (*ret_bytes + 63) / 64 * 64;
    void *base = aligned_alloc(64, whole);
    require(base != NULL);
    memset(base, 0, whole);
    return base;
}

void stage_init(struct stage *s)
{
    memset(s, 0, sizeof *s);
    image_fixture_init(&s->f);
    s->f.header.gen = 77;
    require(image_fixture_value(&s->f, QBID_DIM_SLOT, SLOT) == 1);
}

void stage_open(struct stage *s)
{
    s->image_base = image_fixture_build(&s->f, &s->image_bytes);
    require(qbid_image_attach(s->image_base, s->image_bytes, &s->image) == 0);

    uint32_t items = s->line_item_max ? s->line_item_max : s->f.line_items.cnt;
    items = items ? items : 1;
    struct qbid_live_shape shape = {items, STAGE_BUDGETS, STAGE_WORKERS};
    if (s->counting) {
        size_t bytes;
        s->live_base =
            zeroed(qbid_live_footprint_counting(shape, STAGE_LG_BUCKETS), &s->live_bytes);
        require(qbid_live_format_counting(s->live_base, shape, STAGE_LG_BUCKETS, 1, &s->live) == 0);
        atomic_store(&s->live.frequency.header->salt, 12345);
        atomic_store(&s->live.frequency.header->minute, STAGE_MINUTE);
        s->exposures = zeroed(sizeof *s->exposures, &bytes);
    } else {
        s->live_base = zeroed(qbid_live_footprint(shape), &s->live_bytes);
        require(qbid_live_format(s->live_base, shape, 1, &s->live) == 0);
    }
    for (uint32_t i = 0; i < items; i++)
        qbid_live_set_pace(&s->live, i, 1.0f);
    for (uint32_t b = 0; b < STAGE_BUDGETS; b++)
        stage_set_limit(s, b, STAGE_LIMIT_NANOS);
    atomic_store(&s->live.lease[STAGE_SLOT].valid_until_ns, STAGE_NOW_NS + 1);

    s->page_base =
        zeroed(qbid_page_footprint(STAGE_BUDGETS, QBID_PAGE_RING_LG_MIN), &s->page_bytes);
    require(qbid_page_format(s->page_base, STAGE_BUDGETS, QBID_PAGE_RING_LG_MIN, &s->page) == 0);
    enum qbid_isa isa = chosen_isa == QBID_ISA_CNT ? qbid_isa_best() : chosen_isa;
    s->view = (struct qbid_view){.image = &s->image,
                                 .live = &s->live,
                                 .page = &s->page,
                                 .deadline_ns = STAGE_NOW_NS + 1,
                                 .slot = STAGE_SLOT,
                                 .uid = STAGE_UID,
                                 .isa = (uint8_t)isa,
                                 .exposures = s->exposures};
}

void stage_done(struct stage *s)
{
    image_fixture_done(&s->f);
    free(s->image_base);
    free(s->live_base);
    free(s->page_base);
    free(s->exposures);
}

struct qbid_request stage_request(void)
{
    struct qbid_request request = {.id_hash = 1, .auction = QBID_AUCTION_SECOND_PRICE};
    request.slot[0] = stage_hash(QBID_DIM_SLOT, SLOT);
    request.slot_cnt = 1;
    return request;
}

uint32_t stage_line_item(struct stage *s, struct qbid_line_item item)
{
    const double whole = 1;
    item.flags = QBID_LINE_ITEM_ACTIVE | QBID_LINE_ITEM_SECURE;
    uint32_t idx = image_fixture_line_item(&s->f, item);
    uint32_t creative = image_fixture_creative(
        &s->f, &(struct image_fixture_creative){
                   .id = 1000 + item.id, .line_item_id = item.id, .slot_idx = 1});
    image_fixture_draws(&s->f, idx, 1, 1, &creative, &whole);
    return idx;
}

uint64_t stage_hash(unsigned dim, const char *raw)
{
    return qbid_hash_dim(dim, raw, strlen(raw));
}

void stage_set_limit(struct stage *s, uint32_t budget_idx, int64_t nanos)
{
    atomic_store(&s->live.limit[STAGE_SLOT * STAGE_BUDGETS + budget_idx], nanos);
}

int64_t stage_committed(const struct stage *s, uint32_t budget_idx)
{
    return atomic_load(&s->page.committed[budget_idx]);
}

enum qbid_nobid stage_decide(struct stage *s, const struct qbid_request *request,
                             struct qbid_decision *ret_decision)
{
    return qbid_decide_one(&s->view, request, STAGE_NOW_NS, ret_decision, NULL);
}
