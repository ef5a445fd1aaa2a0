/* SPDX-License-Identifier: Apache-2.0 */
/* zlib's two states live in arenas: zlib asks for memory when it is set up, for its window when it
 * first needs one, and never more than that. */
#include "plugin/gzip.h"

#include <stdalign.h>
#include <stdlib.h>

#include <zlib.h>

#include "plugin/arena.h"
#include "shm/error.h"

#define WINDOW_BITS 15
#define GZIP_ONLY 16 /* added to the window's bits: zlib reads and writes gzip, nothing else */
#define MEMORY_LEVEL 8

/* zlib.h: a window of 32 KiB and a state of some 10 KiB; 256 KiB and some */
#define INFLATE_BYTES 49152
#define DEFLATE_BYTES 294912

struct qbid_gzip {
    z_stream inflate;
    z_stream deflate;
    struct qbid_arena inflate_arena;
    struct qbid_arena deflate_arena;
    alignas(QBID_ARENA_ALIGN) char inflate_memory[INFLATE_BYTES];
    alignas(QBID_ARENA_ALIGN) char deflate_memory[DEFLATE_BYTES];
};

static void *take(void *arena, uInt items, uInt bytes)
{
    return qbid_arena_take(arena, (size_t)items * bytes);
}

static void give_back(void *arena, void *memory)
{
    (void)arena;
    (void)memory; /* goes with the whole */
}

static z_stream stream(struct qbid_arena *arena)
{
    return (z_stream){.zalloc = take, .zfree = give_back, .opaque = arena};
}

int qbid_gzip_new(struct qbid_gzip **ret_gzip)
{
    struct qbid_gzip *g = calloc(1, sizeof *g);
    if (!g)
        return QBID_ERR_NOMEM;
    g->inflate_arena = qbid_arena_init(g->inflate_memory, INFLATE_BYTES);
    g->deflate_arena = qbid_arena_init(g->deflate_memory, DEFLATE_BYTES);
    g->inflate = stream(&g->inflate_arena);
    g->deflate = stream(&g->deflate_arena);
    if (inflateInit2(&g->inflate, WINDOW_BITS + GZIP_ONLY) != Z_OK ||
        deflateInit2(&g->deflate, Z_BEST_SPEED, Z_DEFLATED, WINDOW_BITS + GZIP_ONLY, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(g);
        return QBID_ERR_NOMEM;
    }
    *ret_gzip = g;
    return 0;
}

void qbid_gzip_free(struct qbid_gzip *gzip)
{
    free(gzip);
}

static void aim(z_stream *z, const char *in, size_t in_bytes, char *out, size_t out_bytes)
{
    z->next_in = (z_const Bytef *)(uintptr_t)in;
    z->avail_in = (uInt)in_bytes;
    z->next_out = (Bytef *)out;
    z->avail_out = (uInt)out_bytes;
}

/* Whether a member that has filled all its room holds more. */
static int64_t judge_full(z_stream *z)
{
    Bytef one;
    z->next_out = &one;
    z->avail_out = 1;
    int rc = inflate(z, Z_SYNC_FLUSH);
    if (z->avail_out == 0)
        return QBID_ERR_LIMIT;
    return rc == Z_STREAM_END ? 0 : QBID_ERR_PARSE;
}

/* One member; z->next_in is behind it afterwards. */
static int64_t inflate_member(z_stream *z, char *out, size_t out_bytes)
{
    if (inflateReset(z) != Z_OK)
        return QBID_ERR_PARSE;
    z->next_out = (Bytef *)out;
    z->avail_out = (uInt)out_bytes;
    int rc = inflate(z, Z_SYNC_FLUSH);
    size_t written = out_bytes - z->avail_out;
    if (rc == Z_STREAM_END)
        return (int64_t)written;
    if ((rc != Z_OK && rc != Z_BUF_ERROR) || z->avail_out != 0)
        return QBID_ERR_PARSE;
    int64_t err = judge_full(z);
    return err == 0 ? (int64_t)written : err;
}

int64_t qbid_gzip_inflate(struct qbid_gzip *gzip, const char *body, size_t len, char *out,
                          size_t out_max)
{
    z_stream *z = &gzip->inflate;
    size_t room = len < out_max / QBID_GZIP_RATIO_MAX ? len * QBID_GZIP_RATIO_MAX : out_max;
    size_t written = 0;
    if (len > UINT32_MAX || out_max > UINT32_MAX)
        return QBID_ERR_LIMIT;
    aim(z, body, len, out, room);
    for (unsigned members = 0; members == 0 || z->avail_in > 0; members++) {
        if (members == QBID_GZIP_MEMBERS_MAX)
            return QBID_ERR_PARSE;
        int64_t n = inflate_member(z, out + written, room - written);
        if (n < 0)
            return n;
        written += (size_t)n;
    }
    return (int64_t)written;
}

int64_t qbid_gzip_deflate(struct qbid_gzip *gzip, const char *body, size_t len, char *out,
                          size_t out_max)
{
    z_stream *z = &gzip->deflate;
    if (len > UINT32_MAX || out_max > UINT32_MAX || deflateReset(z) != Z_OK)
        return QBID_ERR_LIMIT;
    aim(z, body, len, out, out_max);
    if (deflate(z, Z_FINISH) != Z_STREAM_END)
        return QBID_ERR_LIMIT;
    return (int64_t)(out_max - z->avail_out);
}
