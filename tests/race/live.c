/* SPDX-License-Identifier: Apache-2.0 */
/* The live page with its writer and several readers, for ThreadSanitizer: every word stands alone,
 * is never torn, and a limit that only grows never falls for any reader. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef RACE_LOOSE /* negative control: words are stored like any other memory */
#undef atomic_store_explicit
#define atomic_store_explicit(object, value, order) (*(__typeof__(value) *)(object) = (value))
#endif
#include "shm/live.h"

#define ITEMS 64
#define BUDGETS 16
#define WORKERS 3
#define ROUNDS 3000

struct shared {
    struct qbid_live live;
    _Atomic int finished;
};

struct reader {
    struct shared *shared;
    uint32_t slot;
    uint64_t wrong, rounds;
    int64_t seen[BUDGETS];
};

/* Paces that the writer uses: their upper and lower halves belong together. */
static float pace_of(uint32_t k)
{
    uint32_t bits = UINT32_C(0x3f800000) | (k & 0x7f) << 16 | (k & 0x7f);
    float pace;
    memcpy(&pace, &bits, sizeof pace);
    return pace;
}

static int is_pace(float pace)
{
    uint32_t bits;
    memcpy(&bits, &pace, sizeof bits);
    return bits == 0 ||
           ((bits & 0xff800000u) == 0x3f800000u && (bits >> 16 & 0x7f) == (bits & 0xffff));
}

static void *write_words(void *context)
{
    struct shared *s = context;
    const struct qbid_live *live = &s->live;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        for (uint32_t i = 0; i < ITEMS; i++)
            qbid_live_set_pace(live, i, pace_of(round + i));
        for (uint32_t w = 0; w < WORKERS; w++) {
            for (uint32_t b = 0; b < BUDGETS; b++)
                atomic_store_explicit(&live->limit[w * BUDGETS + b],
                                      (int64_t)round << 32 | (int64_t)round, memory_order_release);
            atomic_store_explicit(&live->lease[w].valid_until_ns,
                                  (uint64_t)round << 32 | (uint64_t)round, memory_order_release);
        }
    }
    __atomic_store_n((int *)&s->finished, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void *read_words(void *context)
{
    struct reader *r = context;
    const struct qbid_live *live = &r->shared->live;
    while (!atomic_load_explicit(&r->shared->finished, memory_order_acquire)) {
        for (uint32_t i = 0; i < ITEMS; i++)
            r->wrong += !is_pace(qbid_live_pace(live, i));
        for (uint32_t b = 0; b < BUDGETS; b++) {
            int64_t limit =
                atomic_load_explicit(&live->limit[r->slot * BUDGETS + b], memory_order_relaxed);
            r->wrong += limit < r->seen[b] || (limit & 0xffffffff) != limit >> 32;
            r->seen[b] = limit;
        }
        uint64_t until =
            atomic_load_explicit(&live->lease[r->slot].valid_until_ns, memory_order_relaxed);
        r->wrong += (until & 0xffffffff) != until >> 32;
        r->rounds++;
    }
    return NULL;
}

static void words_are_never_torn_and_limits_never_fall(void **state)
{
    (void)state;
    static struct shared s;
    static struct reader readers[WORKERS];
    pthread_t writer, thread[WORKERS];
    struct qbid_live_shape shape = {ITEMS, BUDGETS, WORKERS};
    size_t bytes = (size_t)qbid_live_footprint(shape);
    void *base = aligned_alloc(QBID_CACHE_LINE, bytes);
    memset(base, 0, bytes);
    assert_int_equal(qbid_live_format(base, shape, 1, &s.live), 0);
    for (uint32_t i = 0; i < WORKERS; i++) {
        readers[i].shared = &s;
        readers[i].slot = i;
        assert_int_equal(pthread_create(&thread[i], NULL, read_words, &readers[i]), 0);
    }
    assert_int_equal(pthread_create(&writer, NULL, write_words, &s), 0);
    pthread_join(writer, NULL);
    for (uint32_t i = 0; i < WORKERS; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(readers[i].wrong, 0);
        assert_true(readers[i].rounds > 0);
    }
    free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_never_torn_and_limits_never_fall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
