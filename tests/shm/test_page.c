/* SPDX-License-Identifier: Apache-2.0 */
/* The worker page: every word has its own place, and a hostile worker's page is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "shm/live.h"
#include "shm/page.h"

static void *format(uint32_t budget_max, unsigned lg_events, struct qbid_page *ret_page,
                    size_t *ret_bytes)
{
    int64_t bytes = qbid_page_footprint(budget_max, lg_events);
    assert_true(bytes > 0 && bytes % QBID_CACHE_LINE == 0);
    void *base = aligned_alloc(QBID_CACHE_LINE, (size_t)bytes);
    memset(base, 0, (size_t)bytes);
    assert_int_equal(qbid_page_format(base, budget_max, lg_events, ret_page), 0);
    *ret_bytes = (size_t)bytes;
    return base;
}

static void every_word_has_a_place_of_its_own(void **state)
{
    (void)state;
    const uint32_t budgets[] = {1, 9, 1000};
    for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++) {
        struct qbid_page worker, control;
        struct qbid_event out[64];
        size_t bytes;
        void *base = format(budgets[b], QBID_PAGE_RING_LG_MIN, &worker, &bytes);
        for (uint32_t i = 0; i < budgets[b]; i++)
            atomic_store_explicit(&worker.committed[i], 100 + i, memory_order_relaxed);
        for (uint32_t i = 0; i < budgets[b]; i++)
            atomic_store_explicit(&worker.refused[i], 5000 + i, memory_order_relaxed);
        for (int c = 0; c < QBID_COUNTER_CNT; c++)
            qbid_count_add(&worker.header->counter[c], (uint64_t)(1000 + c));
        for (int c = 0; c < QBID_NOBID_CNT; c++)
            qbid_count_add(&worker.header->nobid[c], (uint64_t)(2000 + c));
        for (int c = 0; c < QBID_PRIVACY_REASON_CNT; c++)
            qbid_count_add(&worker.header->privacy[c], (uint64_t)(3000 + c));
        for (uint64_t i = 0; i < 64; i++)
            assert_true(qbid_page_push(&worker, &(struct qbid_event){.nonce = i, .kind = 1}));
        assert_false(qbid_page_push(&worker, &(struct qbid_event){.nonce = 64}));
        qbid_page_count(&worker, QBID_COUNTER_BIDS);
        for (uint32_t k = 0; k < QBID_LATENCY_CNT; k++)
            qbid_latency_add(&worker.latency[k], UINT64_C(1) << 40, 1 + k);

        assert_int_equal(qbid_page_attach(base, bytes, &control), 0);
        assert_ptr_equal(control.header, base);
        assert_int_equal(control.budget_max, budgets[b]);
        assert_int_equal(qbid_ring_pop(control.ring, control.events, control.event_mask, out, 64),
                         64);
        for (uint64_t i = 0; i < 64; i++)
            assert_true(out[i].nonce == i && out[i].kind == 1);
        for (uint32_t i = 0; i < budgets[b]; i++)
            assert_true(control.committed[i] == 100 + i && control.refused[i] == 5000 + i);
        for (unsigned c = 0; c < QBID_COUNTER_CNT; c++)
            assert_int_equal(control.header->counter[c], 1000 + c + (c == QBID_COUNTER_BIDS));
        for (unsigned c = 0; c < QBID_NOBID_CNT; c++)
            assert_int_equal(control.header->nobid[c], 2000 + c);
        for (unsigned c = 0; c < QBID_PRIVACY_REASON_CNT; c++)
            assert_int_equal(control.header->privacy[c], 3000 + c);
        for (unsigned k = 0; k < QBID_LATENCY_CNT; k++) {
            struct qbid_latency_view view;
            qbid_latency_load(&control.latency[k], &view);
            assert_true(view.count == 1 + k && view.sum_ns == UINT64_C(1) << 40);
            assert_int_equal(view.bucket[QBID_LATENCY_BUCKETS - 1], 1 + k);
        }
        assert_int_equal(control.ring->drops, 1);
        free(base);
    }
}

static void shapes_outside_the_limits_are_refused(void **state)
{
    (void)state;
    struct qbid_page page;
    assert_int_equal(qbid_page_footprint(0, 10), QBID_ERR_LIMIT);
    assert_int_equal(qbid_page_footprint(QBID_LIVE_BUDGETS_MAX + 1, 10), QBID_ERR_LIMIT);
    assert_int_equal(qbid_page_footprint(1, QBID_PAGE_RING_LG_MIN - 1), QBID_ERR_LIMIT);
    assert_int_equal(qbid_page_footprint(1, QBID_PAGE_RING_LG_MAX + 1), QBID_ERR_LIMIT);
    assert_int_equal(qbid_page_format(NULL, 1, 64, &page), QBID_ERR_LIMIT);
    assert_true(qbid_page_footprint(QBID_LIVE_BUDGETS_MAX, QBID_PAGE_RING_LG_MAX) > (int64_t)64
                                                                                        << 20);
}

/* Whether a reader may accept a change of this byte: it means nothing to it, or it names another
 * shape that fits in the same bytes. */
static int harmless(size_t off, const struct qbid_page *page, size_t bytes)
{
    if (off >= offsetof(struct qbid_page_header, budget_max) &&
        off < offsetof(struct qbid_page_header, id))
        return qbid_page_footprint(page->budget_max, 6) == (int64_t)bytes;
    return (off >= offsetof(struct qbid_page_header, abi_minor) &&
            off < offsetof(struct qbid_page_header, lg_events)) ||
           (off >= offsetof(struct qbid_page_header, id) &&
            off < offsetof(struct qbid_page_header, committed_off));
}

static void every_change_of_a_header_byte_that_matters_is_refused(void **state)
{
    (void)state;
    struct qbid_page page;
    size_t bytes;
    unsigned char *base = format(8, 6, &page, &bytes);
    unsigned refused = 0;
    for (size_t off = 0; off < offsetof(struct qbid_page_header, heartbeat_ns); off++) {
        for (unsigned change = 1; change < 256; change++) {
            base[off] ^= (unsigned char)change;
            int rc = qbid_page_attach(base, bytes, &page);
            base[off] ^= (unsigned char)change;
            refused += rc != 0;
            assert_true(rc == 0 ? harmless(off, &page, bytes)
                                : rc == QBID_ERR_VERSION || rc == QBID_ERR_CORRUPT);
        }
    }
    assert_true(refused > 50 * 255); /* magic, major, fingerprint, size, three offsets, shape */
    free(base);
}

static void pages_of_another_size_or_alignment_are_refused(void **state)
{
    (void)state;
    struct qbid_page page;
    size_t bytes;
    unsigned char *base = format(8, 6, &page, &bytes);
    assert_int_equal(qbid_page_attach(base, 0, &page), QBID_ERR_CORRUPT);
    assert_int_equal(qbid_page_attach(base, sizeof *page.header - 1, &page), QBID_ERR_CORRUPT);
    assert_int_equal(qbid_page_attach(base, bytes - 64, &page), QBID_ERR_CORRUPT);
    assert_int_equal(qbid_page_attach(base, bytes + 64, &page), QBID_ERR_CORRUPT);
    assert_int_equal(qbid_page_attach(base + 8, bytes, &page), QBID_ERR_INVAL);
    free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_has_a_place_of_its_own),
        cmocka_unit_test(shapes_outside_the_limits_are_refused),
        cmocka_unit_test(every_change_of_a_header_byte_that_matters_is_refused),
        cmocka_unit_test(pages_of_another_size_or_alignment_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
