/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a file, padded. */
#include "tests/plugin/lines.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "plugin/qbid.h"

int lines_open(struct lines *lines, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, LINES_FOLDER "%s", name);
    memset(lines, 0, sizeof *lines);
    lines->file = fopen(path, "r");
    if (!lines->file)
        printf("%s is not there: recorded requests are not tried\n", path);
    return lines->file != NULL;
}

int lines_next(struct lines *lines)
{
    ssize_t n;
    do {
        n = getline(&lines->text, &lines->max, lines->file);
        lines->number++;
    } while (n == 1);
    if (n <= 0)
        return 0;
    lines->len = (size_t)n;
    while (lines->len > 0 && strchr("\r\n", lines->text[lines->len - 1]))
        lines->len--;
    if (lines->max < lines->len + QBID_PADDING) {
        lines->max = lines->len + QBID_PADDING;
        lines->text = realloc(lines->text, lines->max);
        if (!lines->text)
            abort();
    }
    memset(lines->text + lines->len, 0, QBID_PADDING);
    return 1;
}

void lines_close(struct lines *lines)
{
    free(lines->text);
    fclose(lines->file);
}

char *lines_padded(const char *text, size_t len, char fill)
{
    char *copy = malloc(len + QBID_PADDING);
    if (!copy)
        abort();
    memcpy(copy, text, len);
    memset(copy + len, fill, QBID_PADDING);
    return copy;
}
