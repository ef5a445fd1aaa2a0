/* SPDX-License-Identifier: Apache-2.0 */
/* A proposal is refused by the name of what is wrong in it; its id is that of its content. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/agents/proposal.h"
#include "shm/error.h"

static struct qbid_proposal whole(void)
{
    struct qbid_proposal p = {.type = QBID_PROPOSAL_BUDGET,
                              .agent = "budget",
                              .item = QBID_ITEM_CAMPAIGN,
                              .item_id = 7,
                              .field = "budget",
                              .current = "100",
                              .recommended = "112.5",
                              .budget_nanos = INT64_C(12500000000),
                              .impact = {20, -5, 50, 8},
                              .confidence = 0.9,
                              .risk = 0.05,
                              .priority = 1,
                              .reason = "marginal return 1.4, of the others 1.1",
                              .evidence_from_unix_s = 100,
                              .evidence_to_unix_s = 200};
    p.id = qbid_proposal_id(&p);
    return p;
}

static void refused(struct qbid_proposal p, const char *expected)
{
    char why[QBID_PROPOSAL_WHY_MAX] = "";
    p.id = memchr(p.field, 0, sizeof p.field) ? qbid_proposal_id(&p) : 1;
    assert_int_equal(qbid_proposal_check(&p, why), QBID_ERR_INVAL);
    assert_string_equal(why, expected);
}

static void a_whole_proposal_passes(void **state)
{
    (void)state;
    char why[QBID_PROPOSAL_WHY_MAX];
    struct qbid_proposal p = whole();
    assert_int_equal(qbid_proposal_check(&p, why), 0);
}

/* One wrong thing at a time. */
#define BROKEN(statement, expected)                                                                \
    do {                                                                                           \
        struct qbid_proposal p = whole();                                                          \
        statement;                                                                                 \
        refused(p, expected);                                                                      \
    } while (0)

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    BROKEN(p.agent[0] = 0, "agent is empty");
    BROKEN(p.reason[0] = 0, "reason is empty");
    BROKEN(memset(p.field, 'x', sizeof p.field), "field does not end");
    BROKEN(p.type = 0, "type is none of the known ones");
    BROKEN(p.item = QBID_ITEM_CNT, "item is neither campaign, line item nor creative");
    BROKEN(p.item_id = 0, "item_id is 0");
    BROKEN(strcpy(p.field, "ceiling"), "field is not one of the item's");
    BROKEN(strcpy(p.recommended, "100"), "recommended is the current value");
    BROKEN(p.impact.low_nanos = 21, "impact is not inside its interval");
    BROKEN(p.impact.loss_nanos = -1, "impact.loss_nanos is negative");
    BROKEN(p.confidence = NAN, "confidence is not between 0 and 1");
    BROKEN(p.risk = 1.01, "risk is not between 0 and 1");
    BROKEN(p.priority = 0, "priority is not a positive number");
    BROKEN(p.evidence_from_unix_s = 201, "evidence_from_unix_s is after evidence_to_unix_s");
}

static void the_id_is_that_of_the_content(void **state)
{
    (void)state;
    struct qbid_proposal a = whole(), b = whole();
    assert_true(a.id == b.id);
    strcpy(b.recommended, "113");
    char why[QBID_PROPOSAL_WHY_MAX];
    assert_int_equal(qbid_proposal_check(&b, why), QBID_ERR_INVAL);
    assert_string_equal(why, "id is not that of its content");
    assert_true(qbid_proposal_id(&b) != a.id);
    b = whole();
    b.evidence_to_unix_s++;
    assert_true(qbid_proposal_id(&b) != a.id);
}

static void types_have_names(void **state)
{
    (void)state;
    assert_string_equal(qbid_proposal_type_name(QBID_PROPOSAL_BUDGET), "budget");
    assert_string_equal(qbid_proposal_type_name(QBID_PROPOSAL_SCHEDULE), "schedule");
    assert_string_equal(qbid_proposal_type_name((enum qbid_proposal_type)6), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_proposal_passes),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(the_id_is_that_of_the_content),
        cmocka_unit_test(types_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
