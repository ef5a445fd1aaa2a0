/* SPDX-License-Identifier: Apache-2.0 */
/* From options to the best choice: order them, bound, drop, enumerate what is left. */
#include "control/choice/choice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/choice/choice_bound.h"
#include "shm/error.h"

#define NONE UINT32_MAX
#define STATES_FIRST 16 /* kept of each group at first; what that finds lets more be dropped */
#define STATES_MORE 8

/* What some choice in the groups so far comes to. */
struct state {
    int64_t gain;
    int64_t use[QBID_CHOICE_SCARCE];
    uint32_t parent; /* in the level before */
    uint32_t rank;   /* of the parent among its level, in order of choices */
    uint32_t item;   /* chosen in this group, NONE last */
};

struct step { /* all that a level must remember */
    uint32_t parent, item;
};

struct search {
    const struct qbid_choice_book *book;
    const struct qbid_choice_prices *prices;
    double *rest; /* by group: bound of the groups from there on, limits left out */
    double slack;
    uint32_t state_max;
    struct state *now, *next, *merged; /* each of room */
    uint32_t *rank, *order;            /* of now */
    struct {
        int64_t use[QBID_CHOICE_SCARCE];
    } * stair; /* of room */
    uint32_t now_cnt, room;
    struct step *step; /* of all levels */
    uint32_t step_cnt, step_max;
    uint32_t *level; /* first step of each level */
    double lost;     /* highest bound of a state that had no room */
};

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
        uint32_t first = book->first[g], end = book->first[g + 1], start = items;
        for (uint32_t i = first; i < end; i++)
            if (keep[i])
                book->item[items++] = book->item[i];
        if (items > start)
            book->first[groups++] = start;
    }
    book->first[groups] = items;
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
        book->item[i] = (struct qbid_choice_item){
            o->gain_nanos, {o->risk_nanos, o->moved_nanos}, sorted[i].source};
        keep[i] = o->gain_nanos > 0 && o->risk_nanos <= book->limit[0] &&
                  o->moved_nanos <= book->limit[1];
    }
    book->first[book->group_cnt] = cnt;
    book_filter(book, keep);
    for (uint32_t g = 0; g < book->group_cnt; g++)
        for (uint32_t i = book->first[g]; i < book->first[g + 1]; i++)
            keep[i] = !item_dominated(book, book->first[g], book->first[g + 1], i);
    book_filter(book, keep);
    return 0;
}

/* --- states, group by group */

/* In the order in which they are preferred at equal future. */
static bool state_before(const struct state *a, const struct state *b)
{
    if (a->gain != b->gain)
        return a->gain > b->gain;
    for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
        if (a->use[k] != b->use[k])
            return a->use[k] < b->use[k];
    return a->rank != b->rank ? a->rank < b->rank : a->item < b->item;
}

/* Whether one before it uses no more; if not, it is kept in mind. */
static bool stair_dominated(struct search *s, uint32_t *cnt, const struct state *state)
{
    uint32_t low = 0, high = *cnt; /* first step with more of the first use */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (s->stair[middle].use[0] <= state->use[0])
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0 && s->stair[low - 1].use[1] <= state->use[1])
        return true;
    uint32_t at = low > 0 && s->stair[low - 1].use[0] == state->use[0] ? low - 1 : low, end = low;
    while (end < *cnt && s->stair[end].use[1] >= state->use[1])
        end++;
    memmove(&s->stair[at + 1], &s->stair[end], (*cnt - end) * sizeof *s->stair);
    *cnt = *cnt - (end - at) + 1;
    memcpy(s->stair[at].use, state->use, sizeof state->use);
    return false;
}

static double state_bound(const struct search *s, const struct state *state, uint32_t group)
{
    double bound = (double)state->gain + s->rest[group + 1];
    for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
        bound += s->prices->price[k] * (double)(s->book->limit[k] - state->use[k]);
    return bound;
}

static int room_make(struct search *s, uint32_t wanted)
{
    if (wanted <= s->room)
        return 0;
    uint32_t room = wanted * 2;
    void *now = realloc(s->now, room * sizeof *s->now);
    s->now = now ? now : s->now;
    void *next = realloc(s->next, room * sizeof *s->next);
    s->next = next ? next : s->next;
    void *merged = realloc(s->merged, room * sizeof *s->merged);
    s->merged = merged ? merged : s->merged;
    void *rank = realloc(s->rank, room * sizeof *s->rank);
    s->rank = rank ? rank : s->rank;
    void *order = realloc(s->order, room * sizeof *s->order);
    s->order = order ? order : s->order;
    void *stair = realloc(s->stair, room * sizeof *s->stair);
    s->stair = stair ? stair : s->stair;
    if (!now || !next || !merged || !rank || !order || !stair)
        return QBID_ERR_NOMEM;
    s->room = room;
    return 0;
}

/* The state that follows from now[i] by choosing an item; false when it breaks a limit or its bound
 * is below what is known to be possible. */
static bool state_follow(const struct search *s, uint32_t i, uint32_t group, uint32_t item,
                         struct state *ret)
{
    *ret = s->now[i];
    ret->parent = i;
    ret->rank = s->rank[i];
    ret->item = item;
    if (item != NONE) {
        ret->gain += s->book->item[item].gain;
        for (int k = 0; k < QBID_CHOICE_SCARCE; k++) {
            ret->use[k] += s->book->item[item].use[k];
            if (ret->use[k] > s->book->limit[k])
                return false;
        }
    }
    return state_bound(s, ret, group) >= (double)s->prices->least - s->slack;
}

/* next + (now shifted by an item) -> merged, dominated states left out; merged becomes next. */
static int item_merge(struct search *s, uint32_t group, uint32_t item, uint32_t *next_cnt)
{
    uint32_t cnt = 0, stairs = 0, a = 0, b = 0;
    struct state shifted;
    int err = room_make(s, *next_cnt + s->now_cnt);
    if (err)
        return err;
    bool have = false;
    for (;;) {
        while (!have && b < s->now_cnt)
            have = state_follow(s, b++, group, item, &shifted);
        if (a == *next_cnt && !have)
            break;
        bool old = a < *next_cnt && (!have || state_before(&s->next[a], &shifted));
        const struct state *first = old ? &s->next[a] : &shifted;
        if (!stair_dominated(s, &stairs, first))
            s->merged[cnt++] = *first;
        if (old)
            a++;
        else
            have = false;
    }
    struct state *swap = s->next;
    s->next = s->merged;
    s->merged = swap;
    *next_cnt = cnt;
    return 0;
}

static int double_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* More states than there is room for: those of the highest bounds stay. */
static int states_thin(struct search *s, uint32_t group, uint32_t *next_cnt)
{
    if (*next_cnt <= s->state_max)
        return 0;
    double *bound = malloc(*next_cnt * sizeof *bound);
    if (!bound)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < *next_cnt; i++)
        bound[i] = state_bound(s, &s->next[i], group);
    qsort(bound, *next_cnt, sizeof *bound, double_compare);
    double least = bound[s->state_max - 1];
    uint32_t kept = 0;
    free(bound);
    for (uint32_t i = 0; i < *next_cnt; i++) {
        double b = state_bound(s, &s->next[i], group);
        if (b >= least && kept < s->state_max)
            s->next[kept++] = s->next[i];
        else if (b > s->lost)
            s->lost = b;
    }
    *next_cnt = kept;
    return 0;
}

static int order_compare(const void *a, const void *b, void *context)
{
    const struct state *states = context;
    const struct state *x = &states[*(const uint32_t *)a], *y = &states[*(const uint32_t *)b];
    return x->rank != y->rank ? (x->rank > y->rank) - (x->rank < y->rank)
                              : (x->item > y->item) - (x->item < y->item);
}

/* The new level becomes the present one: remembered, and ranked by its choices. */
static int level_close(struct search *s, uint32_t group, uint32_t next_cnt)
{
    if (s->step_cnt + next_cnt > s->step_max) {
        uint32_t max = (s->step_cnt + next_cnt) * 2;
        struct step *more = realloc(s->step, max * sizeof *more);
        if (!more)
            return QBID_ERR_NOMEM;
        s->step = more;
        s->step_max = max;
    }
    s->level[group] = s->step_cnt;
    for (uint32_t i = 0; i < next_cnt; i++) {
        s->step[s->step_cnt++] = (struct step){s->next[i].parent, s->next[i].item};
        s->order[i] = i;
    }
    qsort_r(s->order, next_cnt, sizeof *s->order, order_compare, s->next);
    for (uint32_t i = 0; i < next_cnt; i++)
        s->rank[s->order[i]] = i;
    struct state *swap = s->now;
    s->now = s->next;
    s->next = swap;
    s->now_cnt = next_cnt;
    return 0;
}

static int search_run(struct search *s)
{
    int err = room_make(s, 64);
    if (err)
        return err;
    s->now[0] = (struct state){.item = NONE};
    s->rank[0] = 0;
    s->now_cnt = 1;
    for (uint32_t g = 0; g < s->book->group_cnt && !err; g++) {
        uint32_t next_cnt = 0;
        for (uint32_t i = s->book->first[g]; i < s->book->first[g + 1] && !err; i++)
            err = item_merge(s, g, i, &next_cnt);
        if (!err)
            err = item_merge(s, g, NONE, &next_cnt);
        if (!err)
            err = states_thin(s, g, &next_cnt);
        if (!err)
            err = level_close(s, g, next_cnt);
    }
    return err;
}

/* --- before and after */

static int search_init(struct search *s)
{
    const struct qbid_choice_book *book = s->book;
    s->rest = malloc((book->group_cnt + 1) * sizeof *s->rest);
    s->level = malloc((book->group_cnt + 1) * sizeof *s->level);
    if (!s->rest || !s->level)
        return QBID_ERR_NOMEM;
    s->slack = qbid_choice_slack(s->prices);
    s->rest[book->group_cnt] = 0;
    for (uint32_t g = book->group_cnt; g-- > 0;) {
        double most = 0;
        for (uint32_t i = book->first[g]; i < book->first[g + 1]; i++) {
            double reduced = qbid_choice_reduced(s->prices, &book->item[i]);
            most = reduced > most ? reduced : most;
        }
        s->rest[g] = s->rest[g + 1] + most;
    }
    return 0;
}

static void search_done(struct search *s)
{
    free(s->rest);
    free(s->level);
    free(s->now);
    free(s->next);
    free(s->merged);
    free(s->rank);
    free(s->order);
    free(s->stair);
    free(s->step);
}

/* Items that no choice as good as a known one can hold are left out. */
static void book_reduce(struct qbid_choice_book *book, const struct qbid_choice_prices *prices,
                        bool *keep)
{
    double slack = qbid_choice_slack(prices);
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        double most = 0;
        for (uint32_t i = book->first[g]; i < book->first[g + 1]; i++) {
            double reduced = qbid_choice_reduced(prices, &book->item[i]);
            most = reduced > most ? reduced : most;
        }
        for (uint32_t i = book->first[g]; i < book->first[g + 1]; i++)
            keep[i] = prices->bound - most + qbid_choice_reduced(prices, &book->item[i]) >=
                      (double)prices->least - slack;
    }
    book_filter(book, keep);
}

struct doubt {
    double loss; /* of the second-best way of a group, against its best */
    uint32_t first, end;
};

static int doubt_compare(const void *a, const void *b)
{
    const struct doubt *x = a, *y = b;
    return x->loss != y->loss ? (x->loss < y->loss) - (x->loss > y->loss)
                              : (x->first > y->first) - (x->first < y->first);
}

/* Groups whose choice is certain come first: states multiply in the last ones only. */
static int book_order(struct qbid_choice_book *book, const struct qbid_choice_prices *prices)
{
    struct doubt *doubt = malloc((book->group_cnt + 1) * sizeof *doubt);
    struct qbid_choice_item *item = malloc((book->item_cnt + 1) * sizeof *item);
    uint32_t n = 0;
    if (!doubt || !item) {
        free(doubt);
        free(item);
        return QBID_ERR_NOMEM;
    }
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        double most = 0, second = -INFINITY; /* to choose nothing is a way */
        for (uint32_t i = book->first[g]; i < book->first[g + 1]; i++) {
            double reduced = qbid_choice_reduced(prices, &book->item[i]);
            second = reduced > most ? most : fmax(second, reduced);
            most = fmax(most, reduced);
        }
        doubt[g] = (struct doubt){most - second, book->first[g], book->first[g + 1]};
    }
    qsort(doubt, book->group_cnt, sizeof *doubt, doubt_compare);
    memcpy(item, book->item, book->item_cnt * sizeof *item);
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        book->first[g] = n;
        memcpy(&book->item[n], &item[doubt[g].first],
               (doubt[g].end - doubt[g].first) * sizeof *item);
        n += doubt[g].end - doubt[g].first;
    }
    free(doubt);
    free(item);
    return 0;
}

/* What is known so far. */
struct known {
    bool *chosen; /* by the caller's options */
    uint32_t option_cnt;
    struct qbid_choice choice;
};

static void known_clear(struct known *known)
{
    memset(known->chosen, 0, known->option_cnt * sizeof *known->chosen);
    known->choice = (struct qbid_choice){0};
}

static void known_add(struct known *known, const struct qbid_choice_item *item)
{
    known->chosen[item->source] = true;
    known->choice.cnt++;
    known->choice.gain_nanos += item->gain;
    known->choice.risk_nanos += item->use[0];
    known->choice.moved_nanos += item->use[1];
}

/* The first state of the last level is preferred to all others; its steps lead back. */
static void search_tell(const struct search *s, struct known *known)
{
    uint32_t at = 0;
    known_clear(known);
    for (uint32_t g = s->book->group_cnt; g-- > 0;) {
        struct step step = s->step[s->level[g] + at];
        if (step.item != NONE)
            known_add(known, &s->book->item[step.item]);
        at = step.parent;
    }
}

/* Search what is left. With few states it only betters what is known, which lets more be dropped.
 */
static int book_search(const struct qbid_choice_book *book, const struct qbid_choice_prices *prices,
                       uint32_t state_max, struct known *known)
{
    struct search s = {.book = book, .prices = prices, .state_max = state_max, .lost = -1};
    int err = search_init(&s);
    if (!err)
        err = search_run(&s);
    if (!err) {
        double gain = s.now_cnt ? (double)s.now[0].gain : -1;
        bool exact = gain >= s.lost;
        if (exact || gain > (double)known->choice.gain_nanos)
            search_tell(&s, known);
        known->choice.exact = exact;
        known->choice.bound_nanos = exact ? gain : s.lost;
    }
    search_done(&s);
    return err;
}

static int book_solve(struct qbid_choice_book *book, bool *keep, uint32_t *pick, uint32_t state_max,
                      struct known *known)
{
    struct qbid_choice_prices prices;
    int err = qbid_choice_bound(book, &prices, pick);
    if (err)
        return err;
    known_clear(known);
    for (uint32_t g = 0; g < book->group_cnt; g++)
        if (pick[g] != NONE)
            known_add(known, &book->item[pick[g]]);
    err = book_order(book, &prices);
    for (uint32_t few = STATES_FIRST; !err && !known->choice.exact; few *= STATES_MORE) {
        prices.least = known->choice.gain_nanos;
        book_reduce(book, &prices, keep);
        err = book_search(book, &prices, few < state_max ? few : state_max, known);
        if (few >= state_max)
            break;
    }
    return err;
}

int qbid_choice_solve(const struct qbid_choice_option *options, uint32_t cnt,
                      const struct qbid_choice_limits *limits, bool *ret_chosen,
                      struct qbid_choice *ret_choice)
{
    int err = options_check(options, cnt, limits);
    if (err)
        return err;
    uint32_t state_max = limits->state_max ? limits->state_max : QBID_CHOICE_STATES_MAX;
    struct qbid_choice_book book = {.limit = {limits->risk_nanos, limits->moved_nanos}};
    struct known known = {.chosen = ret_chosen, .option_cnt = cnt};
    struct sorting *sorted = malloc((cnt + 1) * sizeof *sorted);
    bool *keep = malloc((cnt + 1) * sizeof *keep);
    uint32_t *pick = malloc((cnt + 1) * sizeof *pick);
    book.item = malloc((cnt + 1) * sizeof *book.item);
    book.first = malloc((cnt + 1) * sizeof *book.first);
    err = sorted && keep && pick && book.item && book.first ? 0 : QBID_ERR_NOMEM;
    if (!err)
        err = book_fill(&book, options, sorted, cnt, keep);
    if (!err)
        err = book_solve(&book, keep, pick, state_max, &known);
    if (!err)
        *ret_choice = known.choice;
    free(sorted);
    free(keep);
    free(pick);
    free(book.item);
    free(book.first);
    return err;
}
