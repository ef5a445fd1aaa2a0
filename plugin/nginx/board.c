/* SPDX-License-Identifier: Apache-2.0 */
/* The status board: a sequence lock for each worker's texts. */
#include "plugin/nginx/board.h"

#include <string.h>

#define BOARD_TRIES 4

static const size_t text_max[QBID_NGX_BOARD_TEXTS] = {
    QBID_NGX_BOARD_JSON_MAX, QBID_NGX_BOARD_METRICS_MAX, QBID_NGX_BOARD_LATENCY_MAX};

static size_t words_off(enum qbid_ngx_board_text which)
{
    static const size_t off[QBID_NGX_BOARD_TEXTS] = {offsetof(struct qbid_ngx_slot, json),
                                                     offsetof(struct qbid_ngx_slot, metrics),
                                                     offsetof(struct qbid_ngx_slot, latency)};
    return off[which];
}

static void words_store(_Atomic uint64_t *words, const char *text, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += sizeof(uint64_t)) {
        uint64_t word = 0;
        size_t n = bytes - at < sizeof(word) ? bytes - at : sizeof(word);

        memcpy(&word, text + at, n);
        /* B2, pairs with C2 */
        atomic_store_explicit(&words[at / sizeof(word)], word, memory_order_release);
    }
}

static void words_load(const _Atomic uint64_t *words, char *text, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += sizeof(uint64_t)) {
        /* C2, pairs with B2 */
        uint64_t word = atomic_load_explicit(&words[at / sizeof(word)], memory_order_acquire);
        size_t n = bytes - at < sizeof(word) ? bytes - at : sizeof(word);

        memcpy(text + at, &word, n);
    }
}

void qbid_ngx_slot_store(struct qbid_ngx_slot *slot, uint64_t pid, uint64_t now_ns,
                         const struct qbid_ngx_board_piece piece[QBID_NGX_BOARD_TEXTS])
{
    uint64_t seq = atomic_load_explicit(&slot->seq, memory_order_relaxed) | 1;

    /* B1; the predecessor in this slot may have died with an odd sequence: then it stays odd */
    atomic_store_explicit(&slot->seq, seq, memory_order_relaxed);
    atomic_store_explicit(&slot->pid, pid, memory_order_release);           /* B2 */
    atomic_store_explicit(&slot->updated_ns, now_ns, memory_order_release); /* B2 */
    for (unsigned i = 0; i < QBID_NGX_BOARD_TEXTS; i++) {
        size_t bytes = piece[i].bytes <= text_max[i] ? piece[i].bytes : 0;

        atomic_store_explicit(&slot->bytes[i], bytes, memory_order_release); /* B2 */
        words_store((void *)((char *)slot + words_off(i)), piece[i].at, bytes);
    }
    atomic_store_explicit(&slot->seq, seq + 1, memory_order_release); /* B3, pairs with C1 */
}

void qbid_ngx_slot_clear(struct qbid_ngx_slot *slot)
{
    const struct qbid_ngx_board_piece nothing[QBID_NGX_BOARD_TEXTS] = {{NULL, 0}};

    qbid_ngx_slot_store(slot, 0, 0, nothing);
}

/* One try: 1 with a consistent copy, 0 when the writer was in the way. */
static int slot_copy(const struct qbid_ngx_slot *slot, enum qbid_ngx_board_text which, char *out,
                     size_t *ret_bytes, uint64_t *ret_pid, uint64_t *ret_updated_ns)
{
    const _Atomic uint64_t *words = (const void *)((const char *)slot + words_off(which));
    uint64_t seq = atomic_load_explicit(&slot->seq, memory_order_acquire); /* C1, pairs with B3 */
    size_t bytes = atomic_load_explicit(&slot->bytes[which], memory_order_acquire);      /* C2 */
    uint64_t pid = atomic_load_explicit(&slot->pid, memory_order_acquire);               /* C2 */
    uint64_t updated_ns = atomic_load_explicit(&slot->updated_ns, memory_order_acquire); /* C2 */

    if (seq & 1 || bytes > text_max[which])
        return 0;
    words_load(words, out, bytes);
    if (atomic_load_explicit(&slot->seq, memory_order_relaxed) != seq) /* C3 */
        return 0;
    *ret_bytes = bytes;
    *ret_pid = pid;
    *ret_updated_ns = updated_ns;
    return 1;
}

size_t qbid_ngx_slot_load(const struct qbid_ngx_slot *slot, enum qbid_ngx_board_text which,
                          uint64_t now_ns, void *out, uint64_t *ret_pid, uint64_t *ret_age_ns)
{
    for (int i = 0; i < BOARD_TRIES; i++) {
        size_t bytes;
        uint64_t pid, updated_ns, age_ns;

        if (!slot_copy(slot, which, out, &bytes, &pid, &updated_ns))
            continue;
        age_ns = now_ns > updated_ns ? now_ns - updated_ns : 0;
        if (pid == 0 || age_ns > QBID_NGX_BOARD_STALE_NS)
            return 0;
        *ret_pid = pid;
        *ret_age_ns = age_ns;
        return bytes;
    }
    return 0;
}
