/* SPDX-License-Identifier: Apache-2.0 */
/* Losses by reason and video events under their names. */
#include "control/ingest/reasons.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sheet {
    char text[8192];
    uint64_t sum;
    unsigned lines;
};

static void note(void *context, const char *name, uint64_t count)
{
    struct sheet *sheet = context;
    size_t used = strlen(sheet->text);
    snprintf(sheet->text + used, sizeof sheet->text - used, "%s=%lu ", name, (unsigned long)count);
    sheet->sum += count;
    sheet->lines++;
}

static void nothing_counted_is_nothing_said(void **state)
{
    struct qbid_reasons reasons = {0};
    struct sheet sheet = {0};
    (void)state;
    qbid_reasons_visit(&reasons, note, &sheet);
    assert_string_equal(sheet.text, "");
}

static void codes_have_the_names_of_the_standard_or_their_number(void **state)
{
    struct qbid_reasons reasons = {0};
    struct sheet sheet = {0};
    static const uint16_t codes[] = {102, 102, 0, 215, 555, 555, 11, 65534, 65535, 65535, 65535};
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        qbid_reasons_count(&reasons, QBID_EVENT_LOSS, codes[i],
                           i == 8 ? QBID_EVENT_CODE_UNREADABLE : QBID_EVENT_TEST);
    qbid_reasons_count(&reasons, QBID_EVENT_VIDEO, QBID_VIDEO_START, 0);
    qbid_reasons_count(&reasons, QBID_EVENT_VIDEO, QBID_VIDEO_ERROR, 0);
    qbid_reasons_count(&reasons, QBID_EVENT_VIDEO, QBID_VIDEO_CNT, QBID_EVENT_CODE_UNREADABLE);
    qbid_reasons_visit(&reasons, note, &sheet);
    assert_string_equal(sheet.text,
                        "loss.won=1 loss.higher_bid=2 loss.creative_app_bundle=1 loss.code_555=2 "
                        "loss.code_11=1 loss.unknown=3 loss.withdrawn=1 video.start=1 "
                        "video.error=1 video.unknown=1 notice.code_unreadable=2 ");
}

/* Every number there is, three times: none is lost, whatever an exchange makes up. */
static void every_number_is_counted_somewhere(void **state)
{
    struct qbid_reasons reasons = {0};
    struct sheet sheet = {0};
    (void)state;
    for (unsigned round = 0; round < 3; round++)
        for (unsigned code = 0; code <= UINT16_MAX; code++)
            qbid_reasons_count(&reasons, QBID_EVENT_LOSS, (uint16_t)code, 0);
    qbid_reasons_visit(&reasons, note, &sheet);
    assert_int_equal(sheet.sum, 3 * 65536);
    assert_int_equal(sheet.lines, 32 + QBID_REASONS_OTHER + 3);
    assert_int_equal(reasons.loss_other, 3 * (65536 - 32 - QBID_REASONS_OTHER - 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_counted_is_nothing_said),
        cmocka_unit_test(codes_have_the_names_of_the_standard_or_their_number),
        cmocka_unit_test(every_number_is_counted_somewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
