/* SPDX-License-Identifier: Apache-2.0 */
/* Hand-written log lines for the tests, and folders to put them in. */
#ifndef QBID_TESTS_TOOLS_REPLAY_SOURCE_ROWS_H
#define QBID_TESTS_TOOLS_REPLAY_SOURCE_ROWS_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROW_UA "Mozilla/5.0 (Windows NT 6.1) Chrome/21.0"

/* A 24-column line; what a test does not care about has fixed values. */
#define ROW_LINE(bidid, timestamp, logtype, floor, paid, tags)                                     \
    bidid "\t" timestamp "\t" logtype "\tC4NDR12~1B\t" ROW_UA "\t222.218.230.*\t238\t246\t3\t"     \
          "9a2acabba41e00373f68053fd73e4d50\t19bbcb08106cbd6410a51fe87c40c44e\tnull\t"             \
          "mm_12712107_1718689\t300\t250\tFirstView\tNa\t" floor "\t10722\t294\t" paid             \
          "\tnull\t2821\t" tags

/* A new folder under build/; the caller removes it with remove_folder. */
static inline void make_folder(char path[64])
{
    snprintf(path, 64, "build/replay-test-XXXXXX");
    if (!mkdtemp(path)) {
        perror(path);
        abort();
    }
}

static inline void write_file(const char *folder, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
        perror(path);
        abort();
    }
}

static inline void remove_folder(const char *folder, const char *const *names, size_t cnt)
{
    char path[128];
    for (size_t i = 0; i < cnt; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

#endif
