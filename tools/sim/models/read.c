/* SPDX-License-Identifier: Apache-2.0 */
/* Lines to columns, columns to dimensions. */
#include "tools/sim/models/read.h"

#include <stdlib.h>
#include <string.h>

#include "shm/dims.h"
#include "shm/error.h"
#include "shm/hash.h"

#define LINE_MAX_BYTES 65536
#define COLUMNS_MAX 32
#define IPINYOU_COLUMNS 25
#define AVAZU_COLUMNS 24

static const struct column {
    unsigned dim, at;
} ipinyou[] = {{QBID_DIM_EXCHANGE, 11}, {QBID_DIM_POSITION, 18}, {QBID_DIM_DEVICE, 7},
               {QBID_DIM_GEO, 9},       {QBID_DIM_SITE, 12},     {QBID_DIM_HOUR, 2}},
  avazu[] = {{QBID_DIM_EXCHANGE, 3}, {QBID_DIM_SLOT, 17}, {QBID_DIM_POSITION, 4},
             {QBID_DIM_DEVICE, 15},  {QBID_DIM_GEO, 8},   {QBID_DIM_SITE, 5},
             {QBID_DIM_SEGMENT, 19}, {QBID_DIM_HOUR, 20}};

/* A value's index, from 1 on. */
static uint64_t pack(uint64_t context, unsigned dim, const char *text)
{
    uint64_t hash = qbid_hash_dim(dim, text, strlen(text));
    return qbid_dim_pack(context, dim, 1 + (uint32_t)(hash % qbid_dim_index_max(dim)));
}

static uint64_t pack_all(const struct column *column, size_t cnt, char *const *text)
{
    uint64_t context = 0;
    for (size_t i = 0; i < cnt; i++)
        context = pack(context, column[i].dim, text[column[i].at]);
    return context;
}

static unsigned split(char *line, char separator, char *text[COLUMNS_MAX])
{
    unsigned cnt = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; at && cnt < COLUMNS_MAX;) {
        text[cnt++] = at;
        at = strchr(at, separator);
        if (at)
            *at++ = '\0';
    }
    return cnt;
}

static bool click_read(const char *text, bool *ret_clicked)
{
    *ret_clicked = *text == '1';
    return (*text == '0' || *text == '1') && text[1] == '\0';
}

int qbid_models_read(FILE *file, struct qbid_models_row *ret_row)
{
    static const char head[] = "id,click,";
    char line[LINE_MAX_BYTES], *text[COLUMNS_MAX], slot[64];
    struct qbid_models_row row = {0};
    do {
        if (!fgets(line, sizeof line, file))
            return 0;
    } while (strncmp(line, head, sizeof head - 1) == 0);
    bool tabs = strchr(line, '\t') != NULL;
    unsigned cnt = split(line, tabs ? '\t' : ',', text);
    if (cnt < (tabs ? IPINYOU_COLUMNS : AVAZU_COLUMNS) ||
        !click_read(text[tabs ? 0 : 1], &row.clicked))
        return QBID_ERR_INVAL;
    row.id = XXH3_64bits(text[tabs ? 3 : 0], strlen(text[tabs ? 3 : 0]));
    if (tabs) {
        snprintf(slot, sizeof slot, "%sx%s", text[16], text[17]);
        row.context =
            pack(pack_all(ipinyou, sizeof ipinyou / sizeof *ipinyou, text), QBID_DIM_SLOT, slot);
    } else {
        row.context = pack_all(avazu, sizeof avazu / sizeof *avazu, text);
    }
    *ret_row = row;
    return 1;
}
