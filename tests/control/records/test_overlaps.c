/* SPDX-License-Identifier: Apache-2.0 */
/* Overlaps of audiences against a count of every bid, and their intervals against the truth of a
 * world whose contexts are drawn again and again. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/records/overlaps.h"
#include "shm/units.h"
#include "tests/control/models/rng.h"

#define NOW_NS (UINT64_C(40) * 86400 * QBID_NS_PER_S)
#define ITEMS 5
#define DEVICES 6
#define SITES 40
#define MASK (qbid_dim_mask(QBID_DIM_DEVICE) | qbid_dim_mask(QBID_DIM_SITE))

/* Whom each line item takes: devices by bit (0 = all), and site 7 not. */
static const struct {
    uint32_t devices;
    bool not_site_7, hours;
} wanted[ITEMS] = {{0, false, false},
                   {0x06, false, false},
                   {0x0c, true, false},
                   {0x40, false, false},
                   {0x06, false, true}};

struct world {
    struct qbid_dictionary *dictionary;
    struct qbid_campaign_def campaign[2];
    struct qbid_line_item_def item[ITEMS + 1]; /* the last is another tenant's */
    struct qbid_account account;
    struct qbid_snapshot *snapshot;
    double bids[DEVICES + 1][SITES + 1];
    struct qbid_store_overlap overlap[ITEMS * ITEMS];
    int cnt;
};

static void target_add(struct qbid_target_def *target, const char *value)
{
    target->value = realloc(target->value, (target->cnt + 1) * sizeof *target->value);
    target->value[target->cnt++] = strdup(value);
}

static void world_init(struct world *w)
{
    char text[32];
    struct qbid_snapshot_params params = {4096, MASK};
    memset(w, 0, sizeof *w);
    assert_int_equal(qbid_dictionary_new(&w->dictionary), 0);
    for (int v = 1; v <= DEVICES; v++) {
        snprintf(text, sizeof text, "%d/os", v);
        assert_int_equal(qbid_dictionary_add(w->dictionary, QBID_DIM_DEVICE, text), v);
    }
    for (int v = 1; v <= SITES; v++) {
        snprintf(text, sizeof text, "s%d.example", v);
        assert_int_equal(qbid_dictionary_add(w->dictionary, QBID_DIM_SITE, text), v);
    }
    for (uint32_t c = 0; c < 2; c++)
        w->campaign[c] =
            (struct qbid_campaign_def){.id = 1 + c, .tenant_id = 3 + c, .active = true};
    for (uint32_t i = 0; i <= ITEMS; i++) {
        struct qbid_line_item_def *item = &w->item[i];
        *item = (struct qbid_line_item_def){
            .id = 10 + i, .campaign_id = i < ITEMS ? 1 : 2, .active = true};
        for (int v = 1; i < ITEMS && v <= DEVICES; v++) {
            snprintf(text, sizeof text, "%d/os", v);
            if (wanted[i].devices >> v & 1)
                target_add(&item->target[QBID_DIM_DEVICE], text);
        }
        if (i < ITEMS && wanted[i].not_site_7)
            target_add(&item->target[QBID_DIM_SITE], "!s7.example");
        if (i < ITEMS && wanted[i].hours)
            target_add(&item->target[QBID_DIM_HOUR], "12");
    }
    w->account = (struct qbid_account){.campaigns = w->campaign,
                                       .campaign_cnt = 2,
                                       .line_items = w->item,
                                       .line_item_cnt = ITEMS + 1};
    assert_int_equal(qbid_snapshot_new(&params, &w->snapshot), 0);
}

static void world_done(struct world *w)
{
    for (int i = 0; i < ITEMS; i++)
        for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
            for (uint32_t v = 0; v < w->item[i].target[dim].cnt; v++)
                free(w->item[i].target[dim].value[v]);
            free(w->item[i].target[dim].value);
        }
    qbid_snapshot_free(w->snapshot);
    qbid_dictionary_free(w->dictionary);
}

static bool takes(int item, int device, int site)
{
    bool asked = wanted[item].devices == 0 || (wanted[item].devices >> device & 1);
    return asked && !(wanted[item].not_site_7 && site == 7);
}

static void bid(struct world *w, int item, int device, int site, uint64_t time_ns)
{
    uint64_t context = qbid_dim_pack(0, QBID_DIM_DEVICE, (uint32_t)device);
    struct qbid_outcome o = {.kind = QBID_EVENT_BID,
                             .line_item_id = w->item[item].id,
                             .creative_id = 1,
                             .context = qbid_dim_pack(context, QBID_DIM_SITE, (uint32_t)site),
                             .time_ns = time_ns};
    qbid_snapshot_post(w->snapshot, &o, item < ITEMS ? 1 : 2, 0);
    if (item < ITEMS && time_ns == NOW_NS)
        w->bids[device][site]++;
}

static int take(void *context, const struct qbid_store_overlap *overlap)
{
    struct world *w = context;
    assert_true(w->cnt < ITEMS * ITEMS && overlap->tenant == 3);
    assert_true(overlap->line_item < overlap->other);
    w->overlap[w->cnt++] = *overlap;
    return 0;
}

static int measure(struct world *w)
{
    struct qbid_overlaps_inputs in = {&w->account, w->snapshot, w->dictionary, NOW_NS, 1000, 2000};
    w->cnt = 0;
    return qbid_overlaps_measure(&in, take, w);
}

static void every_pair_is_a_count_of_bids(void **state)
{
    struct world w;
    struct rng rng = rng_init(1);
    (void)state;
    world_init(&w);
    for (int n = 0; n < 4000; n++) {
        int device = 1 + (int)(rng_uniform(&rng) * DEVICES);
        int site = 1 + (int)(rng_uniform(&rng) * rng_uniform(&rng) * SITES);
        bid(&w,
            takes(3, device, site)            ? 3
            : takes(1, device, site) && n % 2 ? 1
                                              : 0,
            device, site, NOW_NS);
    }
    for (int n = 0; n < 200; n++) {
        bid(&w, n % 2 ? 2 : 4, 2, 1 + n % 6, NOW_NS);
        bid(&w, 0, 5, 3, NOW_NS - UINT64_C(30) * 3600 * QBID_NS_PER_S); /* of another day */
        bid(&w, ITEMS, 4, 4, NOW_NS); /* another tenant's: it has one line item and no pairs */
    }
    assert_int_equal(measure(&w), ITEMS * (ITEMS - 1) / 2);
    for (int p = 0; p < w.cnt; p++) {
        const struct qbid_store_overlap *o = &w.overlap[p];
        int a = (int)o->line_item - 10, b = (int)o->other - 10;
        double one = 0, other = 0, both = 0, either = 0;
        for (int device = 1; device <= DEVICES; device++)
            for (int site = 1; site <= SITES; site++) {
                double n = w.bids[device][site];
                one += takes(a, device, site) * n;
                other += takes(b, device, site) * n;
                both += (takes(a, device, site) && takes(b, device, site)) * n;
                either += (takes(a, device, site) || takes(b, device, site)) * n;
            }
        assert_true(o->bids == one && o->other_bids == other && o->both_bids == both);
        assert_true(fabs(o->jaccard - both / either) < 1e-12);
        assert_true(fabs(o->contained - both / one) < 1e-12);
        assert_true(fabs(o->other_contained - both / other) < 1e-12);
        assert_true(o->low <= o->jaccard && o->jaccard <= o->high && o->low >= 0 && o->high <= 1);
        assert_true(o->high > 0 && (o->low < 1 || both < either));
        assert_true(o->bound == (b == 4) && o->from_unix_s == 1000 && o->to_unix_s == 2000);
    }
    world_done(&w);
}

/* Sites' sizes are drawn; the truth is the share over all sites there could be. */
static void the_interval_holds_the_truth_nine_times_in_ten(void **state)
{
    struct rng rng = rng_init(2);
    int held = 0, runs = 200;
    (void)state;
    for (int run = 0; run < runs; run++) {
        struct world w;
        world_init(&w);
        for (int site = 1; site <= SITES; site++) { /* a site has one kind of device */
            bool shared = rng_uniform(&rng) < 0.4;
            int device = shared ? 2 : rng_uniform(&rng) < 0.5 ? 1 : 3;
            int n = 1 + (int)(-8 * log(rng_uniform(&rng)));
            for (int i = 0; i < n; i++)
                bid(&w, 1 + i % 2, device, site == 7 ? 8 : site, NOW_NS);
        }
        assert_true(measure(&w) > 0);
        for (int p = 0; p < w.cnt; p++)
            if (w.overlap[p].line_item == 11 && w.overlap[p].other == 12)
                held += w.overlap[p].low <= 0.4 && 0.4 <= w.overlap[p].high;
        world_done(&w);
    }
    print_message("the interval held the truth in %d of %d\n", held, runs);
    assert_true(held >= 0.84 * runs && held <= 0.96 * runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_is_a_count_of_bids),
        cmocka_unit_test(the_interval_holds_the_truth_nine_times_in_ten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
