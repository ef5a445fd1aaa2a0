/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a gzip body: within the limits, the same as zlib by itself says, and the same again
 * after whatever came before. */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "plugin/gzip.h"
#include "shm/error.h"
#include "tests/fuzz/fuzz.h"

#define ROOM 65536

const unsigned fuzz_replays = 20000;

static void must(int good)
{
    if (!good)
        abort();
}

/* The first member by a state of its own: bytes, or -1. */
static int64_t first_member(const uint8_t *data, size_t size, char *out, size_t *ret_used)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size};
    z.next_out = (Bytef *)out;
    z.avail_out = ROOM;
    must(inflateInit2(&z, 31) == Z_OK);
    int rc = inflate(&z, Z_FINISH);
    *ret_used = size - z.avail_in;
    inflateEnd(&z);
    return rc == Z_STREAM_END ? (int64_t)z.total_out : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct qbid_gzip *gzip;
    static char out[ROOM + 1], again[ROOM + 1], alone[ROOM];
    size_t used;
    if (!gzip)
        must(qbid_gzip_new(&gzip) == 0);
    if (size > ROOM)
        return 0;
    out[ROOM] = again[ROOM] = '#';
    int64_t n = qbid_gzip_inflate(gzip, (const char *)data, size, out, ROOM);
    must(n == QBID_ERR_PARSE || n == QBID_ERR_LIMIT || (n >= 0 && n <= ROOM));
    must(n < 0 || (size_t)n <= size * QBID_GZIP_RATIO_MAX);
    must(qbid_gzip_inflate(gzip, (const char *)data, size, again, ROOM) == n);
    must(out[ROOM] == '#' && again[ROOM] == '#');
    must(n < 0 || memcmp(out, again, (size_t)n) == 0);
    int64_t first = first_member(data, size, alone, &used);
    must(n < 0 || (first >= 0 && first <= n && memcmp(out, alone, (size_t)first) == 0));
    /* one sound member within the limits is taken */
    must(first < 0 || used < size || (size_t)first > size * QBID_GZIP_RATIO_MAX || n == first);
    if (n >= 0) {
        int64_t packed = qbid_gzip_deflate(gzip, out, (size_t)n, again, ROOM);
        must(packed < 0 || first_member((const uint8_t *)again, (size_t)packed, alone, &used) == n);
        must(packed < 0 || memcmp(out, alone, (size_t)n) == 0);
    }
    return 0;
}

static size_t pack(const char *text, size_t len, int level, uint8_t *to)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)text, .avail_in = (uInt)len};
    z.next_out = to;
    z.avail_out = 4096;
    must(deflateInit2(&z, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    must(deflate(&z, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    static const char text[] =
        "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":300,\"h\":250}}]}";
    static char zeros[ROOM + 100];
    uint8_t to[2 * 4096];
    for (int level = 0; level <= 9; level += 3)
        fn(context, to, pack(text, sizeof text - 1, level, to));
    size_t one = pack(text, 9, 6, to);
    fn(context, to, one + pack(text + 9, sizeof text - 10, 1, to + one));
    fn(context, to, pack(zeros, sizeof zeros, 9, to));
    fn(context, to, pack(zeros, 1000, 9, to));
    fn(context, to, pack("", 0, 9, to));
}
