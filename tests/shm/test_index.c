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

#define BUCKETS_MAX 64
#define KEYS_MAX (BUCKETS_MAX * QBID_INDEX_WAYS)
#define ROWS_MAX (KEYS_MAX * QBID_ROW_LINES_MAX)

/* The reference: what was put in, in order, and where it lies. */
struct listed {
    uint64_t key;
    uint32_t cnt, segment;
    uint32_t bucket, place;
    uint32_t row; /* block, once laid out */
};

struct fixture {
    uint32_t bucket_cnt, key_cnt;
    struct listed key[KEYS_MAX];
    struct qbid_index_bucket bucket[BUCKETS_MAX];
    struct qbid_row_block rows[ROWS_MAX];
    uint32_t far; /* most buckets that a key lies behind its own */
    bool wrapped; /* a key lies before its own bucket */
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
    uint32_t home = (uint32_t)qbid_mulhi64(hash, f->bucket_cnt), far = 0, way = QBID_INDEX_WAYS;
    struct qbid_index_bucket *bucket = NULL;
    for (; far < QBID_INDEX_PROBE_MAX && way == QBID_INDEX_WAYS; far += way == QBID_INDEX_WAYS) {
        bucket = &f->bucket[(home + far) % f->bucket_cnt];
        for (way = 0; way < QBID_INDEX_WAYS && bucket->tag[way] != 0; way++)
            ;
    }
    if (way == QBID_INDEX_WAYS || listed_find(f, key) || f->key_cnt == KEYS_MAX)
        return false;
    struct listed it = {key,
                        1 + rng_below(r, rng_below(r, 4) ? 160 : QBID_ROW_CANDIDATES_MAX),
                        rng_below(r, 256),
                        (uint32_t)(bucket - f->bucket),
                        way,
                        0};
    for (uint32_t i = 0; i < far; i++)
        f->bucket[(home + i) % f->bucket_cnt].first |= QBID_INDEX_MORE;
    bucket->tag[way] = (uint8_t)(hash % 256 ? hash % 256 : 1);
    f->key[f->key_cnt++] = it;
    f->far = far > f->far ? far : f->far;
    f->wrapped |= home + far >= f->bucket_cnt;
    return true;
}

/* Lines of a row, counted in bytes. */
static uint32_t lines_of(uint32_t cnt)
{
    uint32_t bytes = 16 + (cnt + 7) / 8 * 8 * 6;
    return cnt > 152 ? 1 : (bytes + 63) / 64;
}

/* Rows side by side, bucket by bucket; candidates are not read by a lookup. */
static void lay_out(struct fixture *f)
{
    uint32_t at = 0;
    for (uint32_t b = 0; b < f->bucket_cnt; b++) {
        f->bucket[b].first = (f->bucket[b].first & QBID_INDEX_MORE) | at;
        f->bucket[b].lines = 0;
        for (uint32_t way = 0; way < QBID_INDEX_WAYS; way++) {
            for (uint32_t i = 0; i < f->key_cnt; i++) {
                struct listed *it = &f->key[i];
                if (it->bucket != b || it->place != way)
                    continue;
                it->row = at;
                f->rows[at].head = (struct qbid_row_head){qbid_mix64(it->key), (uint16_t)it->cnt,
                                                          (uint16_t)it->segment, UINT16_MAX, 0};
                f->rows[at].far = i;
                f->bucket[b].lines |= lines_of(it->cnt) << 4 * way;
                at += lines_of(it->cnt);
            }
        }
    }
}

static void expect(const struct fixture *f, uint64_t key, const struct qbid_row_ref *got)
{
    const struct listed *want = listed_find(f, key);
    assert_int_equal(got->cnt, want ? want->cnt : 0);
    if (!want)
        return;
    const char *at = (const char *)&f->rows[want->row] + 16;
    if (want->cnt > 152)
        at = (const char *)&f->rows[f->rows[want->row].far];
    assert_ptr_equal(got->line_item_low, at);
    assert_ptr_equal(got->value_micros, at + (want->cnt + 7) / 8 * 8 * sizeof(uint16_t));
    assert_int_equal(got->segment, want->segment);
    assert_int_equal(got->high, UINT16_MAX);
}

static void expect_one(const struct fixture *f, uint64_t key)
{
    struct qbid_row_ref got = qbid_index_find(f->bucket, f->bucket_cnt, f->rows, key);
    qbid_index_prefetch(f->bucket, f->bucket_cnt, key);
    expect(f, key, &got);
}

/* A key of the list, one that differs from it in a bit of its hash, or any. */
static uint64_t some_key(const struct fixture *f, struct rng *r)
{
    uint64_t any = rng_next(r);
    if (f->key_cnt == 0 || any % 10 == 0)
        return rng_next(r);
    uint64_t key = f->key[rng_below(r, f->key_cnt)].key;
    return any % 10 < 7 ? key : unmix64(qbid_mix64(key) ^ UINT64_C(1) << rng_below(r, 64));
}

static void clear(struct fixture *f, uint32_t buckets)
{
    memset(f->bucket, 0, sizeof f->bucket);
    f->bucket_cnt = buckets;
    f->key_cnt = f->far = 0;
    f->wrapped = false;
}

static void fill(struct fixture *f, struct rng *r, uint32_t buckets, uint32_t keys)
{
    clear(f, buckets);
    for (uint32_t i = 0; i < keys; i++)
        put(f, r, rng_next(r));
    lay_out(f);
}

static void a_lookup_gives_what_a_search_of_the_whole_list_gives(void **state)
{
    struct fixture *f = *state;
    struct rng r = rng_init(41);
    unsigned chains = 0, wrapped = 0;
    for (int table = 0; table < 150; table++) {
        uint32_t buckets = 1 + rng_below(&r, table % 2 ? 12 : BUCKETS_MAX);
        fill(f, &r, buckets, rng_below(&r, buckets * QBID_INDEX_WAYS + 1));
        for (uint32_t i = 0; i < f->key_cnt; i++)
            expect_one(f, f->key[i].key);
        for (int i = 0; i < 500; i++)
            expect_one(f, some_key(f, &r));
        chains += f->far >= 2;
        wrapped += f->wrapped;
    }
    assert_true(chains > 10 && wrapped > 10);
}

/* Every key of the last bucket goes on in the first ones, as far as a lookup follows. */
static void a_chain_runs_over_the_end_to_the_last_bucket_that_is_probed(void **state)
{
    struct fixture *f = *state;
    struct rng r = rng_init(42);
    clear(f, BUCKETS_MAX);
    uint32_t put_cnt = 0;
    for (int i = 0; i < 1000; i++) /* the highest hashes belong to the last bucket */
        put_cnt += put(f, &r, unmix64(UINT64_MAX - rng_below(&r, UINT32_MAX)));
    lay_out(f);
    assert_int_equal(put_cnt, QBID_INDEX_PROBE_MAX * QBID_INDEX_WAYS);
    assert_int_equal(f->far, QBID_INDEX_PROBE_MAX - 1);
    assert_true(f->wrapped);
    for (uint32_t i = 0; i < f->key_cnt; i++)
        expect_one(f, f->key[i].key);
    /* one that would lie a bucket farther is not found, whatever stands there */
    uint64_t key = unmix64(UINT64_MAX ^ UINT64_C(1) << 40);
    f->bucket[QBID_INDEX_PROBE_MAX - 2].first |= QBID_INDEX_MORE;
    f->bucket[QBID_INDEX_PROBE_MAX - 1] =
        (struct qbid_index_bucket){{qbid_index_tag(qbid_mix64(key))}, 1, ROWS_MAX - 1};
    f->rows[ROWS_MAX - 1].head = (struct qbid_row_head){qbid_mix64(key), 1, 0, UINT16_MAX, 0};
    expect_one(f, key);
}

/* Tags alike in one bucket and the next: the hash in the row decides. */
static void tags_that_are_alike_do_not_mislead(void **state)
{
    struct fixture *f = *state;
    struct rng r = rng_init(43);
    for (uint64_t tag = 0; tag < 256; tag++) {
        for (uint32_t used = 0; used <= QBID_INDEX_WAYS + 1; used++) {
            uint64_t key[QBID_INDEX_WAYS + 2];
            clear(f, 3);
            for (uint32_t i = 0; i < QBID_INDEX_WAYS + 2; i++)
                key[i] = unmix64(UINT64_C(1) << 63 | (uint64_t)i << 40 | tag);
            for (uint32_t i = 0; i < used; i++)
                assert_true(put(f, &r, key[i]));
            lay_out(f);
            for (uint32_t i = 0; i < QBID_INDEX_WAYS + 2; i++)
                expect_one(f, key[i]);
        }
    }
}

/* No place without a row has a tag, so nothing of a row is read for a key whose tag is not there.
 */
static void where_no_tag_is_alike_no_row_is_read(void **state)
{
    struct fixture *f = *state;
    struct rng r = rng_init(46);
    fill(f, &r, 40, 40 * 5);
    unsigned maybe = 0, absent = 0;
    for (int i = 0; i < 100000; i++) {
        uint64_t key = rng_next(&r), hash = qbid_mix64(key);
        struct qbid_index_guess guess;
        bool tagged = false;
        const struct qbid_index_bucket *home = &f->bucket[qbid_mulhi64(hash, f->bucket_cnt)];
        for (unsigned way = 0; way < QBID_INDEX_WAYS; way++)
            tagged |= home->tag[way] == qbid_index_tag(hash);
        if (listed_find(f, key))
            continue;
        absent++;
        bool may = qbid_index_locate(f->bucket, f->bucket_cnt, f->rows, hash, &guess);
        assert_int_equal(may, tagged || (home->first & QBID_INDEX_MORE) != 0);
        assert_int_equal(guess.row != NULL && may, tagged);
        maybe += tagged;
    }
    assert_true(maybe > absent / 100 && maybe < absent / 33); /* 5 / 255, and what runs over */
}

static void a_batch_gives_what_single_lookups_give(void **state)
{
    struct fixture *f = *state;
    struct rng r = rng_init(44);
    enum { N_MAX = 3 * QBID_INDEX_AHEAD + 2 };
    uint64_t key[N_MAX];
    struct qbid_row_ref got[N_MAX + 1];
    fill(f, &r, BUCKETS_MAX, KEYS_MAX * 3 / 4);
    for (unsigned n = 0; n <= N_MAX; n++) {
        for (unsigned i = 0; i < n; i++)
            key[i] = some_key(f, &r);
        memset(got, 0x5a, sizeof got);
        struct qbid_row_ref untouched = got[n];
        qbid_index_find_many(f->bucket, f->bucket_cnt, f->rows, key, n, got);
        for (unsigned i = 0; i < n; i++)
            expect(f, key[i], &got[i]);
        assert_memory_equal(&got[n], &untouched, sizeof untouched);
    }
}

static void eight_tags_at_once_are_eight_tags_one_by_one(void **state)
{
    (void)state;
    struct rng r = rng_init(45);
    for (int i = 0; i < 200000; i++) {
        struct qbid_index_bucket bucket = {{0}, (uint32_t)rng_next(&r), (uint32_t)rng_next(&r)};
        for (unsigned way = 0; way < QBID_INDEX_WAYS; way++)
            bucket.tag[way] = (uint8_t)(rng_below(&r, 3) | rng_below(&r, 2) << 7);
        uint8_t tag = (uint8_t)(1 + rng_below(&r, 2) + (rng_below(&r, 2) << 7));
        assert_int_equal(qbid_index_match(&bucket, tag), qbid_index_match_scalar(&bucket, tag));
    }
}

static void a_row_begins_behind_those_before_it(void **state)
{
    (void)state;
    struct rng r = rng_init(47);
    for (int i = 0; i < 20000; i++) {
        struct qbid_index_bucket bucket = {{0}, (uint32_t)rng_next(&r), (uint32_t)rng_next(&r)};
        if (i == 0)
            bucket.lines = UINT32_MAX;
        uint32_t at = bucket.first & INT32_MAX;
        for (unsigned way = 0; way < QBID_INDEX_WAYS; way++) {
            assert_int_equal(qbid_index_row(&bucket, way), at);
            at += bucket.lines >> 4 * way & 15;
        }
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
        cmocka_unit_test(a_chain_runs_over_the_end_to_the_last_bucket_that_is_probed),
        cmocka_unit_test(tags_that_are_alike_do_not_mislead),
        cmocka_unit_test(where_no_tag_is_alike_no_row_is_read),
        cmocka_unit_test(a_batch_gives_what_single_lookups_give),
        cmocka_unit_test(eight_tags_at_once_are_eight_tags_one_by_one),
        cmocka_unit_test(a_row_begins_behind_those_before_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
