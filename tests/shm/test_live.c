/* SPDX-License-Identifier: Apache-2.0 */
/* The live page: every word has its own place inside the page, and damaged pages are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "shm/image.h"
#include "shm/live.h"

static void *format(struct qbid_live_shape shape, struct qbid_live *ret_live, size_t *ret_bytes)
{
    int64_t bytes = qbid_live_footprint(shape);
    assert_true(bytes > 0 && bytes % QBID_CACHE_LINE == 0);
    void *base = aligned_alloc(QBID_CACHE_LINE, (size_t)bytes);
    memset(base, 0, (size_t)bytes);
    assert_int_equal(qbid_live_format(base, shape, 4711, ret_live), 0);
    *ret_bytes = (size_t)bytes;
    return base;
}

/* Write a different number into every word, then read all of them through another attachment. */
static void every_word_has_a_place_of_its_own(void **state)
{
    (void)state;
    const struct qbid_live_shape shapes[] = {{1, 1, 1}, {17, 3, 2}, {100, 33, 7}, {1, 1000, 256}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        struct qbid_live_shape shape = shapes[s];
        struct qbid_live writer, reader;
        size_t bytes;
        void *base = format(shape, &writer, &bytes);
        for (uint32_t i = 0; i < shape.line_item_max; i++) {
            qbid_live_set_pace(&writer, i, 1.5f + (float)i);
            atomic_store_explicit(&writer.qstate[i], (uint8_t)(70 + i), memory_order_relaxed);
        }
        for (uint32_t i = 0; i < shape.worker_max * shape.budget_max; i++)
            atomic_store_explicit(&writer.limit[i], -1 - (int64_t)i, memory_order_release);
        for (uint32_t w = 0; w < shape.worker_max; w++)
            atomic_store_explicit(&writer.lease[w].valid_until_ns, 9000 + w, memory_order_release);
        for (uint32_t i = 0; i < shape.line_item_max; i++)
            qbid_live_set_override(&writer, i, 1.5f + (float)i, 500 + i, -3.0f - (float)i);
        qbid_live_set_override_until(&writer, 77);
        atomic_store_explicit(&writer.header->heartbeat_ns, 99, memory_order_relaxed);

        assert_int_equal(qbid_live_attach(base, bytes, &reader), 0);
        assert_ptr_equal(reader.header, base);
        assert_memory_equal(&reader.shape, &shape, sizeof shape);
        assert_int_equal(reader.header->owner_pid, 4711);
        for (uint32_t i = 0; i < shape.line_item_max; i++) {
            assert_true(qbid_live_pace(&reader, i) == 1.5f + (float)i);
            assert_int_equal(reader.qstate[i], 70 + i);
            assert_true(qbid_live_pace_at(&reader, i, 499 + i) == 1.5f + (float)i);
            assert_true(qbid_live_pace_at(&reader, i, 500 + i) == -3.0f - (float)i);
            qbid_live_end_override(&writer, i);
            assert_true(qbid_live_pace_at(&reader, i, UINT64_MAX) == 1.5f + (float)i);
        }
        for (uint32_t i = 0; i < shape.worker_max * shape.budget_max; i++)
            assert_true(reader.limit[i] == -1 - (int64_t)i);
        for (uint32_t w = 0; w < shape.worker_max; w++) {
            assert_int_equal(reader.lease[w].valid_until_ns, 9000 + w);
            assert_int_equal(reader.lease[w].override_until_ns, 77);
            assert_int_equal((uintptr_t)&reader.lease[w] % QBID_CACHE_LINE, 0);
        }
        free(base);
    }
}

static void a_new_page_gives_no_pace_and_no_lease(void **state)
{
    (void)state;
    struct qbid_live live;
    size_t bytes;
    void *base = format((struct qbid_live_shape){50, 5, 3}, &live, &bytes);
    for (uint32_t i = 0; i < 50; i++)
        assert_true(qbid_live_pace(&live, i) == 0.0f);
    for (uint32_t w = 0; w < 3; w++)
        assert_int_equal(live.lease[w].valid_until_ns, 0);
    free(base);
}

static void shapes_over_the_maxima_are_refused(void **state)
{
    (void)state;
    const struct qbid_live_shape bad[] = {
        {0, 1, 1},
        {1, 0, 1},
        {1, 1, 0},
        {QBID_LINE_ITEMS_MAX + 1, 1, 1},
        {1, QBID_LIVE_BUDGETS_MAX + 1, 1},
        {1, 1, QBID_LIVE_WORKERS_MAX + 1},
        {UINT32_MAX, UINT32_MAX, UINT32_MAX},
    };
    struct qbid_live live;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(qbid_live_footprint(bad[i]), QBID_ERR_LIMIT);
        assert_int_equal(qbid_live_format(NULL, bad[i], 1, &live), QBID_ERR_LIMIT);
    }
    struct qbid_live_shape most = {QBID_LINE_ITEMS_MAX, QBID_LIVE_BUDGETS_MAX,
                                   QBID_LIVE_WORKERS_MAX};
    assert_true(qbid_live_footprint(most) > (int64_t)8 * 65536 * 256);
}

/* Whether a reader may accept a change of this byte: it means nothing to it, or it names another
 * shape that fits in the same bytes. */
static int harmless(size_t off, const struct qbid_live *live, size_t bytes)
{
    if (off >= offsetof(struct qbid_live_header, line_item_max) &&
        off < offsetof(struct qbid_live_header, frequency_lg))
        return qbid_live_footprint(live->shape) == (int64_t)bytes;
    return (off >= offsetof(struct qbid_live_header, abi_minor) &&
            off < offsetof(struct qbid_live_header, fingerprint)) ||
           off >= offsetof(struct qbid_live_header, override_off) + sizeof(uint64_t);
}

static void every_change_of_a_header_byte_that_matters_is_refused(void **state)
{
    (void)state;
    struct qbid_live live;
    size_t bytes;
    unsigned char *base = format((struct qbid_live_shape){64, 8, 4}, &live, &bytes);
    unsigned refused = 0;
    for (size_t off = 0; off < offsetof(struct qbid_live_header, heartbeat_ns); off++) {
        for (unsigned change = 1; change < 256; change++) {
            base[off] ^= (unsigned char)change;
            int rc = qbid_live_attach(base, bytes, &live);
            base[off] ^= (unsigned char)change;
            refused += rc != 0;
            assert_true(rc == 0 ? harmless(off, &live, bytes)
                                : rc == QBID_ERR_VERSION || rc == QBID_ERR_CORRUPT);
        }
    }
    assert_true(refused > 73 * 255); /* magic, major, fingerprint, size, five offsets, shape */
    free(base);
}

static void pages_of_another_size_or_alignment_are_refused(void **state)
{
    (void)state;
    struct qbid_live live;
    size_t bytes;
    unsigned char *base = format((struct qbid_live_shape){64, 8, 4}, &live, &bytes);
    assert_int_equal(qbid_live_attach(base, 0, &live), QBID_ERR_CORRUPT);
    assert_int_equal(qbid_live_attach(base, sizeof *live.header - 1, &live), QBID_ERR_CORRUPT);
    assert_int_equal(qbid_live_attach(base, bytes - 64, &live), QBID_ERR_CORRUPT);
    assert_int_equal(qbid_live_attach(base, bytes + 64, &live), QBID_ERR_CORRUPT);
    assert_int_equal(qbid_live_attach(base + 8, bytes, &live), QBID_ERR_INVAL);
    free(base);
}

static void a_table_of_exposures_lies_behind_everything_else(void **state)
{
    (void)state;
    struct qbid_live_shape shape = {17, 3, 2};
    struct qbid_live live, seen;
    int64_t plain = qbid_live_footprint(shape), bytes = qbid_live_footprint_counting(shape, 5);
    assert_int_equal(bytes, plain + 64 + 32 * 8 * 8);
    unsigned char *base = aligned_alloc(64, (size_t)bytes);
    memset(base, 0, (size_t)bytes);
    assert_int_equal(qbid_live_format_counting(base, shape, 5, 1, &live), 0);
    assert_ptr_equal(live.frequency.header, base + plain);
    assert_ptr_equal(live.frequency.words, base + plain + 64);
    assert_int_equal(live.frequency.bucket_mask, 31);
    assert_int_equal(qbid_live_attach(base, (size_t)bytes, &seen), 0);
    assert_ptr_equal(seen.frequency.words, live.frequency.words);
    assert_int_equal(seen.frequency.bucket_mask, 31);
    assert_int_equal(qbid_live_attach(base, (size_t)plain, &seen), QBID_ERR_CORRUPT);
    assert_int_equal(qbid_live_footprint_counting(shape, QBID_FREQUENCY_LG_MAX + 1),
                     QBID_ERR_LIMIT);
    assert_int_equal(qbid_live_format_counting(base, shape, QBID_FREQUENCY_LG_MAX + 1, 1, &seen),
                     QBID_ERR_LIMIT);
    assert_true(qbid_live_footprint_counting(shape, QBID_FREQUENCY_LG_MAX) > INT64_C(1) << 30);
    free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_has_a_place_of_its_own),
        cmocka_unit_test(a_new_page_gives_no_pace_and_no_lease),
        cmocka_unit_test(shapes_over_the_maxima_are_refused),
        cmocka_unit_test(every_change_of_a_header_byte_that_matters_is_refused),
        cmocka_unit_test(a_table_of_exposures_lies_behind_everything_else),
        cmocka_unit_test(pages_of_another_size_or_alignment_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
