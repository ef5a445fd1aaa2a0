/* SPDX-License-Identifier: Apache-2.0 */
/* From options to the best choice: order them, drop what others beat, bound, search. */
#include "control/choice/choice.h"

#include <stdlib.h>
#include <string.h>

#include "control/choice/choice_bound.h"
#include "control/choice/choice_branch.h"
#include "shm/error.h"

/* --- options in order */

struct sorting {
    const struct qbid_choice_option *option;
    uint32_t source;
};

static int sorting_compare(const void *a, const void *b)
{
    const struct qbid_choice_option *x = ((const struct sorting *)a)->option;
    const struct qbid_choice_option *y = ((const struct sorting *)b)->option;
    return x->group != y->group ? (x->group > y->group) - (x->group < y->group)
                                : (x->id > y->id) - (x->id < y->id);
}

static int options_check(const struct qbid_choice_option *options, uint32_t cnt,
                         const struct qbid_choice_limits *limits)
{
    int64_t sum[3] = {0};
    if (cnt > QBID_CHOICE_OPTIONS_MAX || limits->risk_nanos < 0 || limits->moved_nanos < 0)
        return QBID_ERR_INVAL;
    for (uint32_t i = 0; i < cnt; i++) {
        const struct qbid_choice_option *o = &options[i];
        if (o->risk_nanos < 0 || o->moved_nanos < 0)
            return QBID_ERR_INVAL;
        if (__builtin_add_overflow(sum[0], o->gain_nanos > 0 ? o->gain_nanos : 0, &sum[0]) ||
            __builtin_add_overflow(sum[1], o->risk_nanos, &sum[1]) ||
            __builtin_add_overflow(sum[2], o->moved_nanos, &sum[2]))
            return QBID_ERR_LIMIT;
    }
    return 0;
}

/* Worse than another of its group, or the same and later. */
static bool item_dominated(const struct qbid_choice_book *book, uint32_t first, uint32_t end,
                           uint32_t i)
{
    const struct qbid_choice_item *a = &book->item[i];
    for (uint32_t j = first; j < end; j++) {
        const struct qbid_choice_item *b = &book->item[j];
        if (j != i && b->gain >= a->gain && b->use[0] <= a->use[0] && b->use[1] <= a->use[1] &&
            (j < i || b->gain > a->gain || b->use[0] < a->use[0] || b->use[1] < a->use[1]))
            return true;
    }
    return false;
}

/* Keep the items for which keep says so; groups without any vanish. */
static void book_filter(struct qbid_choice_book *book, const bool *keep)
{
    uint32_t items = 0, groups = 0;
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        uint32_t first = book->first[g], end = book->end[g], start = items;
        for (uint32_t i = first; i < end; i++)
            if (keep[i])
                book->item[items++] = book->item[i];
        if (items > start) {
            book->first[groups] = start;
            book->end[groups++] = items;
        }
    }
    book->group_cnt = groups;
    book->item_cnt = items;
}

static int book_fill(struct qbid_choice_book *book, const struct qbid_choice_option *options,
                     struct sorting *sorted, uint32_t cnt, bool *keep)
{
    for (uint32_t i = 0; i < cnt; i++)
        sorted[i] = (struct sorting){&options[i], i};
    qsort(sorted, cnt, sizeof *sorted, sorting_compare);
    for (uint32_t i = 0; i < cnt; i++) {
        const struct qbid_choice_option *o = sorted[i].option;
        if (i > 0 && sorting_compare(&sorted[i - 1], &sorted[i]) == 0)
            return QBID_ERR_INVAL;
        if (i == 0 || o->group != sorted[i - 1].option->group)
            book->first[book->group_cnt++] = i;
        book->end[book->group_cnt - 1] = i + 1;
        book->item[i] = (struct qbid_choice_item){
            o->gain_nanos, {o->risk_nanos, o->moved_nanos}, sorted[i].source};
        keep[i] = o->gain_nanos > 0 && o->risk_nanos <= book->limit[0] &&
                  o->moved_nanos <= book->limit[1];
    }
    book_filter(book, keep);
    for (uint32_t g = 0; g < book->group_cnt; g++)
        for (uint32_t i = book->first[g]; i < book->end[g]; i++)
            keep[i] = !item_dominated(book, book->first[g], book->end[g], i);
    book_filter(book, keep);
    for (uint32_t g = 0; g < book->group_cnt; g++)
        book->fixed[g] = QBID_CHOICE_NONE;
    memcpy(book->left, book->limit, sizeof book->left);
    return 0;
}

/* --- the whole */

static void pick_tell(const struct qbid_choice_book *book, const struct qbid_choice_pick *pick,
                      double bound, uint32_t cnt, bool *ret_chosen, struct qbid_choice *ret_choice)
{
    memset(ret_chosen, 0, cnt * sizeof *ret_chosen);
    *ret_choice = (struct qbid_choice){.gain_nanos = pick->gain,
                                       .risk_nanos = pick->use[0],
                                       .moved_nanos = pick->use[1],
                                       .exact = bound <= (double)pick->gain,
                                       .bound_nanos = bound};
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        if (pick->item[g] == QBID_CHOICE_NONE)
            continue;
        ret_chosen[book->item[pick->item[g]].source] = true;
        ret_choice->cnt++;
    }
}

int qbid_choice_solve(const struct qbid_choice_option *options, uint32_t cnt,
                      const struct qbid_choice_limits *limits, bool *ret_chosen,
                      struct qbid_choice *ret_choice)
{
    int err = options_check(options, cnt, limits);
    if (err)
        return err;
    uint32_t state_max = limits->state_max ? limits->state_max : QBID_CHOICE_STATES_MAX;
    state_max = state_max < QBID_CHOICE_STATES_LIMIT ? state_max : QBID_CHOICE_STATES_LIMIT;
    struct qbid_choice_book book = {.limit = {limits->risk_nanos, limits->moved_nanos}};
    struct qbid_choice_pick pick = {.item = malloc((cnt + 1) * sizeof *pick.item)};
    struct sorting *sorted = malloc((cnt + 1) * sizeof *sorted);
    bool *keep = malloc((cnt + 1) * sizeof *keep);
    double bound = 0;
    uint64_t work = 0;
    book.item = malloc((cnt + 1) * sizeof *book.item);
    book.first = malloc((cnt + 1) * sizeof *book.first);
    book.end = malloc((cnt + 1) * sizeof *book.end);
    book.fixed = malloc((cnt + 1) * sizeof *book.fixed);
    bool room = sorted && keep && pick.item && book.item && book.first && book.end && book.fixed;
    err = room ? 0 : QBID_ERR_NOMEM;
    if (!err)
        err = book_fill(&book, options, sorted, cnt, keep);
    if (!err)
        err = qbid_choice_branch(&book, state_max,
                                 limits->work_max ? limits->work_max : QBID_CHOICE_WORK_MAX, &pick,
                                 &bound, &work);
    if (!err) {
        pick_tell(&book, &pick, bound, cnt, ret_chosen, ret_choice);
        ret_choice->work = work;
    }
    free(sorted);
    free(keep);
    free(pick.item);
    free(book.item);
    free(book.first);
    free(book.end);
    free(book.fixed);
    return err;
}
