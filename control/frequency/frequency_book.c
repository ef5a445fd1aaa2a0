/* SPDX-License-Identifier: Apache-2.0 */
/* The table's words and the bids behind them, in a mapped file; words also in the live page. */
#include "control/frequency/frequency_book.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/error.h"

#define MAGIC UINT64_C(0x31304b4251455246) /* "FREQBK01" */
#define LG_BIDS_MAX 26
#define BID_WAYS 8
#define SWEEP_PART 256 /* a tick looks at one in so many entries, or SWEEP_MIN */
#define SWEEP_MIN 4096
#define DAY_S 86400

enum bid_state { BID_NONE, BID_PENDING, BID_SHOWN, BID_GONE };

struct bid {
    uint64_t nonce; /* 0 = empty */
    uint64_t key;
    uint32_t until_s; /* unix; then a pending bid is gone */
    uint16_t minutes; /* of its window */
    uint8_t state;    /* enum bid_state */
    uint8_t pad;
};
_Static_assert(sizeof(struct bid) == 24, "the file's layout");

struct file {
    uint64_t magic;
    uint32_t lg_buckets, lg_bids;
    uint64_t salt;
    int64_t salt_unix_s;
};

struct qbid_frequency_book {
    struct qbid_frequency_book_params params;
    struct qbid_frequency_counters counters;
    struct qbid_frequency table; /* header NULL before attach */
    struct file *file;
    uint64_t *words;
    struct bid *bids;
    size_t bytes;
    uint64_t word_cnt, bid_cnt;
    uint64_t word_at, bid_at; /* where the sweeps go on */
    uint32_t minute;
};

static uint32_t minute_of(int64_t unix_s)
{
    return unix_s > 0 ? (uint32_t)(unix_s / 60) : 0;
}

/* --- words */

static void word_set(struct qbid_frequency_book *book, uint64_t at, uint64_t word)
{
    book->counters.used += (word != 0) - (uint64_t)(book->words[at] != 0);
    book->words[at] = word;
    if (book->table.header)
        atomic_store_explicit(&book->table.words[at], word, memory_order_relaxed); /* F1 -> R2 */
}

static uint64_t bucket_of(const struct qbid_frequency_book *book, uint64_t key)
{
    uint64_t mask = (UINT64_C(1) << book->params.lg_buckets) - 1;
    return ((key >> 32) & mask) * QBID_FREQUENCY_WAYS;
}

/* Place of a key's entry, or -1. */
static int64_t entry_find(const struct qbid_frequency_book *book, uint64_t key)
{
    uint64_t first = bucket_of(book, key);
    for (uint64_t at = first; at < first + QBID_FREQUENCY_WAYS; at++)
        if (book->words[at] >> 32 == qbid_frequency_tag(key))
            return (int64_t)at;
    return -1;
}

/* Minutes that an entry still has to say something; a pending bid outlives its window. */
static uint32_t worth(const struct qbid_frequency_book *book, uint64_t word)
{
    struct qbid_frequency_entry e = qbid_frequency_unpack(word);
    uint32_t left =
        qbid_frequency_open(e, book->minute) ? (uint16_t)(e.end - (uint16_t)book->minute) : 0;
    return word == 0 ? 0 : left + (e.pending ? UINT16_MAX : 0u) + e.shown;
}

/* Place for a new entry: an empty one, one that is over, or the one nearest to its end. */
static uint64_t entry_place(struct qbid_frequency_book *book, uint64_t key)
{
    uint64_t first = bucket_of(book, key), best = first;
    for (uint64_t at = first; at < first + QBID_FREQUENCY_WAYS; at++)
        if (worth(book, book->words[at]) < worth(book, book->words[best]))
            best = at;
    struct qbid_frequency_entry e = qbid_frequency_unpack(book->words[best]);
    book->counters.evicted += qbid_frequency_exposures(e, book->minute) != 0;
    return best;
}

/* The entry of a key as it is now, its window over or not; a new one when it has none. */
static struct qbid_frequency_entry entry_open(struct qbid_frequency_book *book, uint64_t key,
                                              uint32_t minutes, uint64_t *ret_at)
{
    int64_t found = entry_find(book, key);
    *ret_at = found >= 0 ? (uint64_t)found : entry_place(book, key);
    struct qbid_frequency_entry e = {.tag = qbid_frequency_tag(key)};
    if (found >= 0)
        e = qbid_frequency_unpack(book->words[found]);
    if (!qbid_frequency_open(e, book->minute))
        e.shown = 0;
    /* a window begins with its first impression; the minute that runs counts as a whole one more */
    if (e.shown == 0)
        e.end = (uint16_t)(book->minute + minutes + 1);
    return e;
}

static void entry_pend(struct qbid_frequency_book *book, uint64_t key, uint32_t minutes)
{
    uint64_t at;
    struct qbid_frequency_entry e = entry_open(book, key, minutes, &at);
    e.pending = (uint8_t)(e.pending + (e.pending < UINT8_MAX));
    word_set(book, at, qbid_frequency_pack(e));
}

static void entry_show(struct qbid_frequency_book *book, const struct bid *bid)
{
    uint64_t at;
    struct qbid_frequency_entry e = entry_open(book, bid->key, bid->minutes, &at);
    e.shown = (uint8_t)(e.shown + (e.shown < UINT8_MAX));
    e.pending = (uint8_t)(e.pending - (bid->state == BID_PENDING && e.pending > 0));
    word_set(book, at, qbid_frequency_pack(e));
}

static void entry_release(struct qbid_frequency_book *book, uint64_t key)
{
    int64_t at = entry_find(book, key);
    if (at < 0)
        return;
    struct qbid_frequency_entry e = qbid_frequency_unpack(book->words[at]);
    e.pending = (uint8_t)(e.pending - (e.pending > 0));
    bool over = e.pending == 0 && (e.shown == 0 || !qbid_frequency_open(e, book->minute));
    word_set(book, (uint64_t)at, over ? 0 : qbid_frequency_pack(e));
}

/* --- bids */

static struct bid *bid_bucket(const struct qbid_frequency_book *book, uint64_t nonce)
{
    return &book->bids[qbid_mix64(nonce) & (book->bid_cnt - 1) & ~(uint64_t)(BID_WAYS - 1)];
}

static struct bid *bid_find(const struct qbid_frequency_book *book, uint64_t nonce)
{
    struct bid *bucket = bid_bucket(book, nonce);
    for (unsigned i = 0; i < BID_WAYS; i++)
        if (bucket[i].nonce == nonce)
            return &bucket[i];
    return NULL;
}

/* Place for a bid: the oldest that waits for nothing, else the oldest. */
static struct bid *bid_place(const struct qbid_frequency_book *book, uint64_t nonce)
{
    struct bid *bucket = bid_bucket(book, nonce), *best = bucket;
    for (struct bid *b = bucket; b < bucket + BID_WAYS; b++) {
        bool waits = b->state == BID_PENDING, best_waits = best->state == BID_PENDING;
        if (waits < best_waits || (waits == best_waits && b->until_s < best->until_s))
            best = b;
    }
    return best;
}

void qbid_frequency_book_bid(struct qbid_frequency_book *book, uint64_t nonce, uint64_t key,
                             uint32_t minutes, int64_t unix_s)
{
    if (nonce == 0 || key == 0 || minutes - 1u >= QBID_FREQUENCY_MINUTES_MAX ||
        bid_find(book, nonce))
        return;
    struct bid *bid = bid_place(book, nonce);
    if (bid->state == BID_PENDING) {
        entry_release(book, bid->key);
        book->counters.evicted++;
    }
    book->minute = minute_of(unix_s);
    entry_pend(book, key, minutes);
    *bid = (struct bid){.nonce = nonce,
                        .key = key,
                        .until_s = (uint32_t)(unix_s + book->params.pending_s),
                        .minutes = (uint16_t)minutes,
                        .state = BID_PENDING};
    book->counters.bids++;
}

void qbid_frequency_book_shown(struct qbid_frequency_book *book, uint64_t nonce, int64_t unix_s)
{
    struct bid *bid = bid_find(book, nonce);
    if (!bid || nonce == 0) {
        book->counters.unknown += nonce != 0;
        return;
    }
    if (bid->state == BID_SHOWN)
        return;
    book->minute = minute_of(unix_s);
    book->counters.late += bid->state == BID_GONE;
    book->counters.shown++;
    entry_show(book, bid);
    bid->state = BID_SHOWN;
}

static void bid_release(struct qbid_frequency_book *book, struct bid *bid)
{
    entry_release(book, bid->key);
    bid->state = BID_GONE;
}

void qbid_frequency_book_lost(struct qbid_frequency_book *book, uint64_t nonce)
{
    struct bid *bid = bid_find(book, nonce);
    if (!bid || nonce == 0 || bid->state != BID_PENDING)
        return;
    bid_release(book, bid);
    book->counters.lost++;
}

/* --- time */

static uint64_t sweep_cnt(uint64_t all)
{
    uint64_t part = all / SWEEP_PART > SWEEP_MIN ? all / SWEEP_PART : SWEEP_MIN;
    return part < all ? part : all;
}

static void bids_sweep(struct qbid_frequency_book *book, int64_t unix_s)
{
    for (uint64_t n = sweep_cnt(book->bid_cnt); n > 0; n--) {
        struct bid *bid = &book->bids[book->bid_at];
        book->bid_at = (book->bid_at + 1) & (book->bid_cnt - 1);
        if (bid->state != BID_PENDING || unix_s < (int64_t)bid->until_s)
            continue;
        bid_release(book, bid);
        book->counters.timed_out++;
    }
}

static void words_sweep(struct qbid_frequency_book *book)
{
    for (uint64_t n = sweep_cnt(book->word_cnt); n > 0; n--) {
        uint64_t word = book->words[book->word_at];
        struct qbid_frequency_entry e = qbid_frequency_unpack(word);
        if (word != 0 && e.pending == 0 && !qbid_frequency_open(e, book->minute))
            word_set(book, book->word_at, 0);
        book->word_at = (book->word_at + 1) & (book->word_cnt - 1);
    }
}

/* Without randomness the salt stays as it is, and is tried again at the next tick. */
static int salt_renew(struct qbid_frequency_book *book, int64_t unix_s)
{
    uint64_t salt;
    if (getrandom(&salt, sizeof salt, 0) != sizeof salt)
        return QBID_ERR_SYS;
    for (uint64_t at = 0; at < book->word_cnt; at++)
        if (book->words[at])
            word_set(book, at, 0);
    memset(book->bids, 0, book->bid_cnt * sizeof *book->bids);
    book->file->salt = salt;
    book->file->salt_unix_s = unix_s;
    if (book->table.header)
        atomic_store_explicit(&book->table.header->salt, salt, memory_order_relaxed);
    return 0;
}

void qbid_frequency_book_tick(struct qbid_frequency_book *book, int64_t unix_s)
{
    book->minute = minute_of(unix_s);
    if (book->table.header)
        atomic_store_explicit(&book->table.header->minute, book->minute, memory_order_relaxed);
    bids_sweep(book, unix_s);
    words_sweep(book);
    if (unix_s - book->file->salt_unix_s >= (int64_t)QBID_FREQUENCY_SALT_DAYS * DAY_S)
        (void)salt_renew(book, unix_s);
}

/* --- life */

static int file_map(struct qbid_frequency_book *book, bool *ret_fresh)
{
    const struct qbid_frequency_book_params *p = &book->params;
    int fd = open(p->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat info;
    if (fd < 0)
        return QBID_ERR_SYS;
    int err = fstat(fd, &info) == 0 ? 0 : QBID_ERR_SYS;
    *ret_fresh = !err && (size_t)info.st_size != book->bytes;
    /* no holes: a full disk is heard of here and not as a signal later */
    if (!err && *ret_fresh &&
        (ftruncate(fd, 0) != 0 || posix_fallocate(fd, 0, (off_t)book->bytes) != 0))
        err = QBID_ERR_SYS;
    void *base =
        err ? MAP_FAILED : mmap(NULL, book->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (base == MAP_FAILED)
        return QBID_ERR_SYS;
    book->file = base;
    book->words = (void *)((char *)base + sizeof *book->file);
    book->bids = (void *)(book->words + book->word_cnt);
    *ret_fresh |= book->file->magic != MAGIC || book->file->lg_buckets != p->lg_buckets ||
                  book->file->lg_bids != p->lg_bids;
    return 0;
}

int qbid_frequency_book_new(const struct qbid_frequency_book_params *params, int64_t unix_s,
                            struct qbid_frequency_book **ret_book, bool *ret_fresh)
{
    if (params->lg_buckets > QBID_FREQUENCY_LG_MAX || params->lg_bids < 3 ||
        params->lg_bids > LG_BIDS_MAX)
        return QBID_ERR_LIMIT;
    struct qbid_frequency_book *book = calloc(1, sizeof *book);
    if (!book)
        return QBID_ERR_NOMEM;
    book->params = *params;
    book->minute = minute_of(unix_s);
    book->word_cnt = (UINT64_C(1) << params->lg_buckets) * QBID_FREQUENCY_WAYS;
    book->bid_cnt = UINT64_C(1) << params->lg_bids;
    book->bytes = sizeof *book->file + book->word_cnt * sizeof *book->words +
                  book->bid_cnt * sizeof *book->bids;
    book->counters.max = book->word_cnt;
    bool fresh;
    int err = file_map(book, &fresh);
    for (uint64_t at = 0; !err && at < book->word_cnt; at++)
        book->counters.used += book->words[at] != 0;
    book->params.path = NULL; /* the caller's */
    if (!err && fresh)
        err = salt_renew(book, unix_s);
    if (err) {
        qbid_frequency_book_free(book);
        return err;
    }
    book->file->lg_buckets = params->lg_buckets;
    book->file->lg_bids = params->lg_bids;
    book->file->magic = MAGIC;
    *ret_book = book;
    *ret_fresh = fresh;
    return 0;
}

void qbid_frequency_book_free(struct qbid_frequency_book *book)
{
    if (!book)
        return;
    if (book->file)
        munmap(book->file, book->bytes);
    free(book);
}

void qbid_frequency_book_attach(struct qbid_frequency_book *book,
                                const struct qbid_frequency *table)
{
    book->table = *table;
    atomic_store_explicit(&table->header->salt, book->file->salt, memory_order_relaxed);
    atomic_store_explicit(&table->header->minute, book->minute, memory_order_relaxed);
    for (uint64_t at = 0; at < book->word_cnt; at++)
        if (book->words[at])
            atomic_store_explicit(&table->words[at], book->words[at], memory_order_relaxed);
}

struct qbid_frequency_counters qbid_frequency_book_counters(const struct qbid_frequency_book *book)
{
    return book->counters;
}
