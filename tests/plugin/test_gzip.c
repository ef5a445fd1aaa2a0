/* SPDX-License-Identifier: Apache-2.0 */
/* gzip bodies: sound ones made by zlib's own one-call interface, damaged ones, and bombs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zlib.h>

#include "plugin/gzip.h"
#include "shm/error.h"

#define ROOM 262144

static struct qbid_gzip *gzip;
static char packed[1 << 20], out[ROOM + 1];

/* One member with an optional file name, at a level; bytes. */
static size_t pack_at(const void *text, size_t len, int level, const char *name, char *to)
{
    z_stream z = {0};
    gz_header header = {.name = (Bytef *)(uintptr_t)name, .os = 3};
    assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    if (name)
        assert_int_equal(deflateSetHeader(&z, &header), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)(packed + sizeof packed - to);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t bytes = (size_t)z.total_out;
    deflateEnd(&z);
    return bytes;
}

static size_t pack(const char *text)
{
    return pack_at(text, strlen(text), 6, NULL, packed);
}

/* From memory of exactly len bytes, so that a sanitizer sees what is read behind it. */
static int64_t unpack(const char *body, size_t len, size_t room)
{
    char *exact = malloc(len ? len : 1);
    memcpy(exact, body, len);
    memset(out, '#', sizeof out);
    int64_t n = qbid_gzip_inflate(gzip, exact, len, out, room);
    for (size_t i = room; i < sizeof out; i++)
        assert_int_equal(out[i], '#');
    free(exact);
    return n;
}

static void is_text(int64_t n, const char *text)
{
    assert_int_equal(n, strlen(text));
    assert_memory_equal(out, text, strlen(text));
}

static void a_body_is_what_it_was(void **state)
{
    (void)state;
    is_text(unpack(packed, pack("{\"id\":\"r\"}"), ROOM), "{\"id\":\"r\"}");
    is_text(unpack(packed, pack(""), ROOM), "");
    for (int level = 0; level <= 9; level++)
        is_text(unpack(packed, pack_at("abcabcabc", 9, level, "a name", packed), ROOM),
                "abcabcabc");
}

/* RFC 1952, 2.2. */
static void members_are_one_text(void **state)
{
    (void)state;
    size_t len = pack("{\"id\":");
    len += pack_at("\"r\"}", 4, 1, "second", packed + len);
    is_text(unpack(packed, len, ROOM), "{\"id\":\"r\"}");
    size_t one = pack("ab");
    for (unsigned i = 1; i <= QBID_GZIP_MEMBERS_MAX; i++)
        memcpy(packed + i * one, packed, one);
    is_text(unpack(packed, QBID_GZIP_MEMBERS_MAX * one, ROOM), "abababababababab");
    assert_int_equal(unpack(packed, (QBID_GZIP_MEMBERS_MAX + 1) * one, ROOM), QBID_ERR_PARSE);
}

static void a_cut_member_is_malformed_at_every_length(void **state)
{
    (void)state;
    size_t len = pack("{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":300,\"h\":250}}]}");
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(unpack(packed, cut, ROOM), QBID_ERR_PARSE);
    is_text(unpack(packed, len, ROOM),
            "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":300,\"h\":250}}]}");
}

static void what_follows_a_member_is_malformed(void **state)
{
    (void)state;
    static const char *const tail[] = {"x", "\x1f", "\x1f\x8b", "{\"id\":\"r\"}"};
    size_t len = pack("text");
    for (size_t i = 0; i < sizeof tail / sizeof tail[0]; i++) {
        memcpy(packed + len, tail[i], strlen(tail[i]));
        assert_int_equal(unpack(packed, len + strlen(tail[i]), ROOM), QBID_ERR_PARSE);
    }
    memset(packed + len, 0, 512);
    assert_int_equal(unpack(packed, len + 512, ROOM), QBID_ERR_PARSE);
}

/* No flip of one bit is taken for another text: the check or the header says so. A flip of a
 * header's time, flags of the compressor or system changes no text. */
static void a_flipped_bit_changes_no_text(void **state)
{
    (void)state;
    unsigned refused = 0;
    size_t len = pack("{\"id\":\"r\",\"imp\":[]}");
    for (size_t bit = 0; bit < len * 8; bit++) {
        packed[bit / 8] = (char)(packed[bit / 8] ^ 1 << bit % 8);
        int64_t n = unpack(packed, len, ROOM);
        packed[bit / 8] = (char)(packed[bit / 8] ^ 1 << bit % 8);
        refused += n < 0;
        if (n >= 0)
            is_text(n, "{\"id\":\"r\",\"imp\":[]}");
    }
    assert_true(refused >= (len - 7) * 8);
}

static void other_formats_are_malformed(void **state)
{
    (void)state;
    uLongf len = sizeof packed;
    assert_int_equal(compress((Bytef *)packed, &len, (const Bytef *)"text", 4), Z_OK); /* zlib */
    assert_int_equal(unpack(packed, len, ROOM), QBID_ERR_PARSE);
    assert_int_equal(unpack(packed + 2, len - 6, ROOM), QBID_ERR_PARSE); /* bare deflate */
    assert_int_equal(unpack("{\"id\":\"r\"}", 10, ROOM), QBID_ERR_PARSE);
    assert_int_equal(unpack("", 0, ROOM), QBID_ERR_PARSE);
}

/* Text of so many bytes that deflate cannot shorten a hundredfold. */
static char *noise(size_t len)
{
    char *text = malloc(len);
    uint32_t roll = 1;
    for (size_t i = 0; i < len; i++) {
        roll = roll * 1664525 + 1013904223; /* Knuth, after Lewis */
        text[i] = (char)('a' + (roll >> 28));
    }
    return text;
}

static void the_room_is_the_limit_to_the_byte(void **state)
{
    (void)state;
    char *text = noise(ROOM + 1);
    size_t len = pack_at(text, ROOM, 6, NULL, packed);
    assert_int_equal(unpack(packed, len, ROOM), ROOM);
    assert_memory_equal(out, text, ROOM);
    assert_int_equal(unpack(packed, len, ROOM - 1), QBID_ERR_LIMIT);
    len = pack_at(text, ROOM + 1, 6, NULL, packed);
    assert_int_equal(unpack(packed, len, ROOM), QBID_ERR_LIMIT);
    free(text);
}

static void a_bomb_is_over_the_limit(void **state)
{
    (void)state;
    for (size_t mib = 1; mib <= 64; mib *= 4) {
        char *zeros = calloc(mib, 1 << 20);
        size_t len = pack_at(zeros, mib << 20, 9, NULL, packed);
        assert_true(len < (mib << 20) / 900); /* it is one */
        assert_int_equal(unpack(packed, len, ROOM), QBID_ERR_LIMIT);
        free(zeros);
    }
}

static void a_hundred_times_the_body_is_the_limit(void **state)
{
    (void)state;
    static char text[100000];
    memset(text, ' ', sizeof text);
    for (size_t n = 1; n < sizeof text; n += 997) {
        size_t len = pack_at(text, n, 9, NULL, packed);
        assert_int_equal(unpack(packed, len, ROOM),
                         n > len * QBID_GZIP_RATIO_MAX ? QBID_ERR_LIMIT : (int64_t)n);
    }
    /* and over members: each within it, all together as well */
    size_t one = pack_at(text, 2000, 9, NULL, packed);
    memcpy(packed + one, packed, one);
    assert_int_equal(unpack(packed, 2 * one, ROOM), 4000);
}

static void an_answer_is_read_by_zlib(void **state)
{
    (void)state;
    char *text = noise(100000);
    for (size_t n = 0; n <= 100000; n = n * 3 + 1) {
        static char back[100000];
        int64_t len = qbid_gzip_deflate(gzip, text, n, packed, sizeof packed);
        assert_true(len > 0);
        z_stream z = {.next_in = (Bytef *)packed, .avail_in = (uInt)len};
        z.next_out = (Bytef *)back;
        z.avail_out = sizeof back;
        assert_int_equal(inflateInit2(&z, 31), Z_OK);
        assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
        assert_int_equal(z.total_out, n);
        assert_int_equal(z.avail_in, 0);
        assert_memory_equal(back, text, n);
        inflateEnd(&z);
        assert_int_equal(qbid_gzip_deflate(gzip, text, n, packed, (size_t)len), len);
        assert_int_equal(qbid_gzip_deflate(gzip, text, n, packed, (size_t)len - 1), QBID_ERR_LIMIT);
    }
    free(text);
}

static int setup(void **state)
{
    (void)state;
    return qbid_gzip_new(&gzip);
}

static int teardown(void **state)
{
    (void)state;
    qbid_gzip_free(gzip);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_what_it_was),
        cmocka_unit_test(members_are_one_text),
        cmocka_unit_test(a_cut_member_is_malformed_at_every_length),
        cmocka_unit_test(what_follows_a_member_is_malformed),
        cmocka_unit_test(a_flipped_bit_changes_no_text),
        cmocka_unit_test(other_formats_are_malformed),
        cmocka_unit_test(the_room_is_the_limit_to_the_byte),
        cmocka_unit_test(a_bomb_is_over_the_limit),
        cmocka_unit_test(a_hundred_times_the_body_is_the_limit),
        cmocka_unit_test(an_answer_is_read_by_zlib),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
