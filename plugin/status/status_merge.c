/* SPDX-License-Identifier: Apache-2.0 */
/* Merges Prometheus texts metric by metric. */
#include "plugin/status/status_merge.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MERGE_LABEL_BYTES 24 /* {process="4294967295", and one to spare */

/* A metric in a text: its "#" lines, then its samples. */
struct family {
    const char *meta, *samples, *end;
    const char *name;
    size_t name_bytes;
};

static const char *line_end(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));

    return newline != NULL ? newline + 1 : end;
}

/* The family that starts at `at`; false at the end of the text. */
static bool family_find(const char *at, const char *end, struct family *ret)
{
    const char *name = at;

    if (at >= end)
        return false;
    ret->meta = at;
    while (at < end && *at == '#' && (at == name || strncmp(at, "# HELP", 6) != 0))
        at = line_end(at, end);
    ret->samples = at;
    while (at < end && *at != '#')
        at = line_end(at, end);
    ret->end = at;
    if (*name == '#') /* "# TYPE name type" */
        name += (size_t)(ret->samples - name) > 7 ? 7 : 1;
    ret->name = name;
    ret->name_bytes = 0;
    while (name + ret->name_bytes < ret->end && !strchr(" {\n", name[ret->name_bytes]))
        ret->name_bytes++;
    return true;
}

static bool same_name(const struct family *a, const struct family *b)
{
    return a->name_bytes == b->name_bytes && memcmp(a->name, b->name, a->name_bytes) == 0;
}

/* The same metric in another text; first where that text's cursor stands. */
static bool family_search(const struct qbid_status_text *text, const char **cursor,
                          const struct family *wanted, struct family *ret)
{
    const char *end = text->at + text->bytes;

    if (family_find(*cursor, end, ret) && same_name(ret, wanted)) {
        *cursor = ret->end;
        return true;
    }
    for (const char *at = text->at; family_find(at, end, ret); at = ret->end) {
        if (same_name(ret, wanted))
            return true;
    }
    return false;
}

static char *put(char *out, const char *at, size_t bytes)
{
    memcpy(out, at, bytes);
    return out + bytes;
}

/* One sample line with the label of its process in front. */
static char *put_sample(char *out, const char *at, const char *end, unsigned process)
{
    const char *split = at;
    char label[MERGE_LABEL_BYTES];
    bool labelled;
    int n;

    while (split < end && *split != '{' && *split != ' ')
        split++;
    labelled = split < end && *split == '{';
    n = snprintf(label, sizeof(label), "{process=\"%u\"%s", process, labelled ? "," : "}");
    out = put(out, at, (size_t)(split - at));
    out = put(out, label, (size_t)n);
    split += labelled;
    return put(out, split, (size_t)(end - split));
}

static char *put_samples(char *out, const struct family *family, unsigned process)
{
    const char *next;

    for (const char *at = family->samples; at < family->end; at = next) {
        next = line_end(at, family->end);
        if (*at != '\n')
            out = put_sample(out, at, next, process);
    }
    return out;
}

size_t qbid_status_merge_bound(const struct qbid_status_text *texts, unsigned n)
{
    size_t bytes = 0;

    for (unsigned i = 0; i < n; i++) {
        const char *end = texts[i].at + texts[i].bytes;

        bytes += texts[i].bytes;
        for (const char *at = texts[i].at; at < end; at = line_end(at, end))
            bytes += MERGE_LABEL_BYTES;
    }
    return bytes;
}

size_t qbid_status_merge(struct qbid_status_text *texts, unsigned n, char *out)
{
    char *to = out;

    for (unsigned i = 0; i < n; i++) {
        const char *end = texts[i].at + texts[i].bytes;
        const char *cursor[128];
        struct family family, other;

        for (unsigned j = 0; j < n; j++)
            cursor[j] = texts[j].at;
        for (const char *at = texts[i].at; family_find(at, end, &family); at = family.end) {
            bool merged = false; /* with an earlier text that has it too */

            for (unsigned j = 0; j < i && !merged; j++)
                merged = family_search(&texts[j], &cursor[j], &family, &other);
            if (merged)
                continue;
            to = put(to, family.meta, (size_t)(family.samples - family.meta));
            to = put_samples(to, &family, texts[i].process);
            for (unsigned j = i + 1; j < n; j++) {
                if (family_search(&texts[j], &cursor[j], &family, &other))
                    to = put_samples(to, &other, texts[j].process);
            }
        }
    }
    return (size_t)(to - out);
}
