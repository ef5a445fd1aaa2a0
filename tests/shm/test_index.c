/* SPDX-License-Identifier: Apache-2.0 */
/* The context index beside a list that is searched from end to end: every key in it is found, every
 * other is not, one at a time and in batches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/index.h"
#include "tests/control/models/rng.h"

#define LINES_MAX 64
#define KEYS_MAX (LINES_MAX * QBID_INDEX_WAYS)
#define ROWS_MAX 4096

/* The reference: what was put in, in order. */
struct listed {
    uint64_t key;
    uint32_t row, cnt, segment;
};

struct fixture {
    uint32_t line_cnt, key_cnt;
    struct listed key[KEYS_MAX];
    struct qbid_index_line line[LINES_MAX];
    struct qbid_row_block rows[ROWS_MAX];
    uint32_t far; /* most lines that a key lies behind its own */
    bool wrapped; /* a key lies before its own line */
};

/* qbid_mix64() backwards, to make keys with chosen hashes. */
static uint64_t unmix64(uint64_t x)
{
    x ^= x >> 31 ^ x >> 62;
    x *= UINT64_C(0x319642b2d24d8ec3);
    x ^= x >> 27 ^ x >> 54;
    x *= UINT64_C(0x96de1b173f119089);
    return x ^ x >> 30 ^ x >> 60;
}

static const struct listed *listed_find(const struct fixture *f, uint64_t key)
{
    for (uint32_t i = 0; i < f->key_cnt; i++) {
        if (f->key[i].key == key)
            return &f->key[i];
    }
    return NULL;
}

/* False, and the index unchanged, where no place within reach is free or the key is there. */
static bool put(struct fixture *f, struct rng *r, uint64_t key)
{
    uint64_t hash = qbid_mix64(key);
    uint32_t home = (uint32_t)qbid_mulhi64(hash, f->line_cnt), far = 0, way = QBID_INDEX_WAYS;
    struct qbid_index_line *line = NULL;
    for (; far < QBID_INDEX_PROBE_MAX && way == QBID_INDEX_WAYS; far += way == QBID_INDEX_WAYS) {
        line = &f->line[(home + far) % f->line_cnt];
        for (way = 0; way < QBID_INDEX_WAYS && line->entry[way].cnt != 0; way++)
            ;
    }
    if (way == QBID_INDEX_WAYS || listed_find(f, key) || f->key_cnt == KEYS_MAX)
        return false;
    struct listed it = {key, rng_below(r, ROWS_MAX - 2 * QBID_ROW_CANDIDATES_MAX / 16),
                        1 + rng_below(r, QBID_ROW_CANDIDATES_MAX), rng_below(r, 256)};
    for (uint32_t i = 0; i < far; i++)
        f->line[(home + i) % f->line_cnt].tag[0] |= QBID_INDEX_TAG_MORE;
    line->tag[way] = (line->tag[way] & QBID_INDEX_TAG_MORE) | ((uint32_t)hash & 0x7fffffff);
    line->entry[way] = (struct qbid_index_entry){it.row, (uint32_t)(hash >> 31), (uint16_t)it.cnt,
                                                 (uint16_t)it.segment};
    f->key[f->key_cnt++] = it;
    f->far = far > f->far ? far : f->far;
    f->wrapped |= home + far >= f->line_cnt;
    return true;
}

static void expect(const struct fixture *f, uint64_t key, const struct qbid_row_ref *got)
{
    const struct listed *want = listed_find(f, key);
    assert_int_equal(got->cnt, want ? want->cnt : 0);
    if (!want)
        return;
    const uint32_t *words = f->rows[want->row].word;
    assert_ptr_equal(got->line_item_idx, words);
    assert_ptr_equal(got->value_micros, words + (want->cnt + 7) / 8 * 8);
    assert_int_equal(got->segment, want->segment);
}

static void expect_one(const struct fixture *f, uint64_t key)
{
    struct qbid_row_ref got = qbid_index_find(f->line, f->line_cnt, f->rows, key);
    qbid_index_prefetch(f->line, f->line_cnt, key);
    expect(f, key, &got);
}

/* A key of the list, one that differs from it in a bit of its hash, or any. */
static uint64_t some_key(const struct fixture *f, struct rng *r)
{
    uint64_t any = rng_next(r);
    if (f->key_cnt == 0 || any % 10 == 0)
        return rng_next(r);
    uint64_t key = f->key[rng_below(r, f->key_cnt)].key;
    return any % 10 < 7 ? key : unmix64(qbid_mix64(key) ^ UINT64_C(1) << rng_below(r, 63));
}

static void fill(struct fixture *f, struct rng *r, uint32_t lines, uint32_t keys)
{
    memset(f->line, 0, sizeof f->line);
    f->line_cnt = lines;
    f->key_cnt = f->far = 0;
    f->wrapped = false;
    for (uint32_t i = 0; i < keys; i++)
        put(f, r, rng_next(r));
}

static void a_lookup_gives_what_a_search_of_the_whole_list_gives(void **state)
{
    struct fixture *f = *state;
    struct rng r = rng_init(41);
    unsigned chains = 0, wrapped = 0;
    for (int table = 0; table < 300; table++) {
        uint32_t lines = 1 + rng_below(&r, LINES_MAX);
        fill(f, &r, lines, rng_below(&r, lines * QBID_INDEX_WAYS + 1));
        for (uint32_t i = 0; i < f->key_cnt; i++)
            expect_one(f, f->key[i].key);
        for (int i = 0; i < 500; i++)
            expect_one(f, some_key(f, &r));
        chains += f->far >= 2;
        wrapped += f->wrapped;
    }
    assert_true(chains > 30 && wrapped > 30);
}

/* Every key of a line that is the last goes on in the first ones, as far as a lookup follows. */
static void a_chain_runs_over_the_end_to_the_last_line_that_is_probed(void **state)
{
    struct fixture *f = *state;
    struct rng r = rng_init(42);
    fill(f, &r, LINES_MAX, 0);
    uint32_t put_cnt = 0;
    for (int i = 0; i < 1000; i++) /* the highest hashes belong to the last line */
        put_cnt += put(f, &r, unmix64(UINT64_MAX - rng_below(&r, UINT32_MAX)));
    assert_int_equal(put_cnt, QBID_INDEX_PROBE_MAX * QBID_INDEX_WAYS);
    assert_int_equal(f->far, QBID_INDEX_PROBE_MAX - 1);
    assert_true(f->wrapped);
    for (uint32_t i = 0; i < f->key_cnt; i++)
        expect_one(f, f->key[i].key);
    /* one that would lie a line farther is not found, whatever stands there */
    struct qbid_index_line *out = &f->line[QBID_INDEX_PROBE_MAX - 1];
    uint64_t key = unmix64(UINT64_MAX ^ UINT64_C(1) << 40), hash = qbid_mix64(key);
    f->line[QBID_INDEX_PROBE_MAX - 2].tag[0] |= QBID_INDEX_TAG_MORE;
    out->tag[0] = (uint32_t)hash & QBID_INDEX_TAG_MASK;
    out->entry[0] = (struct qbid_index_entry){1, (uint32_t)(hash >> 31), 1, 0};
    expect_one(f, key);
}

/* Tags alike in one line, the same as an empty entry's: the check and the count decide. */
static void tags_that_are_alike_do_not_mislead(void **state)
{
    struct fixture *f = *state;
    struct rng r = rng_init(43);
    for (uint32_t tag = 0; tag < 2; tag++) {
        for (uint32_t used = 0; used <= QBID_INDEX_WAYS; used++) {
            fill(f, &r, 3, 0);
            uint64_t key[QBID_INDEX_WAYS + 2];
            for (uint32_t i = 0; i < QBID_INDEX_WAYS + 2; i++)
                key[i] = unmix64(UINT64_C(1) << 63 | (uint64_t)i << 40 | tag * 0x7fffffff);
            for (uint32_t i = 0; i < used; i++)
                assert_true(put(f, &r, key[i]));
            for (uint32_t i = 0; i < QBID_INDEX_WAYS + 2; i++)
                expect_one(f, key[i]);
            expect_one(f, unmix64(UINT64_C(1) << 63 | tag * 0x7fffffff)); /* check 0 */
        }
    }
}

/* An entry without candidates counts as none, even one that still has a key's tag and check. */
static void an_empty_entry_is_passed_over(void **state)
{
    struct fixture *f = *state;
    struct rng r = rng_init(46);
    fill(f, &r, 1, 4);
    struct qbid_index_line *line = f->line;
    line->tag[0] = (line->tag[0] & QBID_INDEX_TAG_MORE) | (line->tag[2] & QBID_INDEX_TAG_MASK);
    line->entry[0] = line->entry[2];
    line->entry[0].cnt = 0;
    f->key[0] = f->key[2];
    for (uint32_t i = 1; i < 4; i++)
        expect_one(f, f->key[i].key);
    line->entry[2].cnt = 0;
    struct qbid_row_ref got = qbid_index_find(line, 1, f->rows, f->key[0].key);
    assert_int_equal(got.cnt, 0);
    assert_null(got.line_item_idx);
}

static void a_batch_gives_what_single_lookups_give(void **state)
{
    struct fixture *f = *state;
    struct rng r = rng_init(44);
    enum { N_MAX = 3 * QBID_INDEX_AHEAD + 2 };
    uint64_t key[N_MAX];
    struct qbid_row_ref got[N_MAX + 1];
    fill(f, &r, LINES_MAX, KEYS_MAX * 3 / 4);
    for (unsigned n = 0; n <= N_MAX; n++) {
        for (unsigned i = 0; i < n; i++)
            key[i] = some_key(f, &r);
        memset(got, 0x5a, sizeof got);
        struct qbid_row_ref untouched = got[n];
        qbid_index_find_many(f->line, f->line_cnt, f->rows, key, n, got);
        for (unsigned i = 0; i < n; i++)
            expect(f, key[i], &got[i]);
        assert_memory_equal(&got[n], &untouched, sizeof untouched);
    }
}

static void four_tags_at_once_are_four_tags_one_by_one(void **state)
{
    (void)state;
    struct rng r = rng_init(45);
    for (int i = 0; i < 200000; i++) {
        struct qbid_index_line line = {0};
        for (unsigned way = 0; way < QBID_INDEX_WAYS; way++) /* high bits, low bits, and bit 31 */
            line.tag[way] = rng_below(&r, 3) | rng_below(&r, 2) << 30 | rng_below(&r, 2) << 31;
        uint32_t tag = rng_below(&r, 3) | rng_below(&r, 2) << 30;
        assert_int_equal(qbid_index_match(&line, tag), qbid_index_match_scalar(&line, tag));
    }
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lookup_gives_what_a_search_of_the_whole_list_gives),
        cmocka_unit_test(a_chain_runs_over_the_end_to_the_last_line_that_is_probed),
        cmocka_unit_test(tags_that_are_alike_do_not_mislead),
        cmocka_unit_test(an_empty_entry_is_passed_over),
        cmocka_unit_test(a_batch_gives_what_single_lookups_give),
        cmocka_unit_test(four_tags_at_once_are_four_tags_one_by_one),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
