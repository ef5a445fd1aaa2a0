/* SPDX-License-Identifier: Apache-2.0 */
/* What a learner saves, kept as a store would keep it. */
#ifndef QBID_TESTS_CONTROL_LEARN_SAVED_H
#define QBID_TESTS_CONTROL_LEARN_SAVED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/learn/learner.h"

#define SAVED_MAX 4096

struct saved {
    uint32_t cnt;
    struct {
        uint32_t kind, bytes;
        uint64_t key;
        void *data;
    } row[SAVED_MAX];
};

/* For qbid_learner_save(). */
static inline int saved_keep(void *context, uint32_t kind, uint64_t key, const void *data,
                             uint32_t bytes)
{
    struct saved *saved = context;
    assert_true(saved->cnt < SAVED_MAX);
    void *copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, data, bytes);
    saved->row[saved->cnt].kind = kind;
    saved->row[saved->cnt].key = key;
    saved->row[saved->cnt].bytes = bytes;
    saved->row[saved->cnt++].data = copy;
    return 0;
}

static inline void saved_restore(const struct saved *saved, struct qbid_learner *learner)
{
    for (uint32_t i = 0; i < saved->cnt; i++)
        assert_int_equal(qbid_learner_restore(learner, saved->row[i].kind, saved->row[i].key,
                                              saved->row[i].data, saved->row[i].bytes),
                         0);
}

static inline void saved_done(struct saved *saved)
{
    for (uint32_t i = 0; i < saved->cnt; i++)
        free(saved->row[i].data);
    saved->cnt = 0;
}

#endif
