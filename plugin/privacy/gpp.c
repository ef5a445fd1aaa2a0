/* SPDX-License-Identifier: Apache-2.0 */
/* Header, Fibonacci codes, and the few fields of each section that matter to a bidder. */
#include "plugin/privacy/gpp.h"

#include <stdint.h>
#include <string.h>

#include "plugin/privacy/bits.h"
#include "shm/error.h"

#define HEADER_TYPE 3
#define HEADER_VERSION 1
#define SECTION_MAX 100000 /* far above what is assigned; sums cannot overflow */
#define OPTED_OUT 1
#define GPC_TYPE 1

/* The next part of a text split at a character; false when there is no more. */
static bool next_part(struct qbid_text *rest, char separator, struct qbid_text *ret)
{
    if (!rest->at)
        return false;
    const char *end = memchr(rest->at, separator, rest->len);
    uint32_t len = end ? (uint32_t)(end - rest->at) : rest->len;
    *ret = (struct qbid_text){rest->at, len};
    *rest = end ? (struct qbid_text){end + 1, rest->len - len - 1} : (struct qbid_text){NULL, 0};
    return true;
}

/* A number in Fibonacci code: ones stand for terms of the sequence 1 2 3 5 ..., two in a row end
 * it. What is cut off or above SECTION_MAX is bad. */
static uint32_t read_fibonacci(struct qbid_bits *bits)
{
    uint32_t number = 0, term = 1, next = 2;
    bool before = false;
    while (!bits->bad && term < SECTION_MAX) {
        bool bit = qbid_bits_read(bits, 1) != 0;
        if (bit && before)
            return number;
        number += bit ? term : 0;
        before = bit;
        uint32_t sum = term + next;
        term = next;
        next = sum;
    }
    bits->bad = true;
    return 0;
}

/* How many sections stand before one in a header; -1 when it is not there. */
static int64_t place_of(struct qbid_bits *bits, unsigned section)
{
    uint32_t cnt = qbid_bits_read(bits, 12), last = 0;
    int64_t before = 0, place = -1;
    for (uint32_t i = 0; i < cnt && !bits->bad; i++) {
        bool range = qbid_bits_read(bits, 1) != 0;
        uint32_t first = last + read_fibonacci(bits);
        last = first + (range ? read_fibonacci(bits) : 0);
        if (first <= section && section <= last)
            place = before + (section - first);
        before += (int64_t)last - first + 1;
        bits->bad |= last > SECTION_MAX;
    }
    return place;
}

int qbid_gpp_find(struct qbid_text gpp, unsigned section, struct qbid_text *ret)
{
    struct qbid_text part;
    if (!next_part(&gpp, '~', &part))
        return QBID_ERR_PARSE;
    struct qbid_bits bits = qbid_bits_init(part);
    uint32_t type = qbid_bits_read(&bits, 6), version = qbid_bits_read(&bits, 6);
    int64_t place = place_of(&bits, section);
    if (bits.bad || type != HEADER_TYPE || version != HEADER_VERSION)
        return QBID_ERR_PARSE;
    if (place < 0)
        return QBID_ERR_NOENT;
    for (; place >= 0; place--) {
        if (!next_part(&gpp, '~', &part))
            return QBID_ERR_PARSE;
    }
    *ret = part;
    return 0;
}

/* First bits of a section's opt-outs, and of its consents for children; 0 = it has no such field.
 * All sections start with a version of six bits, and each of these fields has two. Not every
 * section has a part with the browser's control: some have another one in its place. */
struct layout {
    uint8_t section, version;
    uint8_t sale, sharing, targeted;
    uint8_t child, child_cnt;
    bool has_control;
};

static const struct layout layouts[] = {
    {7, 1, 18, 20, 22, 48, 2, true},  {7, 2, 18, 20, 22, 56, 3, true},
    {8, 1, 12, 14, 0, 34, 2, true},   {9, 1, 12, 0, 14, 32, 1, false},
    {10, 1, 12, 0, 14, 30, 1, true},  {11, 1, 14, 0, 16, 34, 1, false},
    {12, 1, 12, 0, 14, 32, 3, true},  {13, 1, 12, 0, 14, 32, 3, false},
    {14, 1, 12, 0, 14, 32, 3, true},  {15, 1, 12, 0, 14, 38, 3, true},
    {16, 1, 12, 0, 14, 32, 1, true},  {17, 1, 12, 0, 14, 34, 5, true},
    {18, 1, 14, 0, 16, 34, 1, true},  {19, 1, 12, 0, 14, 32, 1, true},
    {20, 1, 12, 0, 14, 32, 3, true},  {21, 1, 12, 0, 14, 36, 5, true},
    {22, 1, 12, 0, 14, 32, 1, true},  {23, 1, 12, 0, 14, 32, 1, true},
    {24, 1, 16, 0, 18, 0, 0, true},   {25, 1, 16, 0, 18, 20, 1, false},
    {26, 1, 16, 0, 18, 20, 1, false}, {27, 1, 16, 0, 18, 20, 1, false},
};

static const struct layout *layout_of(unsigned section, uint32_t version)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        if (layouts[i].section == section && layouts[i].version == version)
            return &layouts[i];
    }
    return NULL;
}

/* A field of two bits; an absent one is 0. */
static uint32_t field_at(struct qbid_bits *bits, uint32_t at)
{
    bits->at = at;
    return at ? qbid_bits_read(bits, 2) : 0;
}

/* Whether one of a section's other parts says Global Privacy Control. */
static bool read_controls(struct qbid_text parts, bool *ret_bad)
{
    struct qbid_text part;
    bool controlled = false;
    while (next_part(&parts, '.', &part)) {
        struct qbid_bits bits = qbid_bits_init(part);
        uint32_t type = qbid_bits_read(&bits, 2), gpc = qbid_bits_read(&bits, 1);
        controlled |= type == GPC_TYPE && gpc != 0;
        *ret_bad |= bits.bad;
    }
    return controlled;
}

int qbid_gpp_us_read(unsigned section, struct qbid_text text)
{
    struct qbid_text core = {NULL, 0};
    (void)next_part(&text, '.', &core);
    struct qbid_bits bits = qbid_bits_init(core);
    uint32_t version = qbid_bits_read(&bits, 6);
    if (bits.bad)
        return QBID_ERR_PARSE;
    const struct layout *layout = layout_of(section, version);
    if (!layout)
        return QBID_ERR_NOENT;
    bool restricts = field_at(&bits, layout->sale) == OPTED_OUT;
    restricts |= field_at(&bits, layout->sharing) == OPTED_OUT;
    restricts |= field_at(&bits, layout->targeted) == OPTED_OUT;
    for (uint32_t i = 0; i < layout->child_cnt; i++)
        restricts |= field_at(&bits, layout->child + 2 * i) != 0;
    if (layout->has_control)
        restricts |= read_controls(text, &bits.bad);
    return bits.bad ? QBID_ERR_PARSE : restricts;
}
