/* SPDX-License-Identifier: Apache-2.0 */
/* Files in memory, each with its content as of the last sync and the writes since. */
#include "tests/control/executor/crash_vfs.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "tests/control/models/rng.h"

#define FILES_MAX 4
#define NAME_MAX_BYTES 80
#define SHM_MAX 8
#define SLOTS 2

/* A write since the last sync; data NULL = a truncation to `at`. */
struct change {
    uint8_t *data;
    size_t at, len;
};

struct content {
    uint8_t *data;
    size_t len, room;
};

struct mem_file {
    char name[NAME_MAX_BYTES]; /* "" = free, "?" = without a name */
    struct content now, synced;
    struct change *change;
    uint32_t change_cnt, change_max;
};

struct handle {
    sqlite3_file base;
    struct mem_file *file;
    bool drop; /* at close */
};

static struct mem_file files[FILES_MAX];
static struct mem_file saved[SLOTS][FILES_MAX];
static void *shm[SHM_MAX];
static struct rng random_stream;
static enum crash_kind crash_kind;
static uint64_t crash_in, writes;
static bool dead, full;

static void content_room(struct content *c, size_t len)
{
    if (len > c->room) {
        c->room = len * 2;
        c->data = realloc(c->data, c->room);
        if (!c->data)
            abort();
    }
    if (len > c->len) {
        memset(c->data + c->len, 0, len - c->len);
        c->len = len;
    }
}

static void content_copy(struct content *to, const struct content *from)
{
    to->len = 0;
    content_room(to, from->len);
    if (from->len)
        memcpy(to->data, from->data, from->len);
}

static void content_apply(struct content *c, const struct change *change)
{
    if (!change->data) {
        content_room(c, change->at);
        c->len = change->at;
        return;
    }
    content_room(c, change->at + change->len);
    memcpy(c->data + change->at, change->data, change->len);
}

static void changes_drop(struct mem_file *f)
{
    for (uint32_t i = 0; i < f->change_cnt; i++)
        free(f->change[i].data);
    f->change_cnt = 0;
}

static void change_add(struct mem_file *f, const void *data, size_t at, size_t len)
{
    struct change change = {.at = at, .len = len};
    if (data) {
        change.data = malloc(len + 1);
        if (!change.data)
            abort();
        memcpy(change.data, data, len);
    }
    content_apply(&f->now, &change);
    if (f->change_cnt == f->change_max) {
        f->change_max = f->change_max ? f->change_max * 2 : 64;
        f->change = realloc(f->change, f->change_max * sizeof *f->change);
        if (!f->change)
            abort();
    }
    f->change[f->change_cnt++] = change;
}

static void file_sync(struct mem_file *f)
{
    for (uint32_t i = 0; i < f->change_cnt; i++)
        content_apply(&f->synced, &f->change[i]);
    changes_drop(f);
}

static void file_forget(struct mem_file *f)
{
    changes_drop(f);
    f->now.len = f->synced.len = 0;
    f->name[0] = '\0';
}

static struct mem_file *file_find(const char *name)
{
    for (int i = 0; i < FILES_MAX; i++)
        if (strcmp(files[i].name, name) == 0)
            return &files[i];
    return NULL;
}

/* One more write: whether it may happen, wholly (0), in part (1) or not at all (2). */
static int write_allowed(void)
{
    if (dead)
        return 2;
    writes++;
    if (crash_in == 0 || --crash_in > 0)
        return 0;
    dead = true;
    return 1;
}

/* --- files */

static int io_close(sqlite3_file *base)
{
    struct handle *h = (struct handle *)base;
    if (h->drop)
        file_forget(h->file);
    return SQLITE_OK;
}

static int io_read(sqlite3_file *base, void *out, int n, sqlite3_int64 at)
{
    const struct content *c = &((struct handle *)base)->file->now;
    size_t from = (size_t)at, have = from < c->len ? c->len - from : 0;
    if (dead)
        return SQLITE_IOERR_READ;
    if (have > (size_t)n)
        have = (size_t)n;
    if (have)
        memcpy(out, c->data + from, have);
    memset((char *)out + have, 0, (size_t)n - have);
    return have == (size_t)n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int io_write(sqlite3_file *base, const void *data, int n, sqlite3_int64 at)
{
    struct mem_file *f = ((struct handle *)base)->file;
    if (full && !dead)
        return SQLITE_FULL;
    int how = write_allowed();
    if (how == 0)
        change_add(f, data, (size_t)at, (size_t)n);
    else if (how == 1)
        change_add(f, data, (size_t)at, rng_below(&random_stream, (uint32_t)n + 1));
    return how ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

static int io_truncate(sqlite3_file *base, sqlite3_int64 len)
{
    if (full && !dead)
        return SQLITE_IOERR_TRUNCATE;
    if (write_allowed())
        return SQLITE_IOERR_TRUNCATE;
    change_add(((struct handle *)base)->file, NULL, (size_t)len, 0);
    return SQLITE_OK;
}

static int io_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    if (write_allowed())
        return SQLITE_IOERR_FSYNC;
    file_sync(((struct handle *)base)->file);
    return SQLITE_OK;
}

static int io_size(sqlite3_file *base, sqlite3_int64 *ret)
{
    *ret = (sqlite3_int64)((struct handle *)base)->file->now.len;
    return dead ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int io_lock(sqlite3_file *base, int level)
{
    (void)base, (void)level;
    return SQLITE_OK;
}

static int io_reserved(sqlite3_file *base, int *ret)
{
    (void)base;
    *ret = 0;
    return SQLITE_OK;
}

static int io_control(sqlite3_file *base, int op, void *arg)
{
    (void)base, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int io_sector(sqlite3_file *base)
{
    (void)base;
    return 512;
}

static int io_traits(sqlite3_file *base)
{
    (void)base;
    return 0;
}

static int io_shm_map(sqlite3_file *base, int at, int bytes, int extend, void volatile **ret)
{
    (void)base, (void)extend;
    if (dead || at >= SHM_MAX)
        return SQLITE_IOERR_SHMMAP;
    if (!shm[at])
        shm[at] = calloc(1, (size_t)bytes);
    *ret = shm[at];
    return shm[at] ? SQLITE_OK : SQLITE_IOERR_NOMEM;
}

static int io_shm_lock(sqlite3_file *base, int at, int n, int flags)
{
    (void)base, (void)at, (void)n, (void)flags;
    return SQLITE_OK;
}

static void io_shm_barrier(sqlite3_file *base)
{
    (void)base;
}

static void shm_drop(void)
{
    for (int i = 0; i < SHM_MAX; i++) {
        free(shm[i]);
        shm[i] = NULL;
    }
}

static int io_shm_unmap(sqlite3_file *base, int drop)
{
    (void)base, (void)drop;
    shm_drop();
    return SQLITE_OK;
}

/* --- the folder */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                    int *ret_flags)
{
    static const sqlite3_io_methods methods = {
        2,           io_close,       io_read,      io_write,   io_truncate, io_sync,   io_size,
        io_lock,     io_lock,        io_reserved,  io_control, io_sector,   io_traits, io_shm_map,
        io_shm_lock, io_shm_barrier, io_shm_unmap, NULL,       NULL};
    struct handle *h = (struct handle *)base;
    (void)vfs;
    memset(h, 0, sizeof *h);
    struct mem_file *f = name ? file_find(name) : NULL;
    if (!f && !dead)
        f = file_find("");
    if (dead || !f)
        return SQLITE_CANTOPEN;
    snprintf(f->name, sizeof f->name, "%s", name ? name : "?");
    h->file = f;
    h->drop = !name || flags & SQLITE_OPEN_DELETEONCLOSE;
    h->base.pMethods = &methods;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    struct mem_file *f = file_find(name);
    (void)vfs, (void)sync;
    if (write_allowed())
        return SQLITE_IOERR_DELETE;
    if (!f)
        return SQLITE_IOERR_DELETE_NOENT;
    file_forget(f);
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    (void)vfs, (void)flags;
    *ret = file_find(name) != NULL;
    return dead ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int vfs_path(sqlite3_vfs *vfs, const char *name, int max, char *out)
{
    (void)vfs;
    snprintf(out, (size_t)max, "%s", name);
    return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    memset(out, 7, (size_t)n);
    return n;
}

static int vfs_sleep(sqlite3_vfs *vfs, int micros)
{
    (void)vfs;
    return micros;
}

static int vfs_time(sqlite3_vfs *vfs, double *ret)
{
    (void)vfs;
    *ret = 2460000.5;
    return SQLITE_OK;
}

void crash_vfs_install(void)
{
    static sqlite3_vfs vfs = {.iVersion = 1,
                              .szOsFile = sizeof(struct handle),
                              .mxPathname = NAME_MAX_BYTES - 1,
                              .zName = "crash",
                              .xOpen = vfs_open,
                              .xDelete = vfs_delete,
                              .xAccess = vfs_access,
                              .xFullPathname = vfs_path,
                              .xRandomness = vfs_random,
                              .xSleep = vfs_sleep,
                              .xCurrentTime = vfs_time};
    random_stream = rng_init(1);
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
}

void crash_vfs_arm(uint64_t n, enum crash_kind kind, uint64_t seed)
{
    crash_in = n;
    crash_kind = kind;
    random_stream = rng_init(seed);
}

bool crash_vfs_dead(void)
{
    return dead;
}

uint64_t crash_vfs_writes(void)
{
    return writes;
}

void crash_vfs_fill(bool now)
{
    full = now;
}

void crash_vfs_restart(void)
{
    shm_drop();
    for (int i = 0; i < FILES_MAX; i++) {
        struct mem_file *f = &files[i];
        if (!f->name[0])
            continue;
        if (strcmp(f->name, "?") == 0) {
            file_forget(f);
            continue;
        }
        for (uint32_t c = 0; c < f->change_cnt && dead && crash_kind == CRASH_POWER; c++)
            if (rng_below(&random_stream, 2))
                content_apply(&f->synced, &f->change[c]);
        if (dead && crash_kind == CRASH_POWER) {
            content_copy(&f->now, &f->synced);
            changes_drop(f);
        } else {
            file_sync(f);
        }
    }
    dead = false;
    crash_in = 0;
}

static void file_copy(struct mem_file *to, const struct mem_file *from)
{
    memcpy(to->name, from->name, sizeof to->name);
    content_copy(&to->now, &from->now);
    content_copy(&to->synced, &from->now); /* of a quiet moment: all is synced */
    changes_drop(to);
}

void crash_vfs_save(int slot)
{
    for (int i = 0; i < FILES_MAX; i++)
        file_copy(&saved[slot][i], &files[i]);
}

void crash_vfs_load(int slot)
{
    shm_drop();
    dead = false;
    crash_in = 0;
    for (int i = 0; i < FILES_MAX; i++)
        file_copy(&files[i], &saved[slot][i]);
}
