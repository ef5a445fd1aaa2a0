/* SPDX-License-Identifier: Apache-2.0 */
/* What headers say, by the examples of RFC 9110 and what exchanges send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/coding.h"

static struct qbid_text text(const char *word)
{
    return (struct qbid_text){word, (uint32_t)strlen(word)};
}

static void a_content_type_names_the_format(void **state)
{
    (void)state;
    static const char *const json[] = {"",
                                       " ",
                                       "application/json",
                                       "Application/JSON;charset=utf-8",
                                       "application/json ; charset=utf-8",
                                       "text/json",
                                       "text/plain",
                                       "application/x-www-form-urlencoded",
                                       "application/vnd.openrtb+json"};
    static const char *const protobuf[] = {"application/x-protobuf", "application/protobuf",
                                           "APPLICATION/X-PROTOBUF; proto=BidRequest",
                                           "application/vnd.google.protobuf"};
    static const char *const unknown[] = {
        "application/xml",         "application/octet-stream", "jso",
        "application/x-protobuf2", "text/html;json",           "*/*"};
    for (size_t i = 0; i < sizeof json / sizeof json[0]; i++)
        assert_int_equal(qbid_media_of(text(json[i])), QBID_MEDIA_JSON);
    for (size_t i = 0; i < sizeof protobuf / sizeof protobuf[0]; i++)
        assert_int_equal(qbid_media_of(text(protobuf[i])), QBID_MEDIA_PROTOBUF);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_int_equal(qbid_media_of(text(unknown[i])), QBID_MEDIA_UNKNOWN);
    assert_int_equal(qbid_media_of((struct qbid_text){NULL, 0}), QBID_MEDIA_JSON);
}

static void a_content_encoding_is_one_coding(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum qbid_coding coding;
    } row[] = {{"", QBID_CODING_IDENTITY},
               {"identity", QBID_CODING_IDENTITY},
               {"gzip", QBID_CODING_GZIP},
               {"GZIP", QBID_CODING_GZIP},
               {" x-gzip\t", QBID_CODING_GZIP},
               {"deflate", QBID_CODING_UNKNOWN},
               {"br", QBID_CODING_UNKNOWN},
               {"gzip, gzip", QBID_CODING_UNKNOWN},
               {"gzi", QBID_CODING_UNKNOWN},
               {"gzipp", QBID_CODING_UNKNOWN},
               {"identity,gzip", QBID_CODING_UNKNOWN}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        assert_int_equal(qbid_coding_of(text(row[i].value)), row[i].coding);
    assert_int_equal(qbid_coding_of((struct qbid_text){NULL, 0}), QBID_CODING_IDENTITY);
}

/* RFC 9110, 12.5.3. */
static void gzip_is_accepted_where_it_is_said(void **state)
{
    (void)state;
    static const char *const yes[] = {"gzip",
                                      "compress, gzip",
                                      "deflate, gzip;q=1.0, *;q=0.5",
                                      "*",
                                      "gzip;q=0.001",
                                      "x-gzip",
                                      "br ; q=1 , GZIP ; q=0.5",
                                      "compress;q=0.5, gzip;q=1.0",
                                      "identity;q=0, *",
                                      "gzip;level=0",
                                      ",,gzip,,",
                                      "gzip;level=1;q=0.3"};
    static const char *const no[] = {"",
                                     "identity",
                                     "gzip;q=0",
                                     "gzip;q=0.000",
                                     "gzip ; Q=0.0",
                                     "*;q=0",
                                     "gzip;q=0, *",
                                     "*, gzip;q=0",
                                     "br, deflate",
                                     "gzippy",
                                     "gzip;level=1;q=0",
                                     ",",
                                     ";q=1",
                                     "not gzip"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        if (!qbid_coding_accepts_gzip(text(yes[i])))
            fail_msg("\"%s\" does not accept gzip", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        if (qbid_coding_accepts_gzip(text(no[i])))
            fail_msg("\"%s\" accepts gzip", no[i]);
    assert_false(qbid_coding_accepts_gzip((struct qbid_text){NULL, 0}));
}

static void any_minor_version_is_read(void **state)
{
    (void)state;
    static const char *const yes[] = {"",       "2",   "2.5",    "2.6", "2.6-202309",
                                      " 2.99 ", "2.x", "latest", "v2"};
    static const char *const no[] = {"3", "3.0", "1.0", "20.1", "22"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_true(qbid_coding_version_known(text(yes[i])));
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_false(qbid_coding_version_known(text(no[i])));
    assert_true(qbid_coding_version_known((struct qbid_text){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_content_type_names_the_format),
        cmocka_unit_test(a_content_encoding_is_one_coding),
        cmocka_unit_test(gzip_is_accepted_where_it_is_said),
        cmocka_unit_test(any_minor_version_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
