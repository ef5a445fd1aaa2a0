/* SPDX-License-Identifier: Apache-2.0 */
/* liburcu's lock-free hash table: the inline membarrier flavour, one read section for 32 lookups;
 * nodes side by side in huge pages, a bucket for every key. */
#include <stdlib.h>

#include <urcu/urcu-memb.h>
#include <urcu/rculfhash.h>

#include "bench/index/lookup.h"
#include "shm/hash.h"

#define SECTION 32

struct node {
    struct cds_lfht_node in;
    uint64_t key, value;
};

struct urcu {
    struct cds_lfht *table;
    uint64_t zero;
};

static int same(struct cds_lfht_node *in, const void *key)
{
    const struct node *node = caa_container_of(in, struct node, in);
    return node->key == *(const uint64_t *)key;
}

static inline uint64_t find(void *peer, uint64_t key)
{
    const struct urcu *u = peer;
    struct cds_lfht_iter at;
    cds_lfht_lookup(u->table, qbid_mix64(key), same, &key, &at);
    struct cds_lfht_node *in = cds_lfht_iter_get_node(&at);
    return in ? caa_container_of(in, struct node, in)->value : 0;
}

static uint64_t run_each(void *peer, const uint64_t *keys, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i += SECTION) {
        urcu_memb_read_lock();
        sum += lookup_each(find, peer, keys + i, SECTION);
        urcu_memb_read_unlock();
    }
    return sum;
}

static uint64_t run_chain(void *peer, const uint64_t *keys, size_t n)
{
    const struct urcu *u = peer;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i += SECTION) {
        urcu_memb_read_lock();
        sum += lookup_chain(find, peer, keys + i, SECTION, u->zero);
        urcu_memb_read_unlock();
    }
    return sum;
}

void lookup_urcu_add(struct lookup_bench *bench)
{
    urcu_memb_register_thread();
    struct urcu *u = malloc(sizeof *u);
    struct node *node = lookup_memory(LOOKUP_KEYS * sizeof *node, 1);
    lookup_must(u != NULL, "no memory");
    *u =
        (struct urcu){cds_lfht_new_flavor(1u << 20, 1u << 20, 1u << 20, 0, &urcu_memb_flavor, NULL),
                      bench->world.zero};
    lookup_must(u->table != NULL, "cds_lfht_new");
    urcu_memb_read_lock();
    for (uint32_t i = 0; i < LOOKUP_KEYS; i++) {
        node[i].key = bench->world.key[i];
        node[i].value = bench->world.value[i];
        cds_lfht_add(u->table, qbid_mix64(node[i].key), &node[i].in);
    }
    urcu_memb_read_unlock();
    lookup_design_add(bench, (struct lookup_design){
                                 .name = "lfht", .slice = 1u << 18, .run = run_each, .peer = u});
    lookup_design_add(bench,
                      (struct lookup_design){
                          .name = "lfht_chain", .slice = 1u << 16, .run = run_chain, .peer = u});
}
