/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a folder of its own, for one test. */
#ifndef QBID_TESTS_CONTROL_STORE_SCRATCH_H
#define QBID_TESTS_CONTROL_STORE_SCRATCH_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/store/store.h"

struct scratch {
    char folder[32], path[64];
    struct qbid_store *store;
};

static inline int scratch_open(struct scratch *s)
{
    char why[QBID_STORE_WHY_MAX] = "";
    struct qbid_store_params params = {.path = s->path};
    int err = qbid_store_new(&params, &s->store, why);
    if (err)
        fprintf(stderr, "store: %d %s\n", err, why);
    return err;
}

static inline int scratch_setup(void **state)
{
    struct scratch *s = calloc(1, sizeof *s);
    snprintf(s->folder, sizeof s->folder, "/tmp/qbid-store-XXXXXX");
    if (!mkdtemp(s->folder))
        return -1;
    snprintf(s->path, sizeof s->path, "%s/state.db", s->folder);
    *state = s;
    return scratch_open(s);
}

static inline void scratch_reopen(struct scratch *s)
{
    qbid_store_free(s->store);
    if (scratch_open(s) != 0)
        abort();
}

static inline int scratch_teardown(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    struct scratch *s = *state;
    qbid_store_free(s->store);
    for (int i = 0; i < 3; i++) {
        char path[80];
        snprintf(path, sizeof path, "%s%s", s->path, suffixes[i]);
        unlink(path);
    }
    int err = rmdir(s->folder);
    free(s);
    return err;
}

#endif
