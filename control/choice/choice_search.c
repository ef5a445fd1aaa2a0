/* SPDX-License-Identifier: Apache-2.0 */
/* At the prices of the limits each group has one best way, and each other way loses something
 * against it. A choice is known by the ways in which it departs, and gains at most the bound less
 * what these lose: so only departures that lose less than what is known to be possible matter. They
 * are listed for two halves of the groups apart, and pairs of both lists that keep the limits are
 * looked for. */
#include "control/choice/choice_search.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define NONE QBID_CHOICE_NONE
#define HALVES 2
#define NODES_MAX (UINT32_C(1) << 23) /* 96 MiB; what would need more is dropped */

/* What a list is in order of, least first, then the rest; less of each is better. */
enum { KEY, COST, OTHER, COORDINATES };

/* Departures of some groups together, against the best ways: use of the key limit, gain with its
 * sign turned, use of the other limit. */
struct state {
    int64_t by[COORDINATES];
    double loss;
    uint32_t node; /* its last departure, NONE = it has none */
};

struct node {
    uint32_t before; /* another node, or NONE */
    uint32_t group, item;
};

struct list {
    struct state *state;
    uint32_t cnt, max;
};

/* One way of a group that is not its best. */
struct way {
    int64_t by[COORDINATES];
    double loss;
    uint32_t group, item;
};

/* A group's ways: way[first] to way[end - 1]. */
struct core {
    double loss; /* least of them */
    uint32_t group, first, end;
};

struct search {
    const struct qbid_choice_book *book;
    const struct qbid_choice_prices *prices;
    struct qbid_choice_pick *pick;
    int key;      /* the limit whose use is KEY */
    bool loose;   /* the other limit is left out of account */
    double slack; /* rounding */
    double most;  /* loss above which nothing matters */
    double lost;  /* least loss of what was dropped for lack of room */
    double bound; /* gain of the best ways, their limits priced */
    uint32_t state_max;
    int64_t left[COORDINATES]; /* of the limits beside the best ways; their gain, sign turned */
    uint32_t *best;            /* item by group */
    struct way *way;
    struct core *core;
    uint32_t way_cnt, core_cnt;
    struct list half[HALVES], other;
    struct node *node;
    uint32_t node_cnt, node_max;
    uint32_t made; /* states, in all */
    struct {
        int64_t cost, other;
    } * stair;
    uint32_t stair_max;
    double *order; /* scratch of a selection */
    uint32_t order_max;
};

static double way_value(const struct search *s, uint32_t item)
{
    return item == NONE ? 0 : qbid_choice_reduced(s->prices, &s->book->item[item]);
}

static void item_by(const struct search *s, uint32_t item, int64_t by[COORDINATES])
{
    static const struct qbid_choice_item nothing;
    const struct qbid_choice_item *i = item == NONE ? &nothing : &s->book->item[item];
    by[KEY] = i->use[s->key];
    by[COST] = -i->gain;
    by[OTHER] = i->use[!s->key];
}

/* --- what departs from what */

static int core_compare(const void *a, const void *b)
{
    const struct core *x = a, *y = b;
    return x->loss != y->loss ? (x->loss < y->loss) - (x->loss > y->loss)
                              : (x->group > y->group) - (x->group < y->group);
}

static void best_find(struct search *s)
{
    const struct qbid_choice_book *book = s->book;
    s->bound = (double)book->gain;
    for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
        s->bound += s->prices->price[k] * (double)book->left[k];
    s->left[KEY] = book->left[s->key];
    s->left[COST] = -book->gain;
    s->left[OTHER] = book->left[!s->key];
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        double most = 0;
        s->best[g] = book->fixed[g];
        if (book->first[g] == book->end[g])
            continue;
        for (uint32_t i = book->first[g]; i < book->end[g]; i++) {
            double value = way_value(s, i);
            if (value > most) {
                most = value;
                s->best[g] = i;
            }
        }
        int64_t by[COORDINATES];
        item_by(s, s->best[g], by);
        s->bound += most;
        s->left[KEY] -= by[KEY];
        s->left[COST] += by[COST];
        s->left[OTHER] -= by[OTHER];
    }
}

/* What the prices make of a distance from both limits. */
static double distance(const struct search *s, const int64_t left[COORDINATES])
{
    return s->prices->price[s->key] * fabs((double)left[KEY]) +
           s->prices->price[!s->key] * fabs((double)left[OTHER]);
}

/* Of ways that are equally good, those that bring the whole nearer to the limits: lists of
 * departures need not reach as far then. */
static void ties_settle(struct search *s)
{
    const struct qbid_choice_book *book = s->book;
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        double most = way_value(s, s->best[g]);
        for (uint32_t i = book->first[g]; i <= book->end[g] && book->end[g] > book->first[g]; i++) {
            uint32_t item = i < book->end[g] ? i : NONE;
            int64_t from[COORDINATES], to[COORDINATES], left[COORDINATES];
            if (item == s->best[g] || most - way_value(s, item) > s->slack)
                continue;
            item_by(s, s->best[g], from);
            item_by(s, item, to);
            for (int c = 0; c < COORDINATES; c++)
                left[c] = c == COST ? s->left[c] + to[c] - from[c] : s->left[c] - to[c] + from[c];
            if (distance(s, left) < distance(s, s->left)) {
                memcpy(s->left, left, sizeof left);
                s->best[g] = item;
            }
        }
    }
}

static void way_add(struct search *s, uint32_t group, uint32_t item, double most)
{
    double loss = most - way_value(s, item);
    if (item == s->best[group] || loss > s->most + s->slack)
        return;
    loss = loss > s->slack ? loss : 0; /* rounding makes no order */
    struct way *way = &s->way[s->way_cnt++];
    int64_t from[COORDINATES];
    *way = (struct way){.loss = loss, .group = group, .item = item};
    item_by(s, s->best[group], from);
    item_by(s, item, way->by);
    for (int c = 0; c < COORDINATES; c++)
        way->by[c] -= from[c];
}

/* Groups that may depart: those that lose most by it first, so that lists grow late. */
static void core_find(struct search *s)
{
    const struct qbid_choice_book *book = s->book;
    s->way_cnt = s->core_cnt = 0;
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        if (book->first[g] == book->end[g])
            continue;
        double most = way_value(s, s->best[g]);
        struct core core = {INFINITY, g, s->way_cnt, 0};
        for (uint32_t i = book->first[g]; i < book->end[g]; i++)
            way_add(s, g, i, most);
        way_add(s, g, NONE, most);
        core.end = s->way_cnt;
        for (uint32_t w = core.first; w < core.end; w++)
            core.loss = fmin(core.loss, s->way[w].loss);
        if (core.end > core.first)
            s->core[s->core_cnt++] = core;
    }
    qsort(s->core, s->core_cnt, sizeof *s->core, core_compare);
}

/* --- lists of states */

static int room_make(struct list *list, uint32_t wanted)
{
    if (wanted <= list->max)
        return 0;
    struct state *state = realloc(list->state, 2 * (size_t)wanted * sizeof *state);
    if (!state)
        return QBID_ERR_NOMEM;
    list->state = state;
    list->max = 2 * wanted;
    return 0;
}

static int nodes_make(struct search *s, uint32_t more)
{
    uint32_t wanted = s->node_cnt + more < NODES_MAX ? s->node_cnt + more : NODES_MAX;
    if (wanted <= s->node_max)
        return 0;
    uint32_t max = wanted < NODES_MAX / 2 ? 2 * wanted : NODES_MAX;
    struct node *node = realloc(s->node, max * sizeof *node);
    if (!node)
        return QBID_ERR_NOMEM;
    s->node = node;
    s->node_max = max;
    return 0;
}

static int stairs_make(struct search *s, uint32_t wanted)
{
    if (wanted <= s->stair_max)
        return 0;
    void *stair = realloc(s->stair, 2 * (size_t)wanted * sizeof *s->stair);
    if (!stair)
        return QBID_ERR_NOMEM;
    s->stair = stair;
    s->stair_max = 2 * wanted;
    return 0;
}

static bool state_before(const struct state *a, const struct state *b)
{
    for (int c = 0; c < COORDINATES - 1; c++)
        if (a->by[c] != b->by[c])
            return a->by[c] < b->by[c];
    return a->by[OTHER] < b->by[OTHER];
}

/* Whether one before it is no worse in any coordinate; if not, it is kept in mind. */
static bool stair_dominated(struct search *s, uint32_t *cnt, const struct state *state)
{
    uint32_t low = 0, high = *cnt; /* first step of a greater cost */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (s->stair[middle].cost <= state->by[COST])
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0 && s->stair[low - 1].other <= state->by[OTHER])
        return true;
    uint32_t at = low > 0 && s->stair[low - 1].cost == state->by[COST] ? low - 1 : low, end = low;
    while (end < *cnt && s->stair[end].other >= state->by[OTHER])
        end++;
    if (end != at + 1)
        memmove(&s->stair[at + 1], &s->stair[end], (*cnt - end) * sizeof *s->stair);
    *cnt = *cnt - (end - at) + 1;
    s->stair[at].cost = state->by[COST];
    s->stair[at].other = state->by[OTHER];
    return false;
}

/* Without the other limit: the least cost so far is all that counts, and of equal ones the least
 * use. That order is kept by whatever is added to both, so no preferred choice is lost. */
static bool least_dominated(struct state *least, const struct state *state)
{
    if (state->by[COST] > least->by[COST] ||
        (state->by[COST] == least->by[COST] && state->by[OTHER] >= least->by[OTHER]))
        return true;
    *least = *state;
    return false;
}

/* The next state of `from` that may depart by a way, with it; false when there is no more. */
static bool state_shift(struct search *s, const struct list *from, uint32_t *at,
                        const struct way *way, struct state *ret)
{
    for (; *at < from->cnt; ++*at) {
        double loss = from->state[*at].loss + way->loss;
        if (loss > s->most + s->slack)
            continue;
        if (s->node_cnt == NODES_MAX) {
            s->lost = fmin(s->lost, loss);
            continue;
        }
        *ret = from->state[(*at)++];
        ret->loss = loss;
        for (int c = 0; c < COORDINATES; c++)
            ret->by[c] += way->by[c];
        s->made++;
        s->node[s->node_cnt] = (struct node){ret->node, way->group, way->item};
        ret->node = s->node_cnt++;
        return true;
    }
    return false;
}

/* list and from shifted by a way, in order, without dominated states -> s->other -> list. */
static int way_merge(struct search *s, struct list *list, const struct list *from,
                     const struct way *way)
{
    uint32_t cnt = 0, stairs = 0, a = 0, b = 0;
    struct state shifted, least = {.by = {0, INT64_MAX, INT64_MAX}};
    int err = room_make(&s->other, list->cnt + from->cnt);
    err = err ? err : nodes_make(s, from->cnt);
    err = err ? err : stairs_make(s, list->cnt + from->cnt);
    if (err)
        return err;
    bool have = state_shift(s, from, &b, way, &shifted);
    if (!have)
        return 0;
    while (a < list->cnt || have) {
        bool old = a < list->cnt && (!have || !state_before(&shifted, &list->state[a]));
        const struct state *first = old ? &list->state[a] : &shifted;
        if (!(s->loose ? least_dominated(&least, first) : stair_dominated(s, &stairs, first)))
            s->other.state[cnt++] = *first;
        if (old)
            a++;
        else
            have = state_shift(s, from, &b, way, &shifted);
    }
    struct list swap = *list;
    *list = s->other;
    s->other = swap;
    list->cnt = cnt;
    return 0;
}

/* The value that would stand at `at` if numbers were in order; they are put around it. */
static double select_at(double *number, uint32_t cnt, uint32_t at)
{
    uint32_t low = 0, high = cnt - 1;
    while (low < high) {
        double pivot = number[(low + high) / 2];
        uint32_t i = low, j = high;
        for (;;) {
            while (number[i] < pivot)
                i++;
            while (number[j] > pivot)
                j--;
            if (i >= j)
                break;
            double swap = number[i];
            number[i++] = number[j];
            number[j--] = swap;
        }
        if (at <= j)
            high = j;
        else
            low = j + 1;
    }
    return number[at];
}

/* More states than there is room for: those that lose least stay, and later ones that lose more
 * than they do are not made. */
static int list_thin(struct search *s, struct list *list)
{
    if (list->cnt <= s->state_max)
        return 0;
    if (list->cnt > s->order_max) {
        double *order = realloc(s->order, 2 * (size_t)list->cnt * sizeof *order);
        if (!order)
            return QBID_ERR_NOMEM;
        s->order = order;
        s->order_max = 2 * list->cnt;
    }
    for (uint32_t i = 0; i < list->cnt; i++)
        s->order[i] = list->state[i].loss;
    double most = select_at(s->order, list->cnt, s->state_max);
    uint32_t kept = 0, room = s->state_max, ties = 0, seen = 0;
    for (uint32_t i = 0; i < list->cnt; i++) {
        room -= list->state[i].loss < most;
        ties += list->state[i].loss <= most && list->state[i].loss >= most;
    }
    for (uint32_t i = 0; i < list->cnt; i++) {
        double loss = list->state[i].loss;
        bool keep = loss < most;
        if (!keep && loss <= most) { /* of what loses just as much, evenly over the list */
            keep = (uint64_t)(seen + 1) * room / ties > (uint64_t)seen * room / ties;
            seen++;
        }
        if (keep)
            list->state[kept++] = list->state[i];
    }
    list->cnt = kept;
    s->lost = fmin(s->lost, most);
    s->most = fmin(s->most, most);
    return 0;
}

/* Groups of one half: every second one of the core. */
static int half_list(struct search *s, uint32_t half)
{
    struct list *list = &s->half[half], from = {0};
    int err = room_make(list, 1);
    if (err)
        return err;
    list->cnt = 1;
    list->state[0] = (struct state){.node = NONE};
    for (uint32_t c = half; c < s->core_cnt && !err; c += HALVES) {
        const struct core *core = &s->core[c];
        bool several = core->end - core->first > 1;
        if (several) { /* each way goes on from the list as it was */
            err = room_make(&from, list->cnt);
            if (err)
                break;
            memcpy(from.state, list->state, list->cnt * sizeof *list->state);
            from.cnt = list->cnt;
        }
        for (uint32_t w = core->first; w < core->end && !err; w++) {
            struct list same = *list;
            err = way_merge(s, list, several ? &from : &same, &s->way[w]);
        }
        err = err ? err : list_thin(s, list);
    }
    free(from.state);
    return err;
}

/* --- both lists together */

struct pair {
    int64_t by[COORDINATES];
    uint32_t node[HALVES];
    bool found;
};

/* As choices are preferred: more gain, less risk, less moved. */
static bool pair_better(const struct search *s, const struct state *a, const struct state *b,
                        const struct pair *than)
{
    int64_t by[COORDINATES];
    for (int c = 0; c < COORDINATES; c++)
        by[c] = a->by[c] + b->by[c];
    int first = s->key == 0 ? KEY : OTHER, second = s->key == 0 ? OTHER : KEY;
    if (by[COST] != than->by[COST])
        return by[COST] < than->by[COST];
    return by[first] != than->by[first] ? by[first] < than->by[first]
                                        : by[second] < than->by[second];
}

/* For each state of the one list those of the other that use up the key limit so far that the rest
 * of it, priced, leaves something to gain: as the one uses more, the other must use less. */
static void pairs_join(const struct search *s, struct pair *best)
{
    const struct list *one = &s->half[0], *two = &s->half[1];
    double price = s->prices->price[s->key];
    uint32_t end = two->cnt;
    for (uint32_t i = 0; i < one->cnt; i++) {
        const struct state *a = &one->state[i];
        int64_t key_most = s->left[KEY] - a->by[KEY], other_most = s->left[OTHER] - a->by[OTHER];
        while (end > 0 && two->state[end - 1].by[KEY] > key_most)
            end--;
        /* what both lose, and the price of what is left over, come off the bound */
        double known = (double)-(best->by[COST] + s->left[COST]);
        double room = s->bound - known - a->loss + s->slack;
        double key_least = price > 0 ? (double)key_most - room / price : -INFINITY;
        for (uint32_t j = end; j-- > 0;) {
            const struct state *b = &two->state[j];
            if ((double)b->by[KEY] < key_least)
                break;
            if ((!s->loose && b->by[OTHER] > other_most) ||
                a->by[COST] + b->by[COST] > best->by[COST] || !pair_better(s, a, b, best))
                continue;
            for (int c = 0; c < COORDINATES; c++)
                best->by[c] = a->by[c] + b->by[c];
            best->node[0] = a->node;
            best->node[1] = b->node;
            best->found = true;
        }
    }
}

static void pick_set(const struct search *s, const struct pair *best)
{
    struct qbid_choice_pick *pick = s->pick;
    memcpy(pick->item, s->best, s->book->group_cnt * sizeof *pick->item);
    for (int h = 0; h < HALVES; h++)
        for (uint32_t n = best->node[h]; n != NONE; n = s->node[n].before)
            pick->item[s->node[n].group] = s->node[n].item;
    qbid_choice_pick_sum(s->book, pick);
}

/* --- the whole */

static int search_init(struct search *s)
{
    const struct qbid_choice_book *book = s->book;
    uint32_t ways = book->item_cnt + book->group_cnt + 1;
    s->best = malloc((book->group_cnt + 1) * sizeof *s->best);
    s->core = malloc((book->group_cnt + 1) * sizeof *s->core);
    s->way = malloc(ways * sizeof *s->way);
    if (!s->best || !s->core || !s->way)
        return QBID_ERR_NOMEM;
    /* the limit that leaves least to chance: its price times what it allows */
    s->key =
        s->prices->price[1] * (double)book->limit[1] > s->prices->price[0] * (double)book->limit[0];
    s->slack = qbid_choice_slack(s->prices);
    return 0;
}

static void search_done(struct search *s)
{
    for (int h = 0; h < HALVES; h++)
        free(s->half[h].state);
    free(s->other.state);
    free(s->node);
    free(s->stair);
    free(s->order);
    free(s->best);
    free(s->core);
    free(s->way);
}

/* List and join; *ret_kept: whether what was found keeps the other limit, too. */
static int search_pass(struct search *s, bool *ret_kept)
{
    const struct qbid_choice_pick *pick = s->pick;
    s->lost = INFINITY;
    s->most = s->bound - (double)pick->gain;
    s->node_cnt = 0;
    core_find(s);
    for (uint32_t h = 0; h < HALVES; h++) {
        int err = half_list(s, h);
        if (err)
            return err;
    }
    struct pair best = {.node = {NONE, NONE}};
    best.by[KEY] = pick->use[s->key] - (s->book->limit[s->key] - s->left[KEY]);
    best.by[COST] = -pick->gain - s->left[COST];
    best.by[OTHER] = pick->use[!s->key] - (s->book->limit[!s->key] - s->left[OTHER]);
    pairs_join(s, &best);
    *ret_kept = best.by[OTHER] <= s->left[OTHER];
    if (best.found && *ret_kept)
        pick_set(s, &best);
    return 0;
}

/* A limit without a price seldom binds: what is best without it mostly keeps it, and is found with
 * far fewer states. */
static int search_run(struct search *s)
{
    bool kept = true;
    best_find(s);
    ties_settle(s);
    s->loose = !(s->prices->price[!s->key] > 0);
    int err = search_pass(s, &kept);
    if (!err && !kept) {
        s->loose = false;
        err = search_pass(s, &kept);
    }
    return err;
}

int qbid_choice_search(const struct qbid_choice_book *book, const struct qbid_choice_prices *prices,
                       uint32_t state_max, struct qbid_choice_pick *pick, double *ret_bound,
                       uint32_t *ret_made)
{
    struct search s = {.book = book, .prices = prices, .pick = pick, .state_max = state_max};
    int err = search_init(&s);
    if (!err)
        err = search_run(&s);
    if (!err)
        *ret_bound = fmax((double)pick->gain, floor(s.bound - s.lost + s.slack));
    *ret_made = s.made;
    search_done(&s);
    return err;
}
