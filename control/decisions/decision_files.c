/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and reads decision logs. */
#include "control/decisions/decision_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/error.h"

#define PATH_BYTES 1200
#define READ_RECORDS 512

static bool number_of(const char *name, uint64_t *ret_number)
{
    size_t digits = strspn(name, "0123456789");
    if (digits == 0 || digits > 18 || strcmp(name + digits, QBID_DECISION_SUFFIX) != 0)
        return false;
    *ret_number = strtoull(name, NULL, 10);
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static int file_add(struct qbid_decision_files *files, uint64_t number, uint64_t bytes)
{
    if (files->cnt % 64 == 0) {
        void *more = realloc(files->file, (files->cnt + 64) * sizeof *files->file);
        if (!more)
            return QBID_ERR_NOMEM;
        files->file = more;
    }
    files->file[files->cnt].number = number;
    files->file[files->cnt++].bytes = bytes;
    return 0;
}

int qbid_decision_files_list(const char *folder, struct qbid_decision_files *ret_files)
{
    struct qbid_decision_files files = {0};
    const struct dirent *entry;
    int err = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return QBID_ERR_SYS;
    while (!err && (entry = readdir(dir))) {
        struct stat stat;
        uint64_t number;
        if (number_of(entry->d_name, &number) && fstatat(dirfd(dir), entry->d_name, &stat, 0) == 0)
            err = file_add(&files, number, (uint64_t)stat.st_size);
    }
    closedir(dir);
    if (err) {
        qbid_decision_files_done(&files);
        return err;
    }
    if (files.cnt > 1)
        qsort(files.file, files.cnt, sizeof *files.file, by_number);
    *ret_files = files;
    return 0;
}

void qbid_decision_files_done(struct qbid_decision_files *files)
{
    free(files->file);
    *files = (struct qbid_decision_files){0};
}

static bool head_good(const struct qbid_decision_record *r)
{
    return r->kind == QBID_DECISION_HEAD && r->checksum == qbid_decision_checksum(r) &&
           r->u.head.magic == QBID_DECISION_MAGIC && r->u.head.record_bytes == sizeof *r;
}

/* Bytes up to a whole number of records; fewer at the end. */
static ssize_t read_some(int fd, void *to, size_t bytes)
{
    size_t got = 0;
    while (got < bytes) {
        ssize_t n = read(fd, (char *)to + got, bytes - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

static int file_read(int fd, qbid_decision_fn *fn, void *context, struct qbid_decision_reading *ret)
{
    struct qbid_decision_record record[READ_RECORDS];
    bool first = true, whole = true;
    for (;;) {
        ssize_t got = read_some(fd, record, sizeof record);
        if (got < 0)
            return QBID_ERR_SYS;
        size_t cnt = (size_t)got / sizeof *record, good = 0;
        for (; good < cnt && whole; good += whole) {
            const struct qbid_decision_record *r = &record[good];
            if (first && !head_good(r))
                return QBID_ERR_VERSION;
            first = false;
            whole = r->checksum == qbid_decision_checksum(r);
            int err = whole ? fn(context, r) : 0;
            if (err)
                return err;
            ret->records += whole;
        }
        ret->cut += (size_t)got - good * sizeof *record;
        if ((size_t)got < sizeof record)
            return 0;
    }
}

int qbid_decision_files_read(const char *folder, qbid_decision_fn *fn, void *context,
                             struct qbid_decision_reading *ret)
{
    struct qbid_decision_files files;
    char path[PATH_BYTES];
    *ret = (struct qbid_decision_reading){0};
    int err = qbid_decision_files_list(folder, &files);
    if (err)
        return err;
    for (uint32_t i = 0; i < files.cnt && !err; i++) {
        snprintf(path, sizeof path, "%s/%010llu" QBID_DECISION_SUFFIX, folder,
                 (unsigned long long)files.file[i].number);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
            continue; /* it made room meanwhile */
        err = fd < 0 ? QBID_ERR_SYS : file_read(fd, fn, context, ret);
        int why = errno;
        if (fd >= 0)
            close(fd);
        errno = why;
        ret->files++;
        if (err)
            snprintf(ret->bad, sizeof ret->bad, "%010llu" QBID_DECISION_SUFFIX,
                     (unsigned long long)files.file[i].number);
    }
    qbid_decision_files_done(&files);
    return err;
}
