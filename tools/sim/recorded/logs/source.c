/* SPDX-License-Identifier: Apache-2.0 */
/* Walks folders and tells the formats apart by the number and the range of their fields. */
#include "tools/sim/recorded/logs/source.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shm/error.h"
#include "tools/replay/source/row.h"
#include "tools/sim/recorded/logs/text.h"

#define LINES_JUDGED 64
#define HEAD_BYTES (1 << 16)

const char *qbid_recorded_format_name(enum qbid_recorded_format format)
{
    static const char *const name[QBID_RECORDED_FORMATS] = {"unknown", "pctr", "theta", "raw",
                                                            "bids"};
    return name[format];
}

static int in_range(const struct qbid_recorded_text *text, uint32_t field, double low, double high)
{
    double number;
    char message[QBID_RECORDED_MESSAGE_BYTES];
    return qbid_recorded_text_number(text, field, "", low, high, &number, message) == 0;
}

static int line_is_raw(const char *line, size_t len)
{
    uint32_t tabs = 0;
    for (size_t i = 0; i < len; i++)
        tabs += line[i] == '\t';
    return tabs == QBID_REPLAY_ROW_COLUMNS - 1 || tabs == QBID_REPLAY_ROW_COLUMNS_TRAIN - 1;
}

static enum qbid_recorded_format line_format(const struct qbid_recorded_text *text)
{
    const char *end =
        memchr(text->field[0].at, '\n', (size_t)(text->text + text->len - text->field[0].at));
    end = end ? end : text->text + text->len;
    if (line_is_raw(text->field[0].at, (size_t)(end - text->field[0].at)))
        return QBID_RECORDED_RAW;
    if (text->field_cnt == 2 && in_range(text, 0, 0, 1e9) && in_range(text, 1, 0, 1))
        return QBID_RECORDED_BIDS;
    if (text->field_cnt < 3 || text->field_cnt > 4 || !in_range(text, 0, 0, 1) ||
        !in_range(text, 1, 0, 1e9) || !in_range(text, 2, 0, 1))
        return QBID_RECORDED_UNKNOWN;
    if (text->field_cnt == 3)
        return QBID_RECORDED_THETA;
    return in_range(text, 3, 0, 1e18) ? QBID_RECORDED_PCTR : QBID_RECORDED_UNKNOWN;
}

/* The head of a file alone: a folder may hold large files of other kinds. */
static int head_read(struct qbid_recorded_text *text, const char *path, char *message)
{
    *text = (struct qbid_recorded_text){.path = path};
    FILE *f = fopen(path, "rb");
    text->text = f ? malloc(HEAD_BYTES) : NULL;
    if (text->text)
        text->len = fread(text->text, 1, HEAD_BYTES, f);
    int failed = !text->text || ferror(f);
    if (failed)
        snprintf(message, QBID_RECORDED_MESSAGE_BYTES, "%s: %s", path, strerror(errno));
    if (f)
        fclose(f);
    if (text->len == HEAD_BYTES) /* the last line may be cut */
        while (text->len > 0 && text->text[text->len - 1] != '\n')
            text->len--;
    return failed ? QBID_ERR_SYS : 0;
}

int qbid_recorded_source_detect(const char *path, enum qbid_recorded_format *ret_format,
                                char *message)
{
    struct qbid_recorded_text text;
    uint32_t lines = 0, votes[QBID_RECORDED_FORMATS] = {0};
    int err = head_read(&text, path, message);
    while (!err && lines < LINES_JUDGED && qbid_recorded_text_next(&text)) {
        votes[line_format(&text)]++;
        lines++;
    }
    qbid_recorded_text_done(&text);
    if (err)
        return err;
    *ret_format = QBID_RECORDED_UNKNOWN;
    for (int f = QBID_RECORDED_UNKNOWN + 1; f < QBID_RECORDED_FORMATS; f++)
        if (2 * votes[f] > lines)
            *ret_format = (enum qbid_recorded_format)f;
    return 0;
}

static int source_add(struct qbid_recorded_sources *sources, const char *path,
                      enum qbid_recorded_format format, char *message)
{
    if (sources->cnt == QBID_RECORDED_SOURCES_MAX) {
        snprintf(message, QBID_RECORDED_MESSAGE_BYTES, "%s: over %d logs", path,
                 QBID_RECORDED_SOURCES_MAX);
        return QBID_ERR_LIMIT;
    }
    if (!sources->source)
        sources->source = calloc(QBID_RECORDED_SOURCES_MAX, sizeof *sources->source);
    char *copy = sources->source ? strdup(path) : NULL;
    if (!copy) {
        snprintf(message, QBID_RECORDED_MESSAGE_BYTES, "out of memory");
        return QBID_ERR_NOMEM;
    }
    sources->source[sources->cnt++] = (struct qbid_recorded_source){format, copy};
    return 0;
}

/* imp*, clk* and train* of one folder belong together. */
static int is_part_of_raw(const char *name)
{
    return fnmatch("imp*.txt", name, 0) == 0 || fnmatch("clk*.txt", name, 0) == 0 ||
           fnmatch("train*.txt", name, 0) == 0;
}

static int folder_add(struct qbid_recorded_sources *sources, const char *path, int depth,
                      char *message);

static int entry_add(struct qbid_recorded_sources *sources, const char *folder, const char *name,
                     int depth, int *has_raw, char *message)
{
    char *path = NULL;
    struct stat status;
    enum qbid_recorded_format format = QBID_RECORDED_UNKNOWN;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return QBID_ERR_NOMEM;
    int err = 0;
    if (stat(path, &status) != 0) {
        snprintf(message, QBID_RECORDED_MESSAGE_BYTES, "%s: %s", path, strerror(errno));
        err = QBID_ERR_SYS;
    } else if (S_ISDIR(status.st_mode)) {
        err = depth < QBID_RECORDED_DEPTH_MAX ? folder_add(sources, path, depth + 1, message) : 0;
    } else if (S_ISREG(status.st_mode)) {
        err = qbid_recorded_source_detect(path, &format, message);
        if (!err && format == QBID_RECORDED_RAW && is_part_of_raw(name)) {
            if (!*has_raw)
                err = source_add(sources, folder, format, message);
            *has_raw = 1;
        } else if (!err && format != QBID_RECORDED_UNKNOWN) {
            err = source_add(sources, path, format, message);
        } else {
            sources->passed++;
        }
    }
    free(path);
    return err;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int folder_add(struct qbid_recorded_sources *sources, const char *path, int depth,
                      char *message)
{
    struct dirent **entries;
    int cnt = scandir(path, &entries, is_visible, alphasort), err = 0, has_raw = 0;
    if (cnt < 0) {
        snprintf(message, QBID_RECORDED_MESSAGE_BYTES, "%s: %s", path, strerror(errno));
        return QBID_ERR_SYS;
    }
    for (int i = 0; i < cnt; i++) {
        if (!err)
            err = entry_add(sources, path, entries[i]->d_name, depth, &has_raw, message);
        free(entries[i]);
    }
    free(entries);
    return err;
}

int qbid_recorded_sources_add(struct qbid_recorded_sources *sources, const char *path,
                              char *message)
{
    struct stat status;
    enum qbid_recorded_format format;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        size_t len = strlen(path);
        while (len > 1 && path[len - 1] == '/')
            len--;
        char *plain = strndup(path, len);
        int err = plain ? folder_add(sources, plain, 0, message) : QBID_ERR_NOMEM;
        free(plain);
        return err;
    }
    int err = qbid_recorded_source_detect(path, &format, message);
    if (err)
        return err;
    if (format != QBID_RECORDED_UNKNOWN)
        return source_add(sources, path, format, message);
    snprintf(message, QBID_RECORDED_MESSAGE_BYTES,
             "%s: not a recorded log: most lines are none of 'click price pctr time', "
             "'click price theta', 'bid win', or the 24 (27) columns of iPinYou with tabs",
             path);
    return QBID_ERR_PARSE;
}

void qbid_recorded_sources_done(struct qbid_recorded_sources *sources)
{
    for (uint32_t i = 0; i < sources->cnt; i++)
        free(sources->source[i].path);
    free(sources->source);
    *sources = (struct qbid_recorded_sources){0};
}
