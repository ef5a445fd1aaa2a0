/* SPDX-License-Identifier: Apache-2.0 */
/* Lists the folder once, maps files as they are asked for, least recently used out. */
#include "tools/qbid/explain/generations.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

/* Generation that a file name stands for, 0 = it is none of ours. */
static uint64_t name_gen(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    if (digits == 0 || digits > 30 || strcmp(name + digits, ".qbi") != 0)
        return 0;
    errno = 0;
    unsigned long long gen = strtoull(name, NULL, 10);
    return errno ? 0 : gen;
}

static int add_file(struct qbid_explain_generations *folder, const char *name)
{
    uint64_t gen = name_gen(name);
    if (gen == 0)
        return 0;
    if (folder->file_cnt == folder->file_max) {
        uint32_t max = folder->file_max ? 2 * folder->file_max : 64;
        struct qbid_explain_file *bigger = realloc(folder->file, max * sizeof *bigger);
        if (!bigger)
            return QBID_ERR_NOMEM;
        folder->file = bigger;
        folder->file_max = max;
    }
    char *copy = strdup(name);
    if (!copy)
        return QBID_ERR_NOMEM;
    folder->file[folder->file_cnt++] = (struct qbid_explain_file){.gen = gen, .name = copy};
    return 0;
}

static int by_gen(const void *a, const void *b)
{
    const struct qbid_explain_file *x = a, *y = b;
    return (x->gen > y->gen) - (x->gen < y->gen);
}

int qbid_explain_generations_init(struct qbid_explain_generations *folder, const char *path)
{
    memset(folder, 0, sizeof *folder);
    folder->path = path;
    DIR *dir = opendir(path);
    if (!dir)
        return QBID_ERR_SYS;
    int err = 0;
    for (struct dirent *entry; err == 0 && (entry = readdir(dir));)
        err = add_file(folder, entry->d_name);
    closedir(dir);
    if (err)
        return err;
    if (folder->file_cnt)
        qsort(folder->file, folder->file_cnt, sizeof *folder->file, by_gen);
    for (uint32_t i = 1; i < folder->file_cnt; i++)
        if (folder->file[i].gen == folder->file[i - 1].gen)
            return QBID_ERR_INVAL;
    return 0;
}

void qbid_explain_generations_done(struct qbid_explain_generations *folder)
{
    for (unsigned i = 0; i < QBID_EXPLAIN_MAPPED_MAX; i++)
        qbid_explain_world_done(&folder->mapped[i].world);
    for (uint32_t i = 0; i < folder->file_cnt; i++)
        free(folder->file[i].name);
    free(folder->file);
    memset(folder, 0, sizeof *folder);
}

static int open_world(const struct qbid_explain_generations *folder,
                      const struct qbid_explain_file *file, struct qbid_explain_world *world)
{
    char *path;
    if (asprintf(&path, "%s/%s", folder->path, file->name) < 0)
        return QBID_ERR_NOMEM;
    int err = qbid_explain_world_init(world, path);
    int why = errno;
    free(path);
    errno = why;
    if (err == 0 && world->image.header->gen != file->gen) {
        qbid_explain_world_done(world);
        err = QBID_ERR_CORRUPT;
    }
    return err;
}

int qbid_explain_generations_find(struct qbid_explain_generations *folder, uint64_t gen,
                                  struct qbid_explain_world **ret_world, const char **ret_name)
{
    unsigned oldest = 0;
    *ret_name = NULL;
    folder->used++;
    for (unsigned i = 0; i < QBID_EXPLAIN_MAPPED_MAX; i++) {
        if (folder->mapped[i].gen == gen && gen != 0) {
            folder->mapped[i].used = folder->used;
            *ret_world = &folder->mapped[i].world;
            return 0;
        }
        if (folder->mapped[i].used < folder->mapped[oldest].used)
            oldest = i;
    }
    struct qbid_explain_file key = {.gen = gen};
    struct qbid_explain_file *file =
        folder->file_cnt ? bsearch(&key, folder->file, folder->file_cnt, sizeof key, by_gen) : NULL;
    if (!file)
        return QBID_ERR_NOENT;
    if (file->err)
        return file->err;
    qbid_explain_world_done(&folder->mapped[oldest].world);
    folder->mapped[oldest].gen = 0;
    file->err = open_world(folder, file, &folder->mapped[oldest].world);
    if (file->err) {
        *ret_name = file->name;
        return file->err;
    }
    folder->mapped[oldest].gen = gen;
    folder->mapped[oldest].used = folder->used;
    *ret_world = &folder->mapped[oldest].world;
    return 0;
}
