/* SPDX-License-Identifier: Apache-2.0 */
/* A worker counts its own bids and the table's in a forced order: qbidd takes the bid's event while
 * the worker stands between the two counts. A broken order is in tests/race/broken/. */
#include "tests/race/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fastpath/frequency.h"
#include "tests/fastpath/stage.h"

#ifndef COUNT
#define COUNT qbid_exposure_count
#endif

#define USER 99

/* qbidd: the table first, then the tail. */
static void take(void *context)
{
    struct stage *s = context;
    const struct qbid_frequency *t = &s->live.frequency;
    uint64_t key = qbid_frequency_key(USER, 70, atomic_load(&t->header->salt));
    struct qbid_frequency_entry e = {
        .tag = qbid_frequency_tag(key), .end = (uint16_t)(STAGE_MINUTE + 5), .pending = 1};
    atomic_store(qbid_frequency_bucket(t, key), qbid_frequency_pack(e));
    qbid_ring_advance(s->page.ring, 1);
}

static void a_bid_is_counted_at_every_moment(void **state)
{
    struct stage s;
    struct qbid_decision d;
    struct qbid_exposure e;
    (void)state;
    stage_init(&s);
    s.counting = true;
    image_fixture_cap(&s.f,
                      stage_line_item(&s, (struct qbid_line_item){.id = 70, .value_micros = 1e6f}),
                      1, 0, NULL);
    stage_open(&s);
    struct qbid_request q = stage_request();
    q.user_key = USER;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    struct qbid_event event = {.kind = QBID_EVENT_EXPOSE};
    assert_true(qbid_page_push(&s.page, &event));
    qbid_exposures_sent(
        s.exposures, qbid_frequency_key(USER, 70, atomic_load(&s.live.frequency.header->salt)), 1);
    COUNT(&s.view, USER, 0, &e);
    assert_int_equal(e.cnt, 1);
    race_hook_arm("frequency:own_counted", take, &s, 1);
    COUNT(&s.view, USER, 0, &e);
    assert_int_equal(atomic_load(&s.page.ring->tail), 1); /* the hook ran in between */
    assert_in_range(e.cnt, 1, 2); /* twice for a moment is too careful, never is too few */
    COUNT(&s.view, USER, 0, &e);
    assert_int_equal(e.cnt, 1);
    stage_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bid_is_counted_at_every_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
