/* SPDX-License-Identifier: Apache-2.0 */
/* DPDK's rte_hash: lock-free for readers beside a writer, the hash (CRC32 in two instructions)
 * given, one at a time and in bulk. The memory layer runs without huge page mounts, as in the
 * project's tests, so its pages are of 4K: it is set beside qbid's index in 4K pages. */
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>

#include "bench/index/lookup.h"

struct dpdk {
    struct rte_hash *table;
    uint64_t zero;
};

static inline hash_sig_t hash_of(uint64_t key)
{
    return rte_hash_crc_8byte(key, 0);
}

static inline uint64_t find(void *peer, uint64_t key)
{
    const struct dpdk *d = peer;
    void *value = NULL;
    return rte_hash_lookup_with_hash_data(d->table, &key, hash_of(key), &value) < 0
               ? 0
               : (uint64_t)(uintptr_t)value;
}

static uint64_t run_each(void *peer, const uint64_t *keys, size_t n)
{
    return lookup_each(find, peer, keys, n);
}

static uint64_t run_chain(void *peer, const uint64_t *keys, size_t n)
{
    const struct dpdk *d = peer;
    return lookup_chain(find, peer, keys, n, d->zero);
}

static inline __attribute__((always_inline)) uint64_t run_bulk(void *peer, const uint64_t *keys,
                                                               size_t n, unsigned batch)
{
    const struct dpdk *d = peer;
    const void *key[RTE_HASH_LOOKUP_BULK_MAX];
    hash_sig_t sig[RTE_HASH_LOOKUP_BULK_MAX];
    void *value[RTE_HASH_LOOKUP_BULK_MAX];
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i += batch) {
        for (unsigned k = 0; k < batch; k++) {
            key[k] = &keys[i + k];
            sig[k] = hash_of(keys[i + k]);
        }
        uint64_t hits = 0;
        (void)rte_hash_lookup_with_hash_bulk_data(d->table, key, sig, batch, &hits, value);
        for (; hits != 0; hits &= hits - 1)
            sum += lookup_digest((uint64_t)(uintptr_t)value[__builtin_ctzll(hits)]);
    }
    return sum;
}

static uint64_t run_8(void *peer, const uint64_t *keys, size_t n)
{
    return run_bulk(peer, keys, n, 8);
}

static uint64_t run_16(void *peer, const uint64_t *keys, size_t n)
{
    return run_bulk(peer, keys, n, 16);
}

static uint64_t run_32(void *peer, const uint64_t *keys, size_t n)
{
    return run_bulk(peer, keys, n, 32);
}

static void start(void)
{
    char *argv[] = {"lookup",      "--no-huge",
                    "--no-shconf", "--no-telemetry",
                    "--no-pci",    "--log-level=4",
                    "-m",          "512",
                    "-l",          "0"};
    lookup_must(rte_eal_init(sizeof argv / sizeof *argv, argv) >= 0, "DPDK does not start");
}

void lookup_dpdk_add(struct lookup_bench *bench)
{
    start();
    const struct rte_hash_parameters parameters = {
        .name = "lookup",
        .entries = LOOKUP_KEYS + LOOKUP_KEYS / 8,
        .key_len = sizeof(uint64_t),
        .hash_func = rte_hash_crc,
        .socket_id = SOCKET_ID_ANY,
        .extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF,
    };
    struct dpdk *d = malloc(sizeof *d);
    lookup_must(d != NULL, "no memory");
    *d = (struct dpdk){rte_hash_create(&parameters), bench->world.zero};
    lookup_must(d->table != NULL, "rte_hash_create");
    for (uint32_t i = 0; i < LOOKUP_KEYS; i++) {
        const uint64_t *key = &bench->world.key[i];
        void *value = (void *)(uintptr_t)bench->world.value[i];
        lookup_must(rte_hash_add_key_with_hash_data(d->table, key, hash_of(*key), value) == 0,
                    "rte_hash_add_key");
    }
    const size_t n = 1u << 18;
    const struct lookup_design designs[] = {
        {.name = "rte_hash", .slice = n, .run = run_each, .peer = d},
        {.name = "rte_hash_chain", .slice = n, .run = run_chain, .peer = d},
        {.name = "rte_hash_8", .slice = n, .run = run_8, .peer = d},
        {.name = "rte_hash_16", .slice = n, .run = run_16, .peer = d},
        {.name = "rte_hash_32", .slice = n, .run = run_32, .peer = d},
    };
    for (size_t i = 0; i < sizeof designs / sizeof *designs; i++)
        lookup_design_add(bench, designs[i]);
}
