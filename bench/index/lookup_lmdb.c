/* SPDX-License-Identifier: Apache-2.0 */
/* LMDB: 8-byte integer keys, in memory (tmpfs, so in 4K pages), one read transaction kept open. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lmdb.h>

#include "bench/index/lookup.h"

#define MAP_BYTES ((size_t)1 << 30)

struct lmdb {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
};

static inline uint64_t find(void *peer, uint64_t key)
{
    const struct lmdb *l = peer;
    MDB_val k = {sizeof key, &key}, v;
    uint64_t value;
    if (mdb_get(l->txn, l->dbi, &k, &v) != 0)
        return 0;
    memcpy(&value, v.mv_data, sizeof value);
    return value;
}

static uint64_t run_each(void *peer, const uint64_t *keys, size_t n)
{
    return lookup_each(find, peer, keys, n);
}

static void fill(struct lmdb *l, const struct lookup_world *world)
{
    MDB_txn *txn;
    lookup_must(mdb_txn_begin(l->env, NULL, 0, &txn) == 0, "mdb_txn_begin");
    lookup_must(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &l->dbi) == 0, "mdb_dbi_open");
    for (uint32_t i = 0; i < LOOKUP_KEYS; i++) {
        MDB_val k = {sizeof *world->key, &world->key[i]},
                v = {sizeof *world->value, &world->value[i]};
        lookup_must(mdb_put(txn, l->dbi, &k, &v, 0) == 0, "mdb_put");
    }
    lookup_must(mdb_txn_commit(txn) == 0, "mdb_txn_commit");
}

/* The file has no name any more once it is open. */
void lookup_lmdb_add(struct lookup_bench *bench)
{
    char folder[] = "/dev/shm/qbid-lookup-XXXXXX", path[64];
    struct lmdb *l = calloc(1, sizeof *l);
    lookup_must(l && mkdtemp(folder), "no temporary folder for LMDB");
    strcat(strcpy(path, folder), "/db");
    lookup_must(mdb_env_create(&l->env) == 0 && mdb_env_set_mapsize(l->env, MAP_BYTES) == 0,
                "mdb_env_create");
    int err = mdb_env_open(
        l->env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC | MDB_WRITEMAP | MDB_NORDAHEAD, 0600);
    unlink(path);
    rmdir(folder);
    lookup_must(err == 0, "mdb_env_open");
    fill(l, &bench->world);
    lookup_must(mdb_txn_begin(l->env, NULL, MDB_RDONLY, &l->txn) == 0, "mdb_txn_begin");
    lookup_design_add(bench, (struct lookup_design){
                                 .name = "lmdb", .slice = 1u << 15, .run = run_each, .peer = l});
}
