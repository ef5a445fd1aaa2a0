/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of saved generations: files GEN.qbi, with or without zeros in front; a few stay mapped.
 */
#ifndef QBID_TOOLS_QBID_EXPLAIN_GENERATIONS_H
#define QBID_TOOLS_QBID_EXPLAIN_GENERATIONS_H

#include <stdint.h>

#include "tools/qbid/explain/world.h"

#define QBID_EXPLAIN_MAPPED_MAX 8

/* A file of the folder. */
struct qbid_explain_file {
    uint64_t gen;
    char *name;
    int err; /* why it cannot be used, once it was tried */
};

struct qbid_explain_generations {
    const char *path;
    struct qbid_explain_file *file; /* by generation */
    uint32_t file_cnt;
    uint32_t file_max;
    uint64_t used; /* a clock for the least recently used one */
    struct {
        uint64_t gen; /* 0 = free */
        uint64_t used;
        struct qbid_explain_world world;
    } mapped[QBID_EXPLAIN_MAPPED_MAX];
};

/**
 * List a folder; path stays the caller's. Release with qbid_explain_generations_done(), also on
 * errors.
 *
 * Errors:  QBID_ERR_SYS (errno), NOMEM; INVAL when two files name the same generation.
 */
int qbid_explain_generations_init(struct qbid_explain_generations *folder, const char *path);
void qbid_explain_generations_done(struct qbid_explain_generations *folder);

/**
 * The world of a generation, mapped if need be.
 *
 * Returns: 0 with *ret_world, valid until the next call; QBID_ERR_NOENT: there is no file of it;
 *          else why its file cannot be used, *ret_name is the file's name, or NULL when that was
 *          said before. A file with another generation inside is QBID_ERR_CORRUPT.
 */
int qbid_explain_generations_find(struct qbid_explain_generations *folder, uint64_t gen,
                                  struct qbid_explain_world **ret_world, const char **ret_name);

#endif
