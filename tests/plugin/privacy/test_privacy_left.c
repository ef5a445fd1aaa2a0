/* SPDX-License-Identifier: Apache-2.0 */
/* What each class leaves of a request, and which identifier stands for its user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "plugin/privacy/privacy.h"
#include "shm/hash.h"
#include "tests/plugin/openrtb/parsing.h"

/* --- what is left of a request */

#define PERSON                                                                                     \
    "\"device\":{\"ifa\":\"DEVICE\",\"geo\":{\"country\":\"DEU\",\"region\":\"BE\",\"utcoffset\":" \
    "60}%s},"                                                                                      \
    "\"user\":{\"id\":\"USER\",\"buyeruid\":\"BUYER\",\"eids\":[{\"uids\":[{\"id\":\"EID\"}]}],"   \
    "\"geo\":{\"country\":\"DEU\",\"region\":\"BE\",\"utcoffset\":60},"                            \
    "\"data\":[{\"segment\":[{\"id\":\"s\"}]}],\"ext\":{\"eids\":[{\"uids\":[{\"id\":\"OLD\"}]}]}" \
    "},"

static struct qbid_privacy left_of(const char *device, const char *rest)
{
    static char text[4096];
    static const struct qbid_privacy_rules rules = {21, 1, 0xf00000};
    int len =
        snprintf(text, sizeof text,
                 "{\"id\":\"r\"," PERSON "\"regs\":{%s},\"imp\":[{\"id\":\"1\"}]}", device, rest);
    assert_int_equal(parse_bytes(text, (size_t)len), 0);
    struct qbid_privacy privacy = qbid_privacy_of(request, &rules);
    qbid_privacy_strip(privacy, request);
    return privacy;
}

static void check_left(bool person, bool region, bool country)
{
    const struct qbid_openrtb_geo *geo[] = {&request->device_geo, &request->user_geo};
    const struct qbid_openrtb_ids *ids = &request->ids;
    const struct qbid_openrtb_id *id[] = {&ids->eid, &ids->eid_ext, &ids->buyeruid, &ids->user_id,
                                          &ids->ifa};
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(id[i]->text.len != 0, person);
    assert_int_equal(request->segment_cnt, person);
    assert_int_equal(qbid_privacy_user_key(request, 5) != 0, person);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(geo[i]->country.len != 0, country);
        assert_int_equal(geo[i]->region.len != 0, region);
        assert_int_equal(geo[i]->utcoffset_min, region ? 60 : QBID_OPENRTB_INT_ABSENT);
    }
}

static void each_class_leaves_what_the_table_says(void **state)
{
    (void)state;
    assert_int_equal(left_of("", "").reason, QBID_PRIVACY_REASON_NONE);
    check_left(true, true, true);
    assert_int_equal(left_of(",\"lmt\":1", "").reason, QBID_PRIVACY_REASON_LMT);
    check_left(false, true, true);
    assert_int_equal(left_of("", "\"gdpr\":1").reason, QBID_PRIVACY_REASON_GDPR_NO_CONSENT);
    check_left(false, false, true);
    assert_int_equal(left_of("", "\"coppa\":1").reason, QBID_PRIVACY_REASON_COPPA);
    check_left(false, false, false);
    assert_int_equal(left_of("", "\"ext\":{\"dsa\":{\"dsarequired\":2}}").reason,
                     QBID_PRIVACY_REASON_DSA);
    check_left(false, false, false);
}

static void only_open_allows_identifiers(void **state)
{
    (void)state;
    for (int class_ = 0; class_ < QBID_PRIVACY_CLASS_CNT; class_++)
        assert_int_equal(qbid_privacy_ids_allowed((enum qbid_privacy_class)class_),
                         class_ == QBID_PRIVACY_OPEN);
    assert_string_equal(qbid_privacy_class_word(QBID_PRIVACY_NO_BID), "no_bid");
    assert_string_equal(qbid_privacy_reason_word(QBID_PRIVACY_REASON_US_BROKEN), "us_broken");
}

/* --- identifiers */

#define EXCHANGE UINT64_C(0x1234567) /* the hash of its name */

static uint64_t key_of(const char *fields)
{
    char text[16384];
    int len = snprintf(text, sizeof text, "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],%s}", fields);
    assert_true(len < (int)sizeof text);
    assert_int_equal(parse_bytes(text, (size_t)len), 0);
    return qbid_privacy_user_key(request, EXCHANGE);
}

/* The key of an identifier of this kind, spelled out. */
static uint64_t hash(enum qbid_privacy_id kind, const char *id)
{
    uint64_t seed = UINT64_C(0x75736572) + (uint64_t)kind;
    return XXH3_64bits_withSeed(id, strlen(id),
                                kind == QBID_PRIVACY_ID_USER ? seed ^ EXCHANGE : seed);
}

static uint64_t user_id(const char *id)
{
    return hash(QBID_PRIVACY_ID_USER, id);
}

static void the_best_identifier_is_the_key(void **state)
{
    (void)state;
    static const char *const better_first[] = {
        "\"user\":{\"id\":\"U\",\"buyeruid\":\"B\",\"ext\":{\"eids\":[{\"uids\":[{\"id\":\"O\"}]}]}"
        ","
        "\"eids\":[{\"uids\":[]},{\"uids\":[{\"id\":\"\"},{\"id\":\"E\"},{\"id\":\"F\"}]}]},"
        "\"device\":{\"ifa\":\"I\"}",
        "\"user\":{\"id\":\"U\",\"buyeruid\":\"B\",\"ext\":{\"eids\":[{\"uids\":[{\"id\":\"O\"}]}]}"
        "}",
        "\"user\":{\"id\":\"U\",\"buyeruid\":\"B\"},\"device\":{\"ifa\":\"I\"}",
        "\"user\":{\"id\":\"U\"},\"device\":{\"ifa\":\"I\"}", "\"device\":{\"ifa\":\"I\"}"};
    const uint64_t want[] = {hash(QBID_PRIVACY_ID_EID, "E"), hash(QBID_PRIVACY_ID_EID, "O"),
                             hash(QBID_PRIVACY_ID_BUYER, "B"), user_id("U"),
                             hash(QBID_PRIVACY_ID_DEVICE, "I")};
    for (unsigned i = 0; i < 5; i++)
        assert_true(key_of(better_first[i]) == want[i]);
    assert_true(key_of("\"user\":{\"id\":77}") == user_id("77"));
    assert_true(key_of("\"device\":{\"ifa\":\"00000000-0000-0000-0000-000000000000\"}") == 0);
    assert_true(key_of("\"user\":{\"id\":\"0\"},\"device\":{\"ifa\":\"-1\"}") ==
                hash(QBID_PRIVACY_ID_DEVICE, "-1"));
    assert_true(key_of("\"user\":{}") == 0);
}

static void escapes_change_no_key(void **state)
{
    (void)state;
    char fields[8192], id[1200];
    assert_true(key_of("\"user\":{\"id\":\"a\\/b\\u00e9\"}") == user_id("a/b\xc3\xa9"));
    assert_true(key_of("\"user\":{\"id\":\"\\u0030\\u0030\"}") == 0);
    for (unsigned n = QBID_PRIVACY_ID_MAX - 2; n <= QBID_PRIVACY_ID_MAX - 1;
         n++) { /* and two of "\/" */
        memset(id, 'x', n);
        id[n] = '\0';
        snprintf(fields, sizeof fields, "\"user\":{\"id\":\"\\/%s\"}", id);
        uint64_t key = key_of(fields);
        memmove(id + 1, id, n + 1);
        id[0] = '/';
        assert_true(key == (n == QBID_PRIVACY_ID_MAX - 2 ? user_id(id) : 0));
    }
    snprintf(fields, sizeof fields, "\"user\":{\"id\":\"%s\"}", id); /* long, but without escapes */
    assert_true(key_of(fields) == user_id(id));
    const char *broken = "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"user\":{\"id\":\"\\x\"}}";
    assert_int_not_equal(parse(broken), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_leaves_what_the_table_says),
        cmocka_unit_test(only_open_allows_identifiers),
        cmocka_unit_test(the_best_identifier_is_the_key),
        cmocka_unit_test(escapes_change_no_key),
    };
    return cmocka_run_group_tests(tests, parsing_setup, parsing_teardown);
}
