/* SPDX-License-Identifier: Apache-2.0 */
/* Concurrency Kit's hash table with keys in place, one writer and many readers. */
#include <stdlib.h>

#include <ck_ht.h>

#include "bench/index/lookup.h"
#include "shm/hash.h"

struct ck {
    ck_ht_t table;
    uint64_t zero;
};

static void hash_of(ck_ht_hash_t *ret, const void *key, size_t len, uint64_t seed)
{
    (void)len;
    (void)seed;
    ret->value = qbid_mix64(*(const uint64_t *)key);
}

static inline uint64_t find(void *peer, uint64_t key)
{
    struct ck *c = peer;
    ck_ht_hash_t hash = {.value = qbid_mix64(key)};
    ck_ht_entry_t entry;
    ck_ht_entry_key_set_direct(&entry, (uintptr_t)key);
    return ck_ht_get_spmc(&c->table, hash, &entry) ? ck_ht_entry_value_direct(&entry) : 0;
}

static uint64_t run_each(void *peer, const uint64_t *keys, size_t n)
{
    return lookup_each(find, peer, keys, n);
}

static uint64_t run_chain(void *peer, const uint64_t *keys, size_t n)
{
    const struct ck *c = peer;
    return lookup_chain(find, peer, keys, n, c->zero);
}

static void *ck_get(size_t bytes)
{
    return lookup_memory(bytes, 1);
}

static void ck_free(void *base, size_t bytes, bool later)
{
    (void)bytes;
    (void)later;
    free(base);
}

void lookup_ck_add(struct lookup_bench *bench)
{
    static struct ck_malloc memory = {.malloc = ck_get, .free = ck_free};
    struct ck *c = calloc(1, sizeof *c);
    lookup_must(c != NULL, "no memory");
    c->zero = bench->world.zero;
    lookup_must(ck_ht_init(&c->table, CK_HT_MODE_DIRECT, hash_of, &memory, 2 * LOOKUP_KEYS, 1),
                "ck_ht_init");
    for (uint32_t i = 0; i < LOOKUP_KEYS; i++) {
        uintptr_t key = (uintptr_t)bench->world.key[i];
        ck_ht_hash_t hash = {.value = qbid_mix64(key)};
        ck_ht_entry_t entry;
        ck_ht_entry_set_direct(&entry, hash, key, (uintptr_t)bench->world.value[i]);
        lookup_must(ck_ht_put_spmc(&c->table, hash, &entry), "ck_ht_put");
    }
    lookup_design_add(bench, (struct lookup_design){
                                 .name = "ck_ht", .slice = 1u << 18, .run = run_each, .peer = c});
    lookup_design_add(bench,
                      (struct lookup_design){
                          .name = "ck_ht_chain", .slice = 1u << 16, .run = run_chain, .peer = c});
}
