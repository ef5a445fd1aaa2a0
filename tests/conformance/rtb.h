/* SPDX-License-Identifier: Apache-2.0 */
/* Bid requests and answers as Jansson reads them: lookups that take a field as it is meant.
 *
 * Nothing here is shared with the product. What is absent, null, an empty text or of another type
 * than asked for counts as not there; whether types were right is a question of its own
 * (rtb_sound()). Decimals are read back from the fewest digits that stand for a double, so prices
 * of up to 17 digits are exact.
 */
#ifndef QBID_TESTS_CONFORMANCE_RTB_H
#define QBID_TESTS_CONFORMANCE_RTB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define RTB_RAW_MAX 1024

/* A text in the making. */
struct rtb_raw {
    size_t len;
    char text[RTB_RAW_MAX];
};

/** Read JSON as a receiver must: UTF-8, one value, no key twice. NULL with a message, or NULL for
 *  what Jansson cannot hold though it is JSON (*ret_beyond): numbers past its range or digits, half
 * surrogate pairs, NUL in a key, repeated keys. */
json_t *rtb_load(const char *text, size_t len, json_error_t *ret_error, bool *ret_beyond);

/** A field that says something; NULL when it is absent, null or "". object may be NULL. */
const json_t *rtb_get(const json_t *object, const char *key);
const json_t *rtb_object(const json_t *object, const char *key);
const json_t *rtb_array(const json_t *object, const char *key);
const json_t *rtb_text(const json_t *object, const char *key);
/** A text, or a number in its place. */
const json_t *rtb_label(const json_t *object, const char *key);

/** An integral number, held to 32 bits; else absent. */
int64_t rtb_int(const json_t *object, const char *key, int64_t absent);
/** true or a number other than 0. */
bool rtb_flag(const json_t *object, const char *key);
/** 1 yes, 0 no, -1 not said. */
int rtb_tri(const json_t *object, const char *key);

/** A number of units as micros; 0 when it is none or negative. up: what is past the sixth decimal
 *  rounds up, else to the nearest. */
int64_t rtb_micros(const json_t *item, bool up);

/** Whether a text or number reads `text`; fold: letters in either case. */
bool rtb_is(const json_t *item, const char *text, bool fold);

/** Append a text or number, its letters through map unless NULL. */
void rtb_append(struct rtb_raw *raw, const json_t *item, int (*map)(int));
void rtb_append_word(struct rtb_raw *raw, const char *word);

/** A currency code of three letters, upper case: true; false for an absent one (then *ret is "")
 *  and for one that is none (then "???"). */
bool rtb_currency(const json_t *item, char ret[4]);

/** Deepest nesting. */
unsigned rtb_depth(const json_t *value);

enum rtb_sound { RTB_SOUND, RTB_WRONG_TYPE, RTB_MALFORMED };

/** Types of all fields that a bidder reads, by the table in rtb_types.c. */
enum rtb_sound rtb_sound(const json_t *request);

/** Whether the types in a native request (native.request, read from its text) are right. */
bool rtb_sound_native(const json_t *request);

#endif
