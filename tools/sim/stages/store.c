/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by kind and key. */
#include "tools/sim/stages/store.h"

#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

void qbid_sim_store_init(struct qbid_sim_store *store)
{
    memset(store, 0, sizeof *store);
    for (uint32_t b = 0; b < QBID_SIM_CAMPAIGNS_MAX; b++)
        store->budget[b].day = -1;
}

void qbid_sim_store_done(struct qbid_sim_store *store)
{
    for (uint32_t i = 0; i < store->row_cnt; i++)
        free(store->row[i].data);
    free(store->row);
    qbid_keymap_done(&store->rows);
    qbid_keymap_done(&store->billed);
}

int qbid_sim_store_save(void *context, uint32_t kind, uint64_t key, const void *data,
                        uint32_t bytes)
{
    struct qbid_sim_store *store = context;
    void *copy = malloc(bytes);
    if (!copy)
        return QBID_ERR_NOMEM;
    memcpy(copy, data, bytes);
    uint32_t i = qbid_keymap_find(&store->rows, key, kind);
    if (i == QBID_KEYMAP_NONE && store->row_cnt == store->row_capacity) {
        uint32_t capacity = store->row_capacity ? store->row_capacity * 2 : 256;
        struct qbid_sim_store_row *more = realloc(store->row, capacity * sizeof *more);
        if (more) {
            store->row = more;
            store->row_capacity = capacity;
        }
    }
    bool fresh = i == QBID_KEYMAP_NONE;
    if (fresh && (store->row_cnt == store->row_capacity ||
                  qbid_keymap_add(&store->rows, key, kind, store->row_cnt))) {
        free(copy);
        return QBID_ERR_NOMEM;
    }
    i = fresh ? store->row_cnt++ : i;
    if (!fresh)
        free(store->row[i].data);
    store->row[i] =
        (struct qbid_sim_store_row){.data = copy, .key = key, .kind = kind, .bytes = bytes};
    return 0;
}
