/* SPDX-License-Identifier: Apache-2.0 */
/* Where the tokens of a JSON text start: the first of two stages of reading it.
 *
 * 64 characters at a time become masks of a bit each: quotes that no backslash escapes, marks
 * (brackets, commas, colons), blanks. The running parity of the quotes says what lies in strings.
 *
 * What holds of a text that it takes, so that the second stage need not ask again:
 *   - It is UTF-8 (RFC 3629).
 *   - Every string is closed, and has no control character in it.
 *   - A token is a mark, a string, or else as many characters as stand together that are none of
 *     these and no blank: what should be a number or a word. Its start is in the list, in order.
 *   - Between tokens stand blanks alone.
 * What it does not look at: which tokens follow which, what a number or a word may be, and which
 * escapes there are.
 */
#ifndef QBID_PLUGIN_OPENRTB_STRUCTURE_H
#define QBID_PLUGIN_OPENRTB_STRUCTURE_H

#include <stddef.h>
#include <stdint.h>

#include "shm/isa.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Entries behind the last one that may be written to. */
#define QBID_STRUCTURE_SLACK 64

struct qbid_structure {
    uint32_t cnt;
    uint32_t escape; /* where the first backslash stands, or the text's length */
};

/**
 * List the tokens of a JSON text.
 *
 * Shapes:  text of len bytes, less than 2^31; nothing behind it is read. ret_start has room for
 *          len + QBID_STRUCTURE_SLACK entries; behind the last token it gets an entry of len.
 * Returns: 0; QBID_ERR_PARSE for a text that is not as said above.
 * Threads: any. No allocation. isa decides speed only; at most what qbid_isa_best() says.
 * Cost:    for 64 bytes of a request some 70 instructions with AVX-512, which writes 32 entries
 *          whether there are as many or not, and some 180 with AVX2, of which half are for the
 *          list; a little more where there is a backslash, a control character or one that is not
 *          ASCII.
 * Source:  Langdale, Lemire 2019, "Parsing gigabytes of JSON per second", 3.1. Here marks are told
 *          by one look-up, right for all characters but control characters; whatever is rare, those
 *          among it, is looked for together and has a path of its own.
 */
int qbid_structure_find(enum qbid_isa isa, const char *text, size_t len, uint32_t *ret_start,
                        struct qbid_structure *ret);

#ifdef __cplusplus
}
#endif

#endif
