/* SPDX-License-Identifier: Apache-2.0 */
/* A correction table to and from its file. */
#include "control/learn/campaigns/correction_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/error.h"

static int fail(char *why, int err, const char *path, const char *reason)
{
    snprintf(why, QBID_CORRECTION_FILE_WHY_MAX, "%s: %s", path, reason);
    return err;
}

/* The whole file, which must be as long as a table. */
static int file_read(const char *path, struct qbid_correction_table *table, char *why)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return fail(why, QBID_ERR_SYS, path, strerror(errno));
    size_t got = fread(table, 1, sizeof *table, f);
    int more = fgetc(f) != EOF, broken = ferror(f);
    fclose(f);
    if (broken)
        return fail(why, QBID_ERR_SYS, path, "cannot be read");
    if (got != sizeof *table || more)
        return fail(why, QBID_ERR_CORRUPT, path, "has not the length of a correction table");
    return 0;
}

int qbid_correction_file_load(const char *path, int64_t now_unix_s,
                              struct qbid_correction_table **ret_table,
                              char why[QBID_CORRECTION_FILE_WHY_MAX])
{
    *why = 0;
    struct qbid_correction_table *table = malloc(sizeof *table);
    if (!table)
        return fail(why, QBID_ERR_NOMEM, path, qbid_strerror(QBID_ERR_NOMEM));
    int err = file_read(path, table, why);
    if (!err) {
        err = qbid_correction_check(table, now_unix_s);
        if (err == QBID_ERR_VERSION)
            fail(why, err, path, "is no correction table of this version");
        else if (err == QBID_ERR_CORRUPT)
            fail(why, err, path, "is damaged: its checksum, an edge or a step is wrong");
        else if (err == QBID_ERR_STALE)
            fail(why, err, path, "is older than it may be used for; the pacer goes without it");
    }
    if (err && err != QBID_ERR_STALE) {
        free(table);
        return err;
    }
    *ret_table = table;
    return 0;
}

int qbid_correction_file_write(const char *path, const struct qbid_correction_table *table,
                               char why[QBID_CORRECTION_FILE_WHY_MAX])
{
    char fresh[4096];
    *why = 0;
    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new", path) >= sizeof fresh)
        return fail(why, QBID_ERR_SYS, path, "is too long a path");
    FILE *f = fopen(fresh, "wb");
    if (!f)
        return fail(why, QBID_ERR_SYS, path, strerror(errno));
    int failed = fwrite(table, sizeof *table, 1, f) != 1 || fflush(f) != 0 || fsync(fileno(f)) != 0;
    int code = errno;
    failed |= fclose(f) != 0;
    if (!failed && rename(fresh, path) != 0) {
        code = errno;
        failed = 1;
    }
    if (!failed)
        return 0;
    unlink(fresh);
    return fail(why, QBID_ERR_SYS, path, strerror(code));
}
