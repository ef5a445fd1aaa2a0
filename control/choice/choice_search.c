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

#include "control/choice/choice_core.h"
#include "shm/error.h"

#define NONE QBID_CHOICE_NONE
#define LOOK_BACK 2
#define NODES_MAX (UINT32_C(1) << 23) /* 96 MiB; what would need more is dropped */

/* --- lists of states */

static int room_make(struct qbid_choice_list *list, uint32_t wanted)
{
    if (wanted <= list->max)
        return 0;
    struct qbid_choice_state *state = realloc(list->state, 2 * (size_t)wanted * sizeof *state);
    if (!state)
        return QBID_ERR_NOMEM;
    list->state = state;
    list->max = 2 * wanted;
    return 0;
}

static int nodes_make(struct qbid_choice_run *s, uint32_t more)
{
    uint32_t wanted = s->node_cnt + more < NODES_MAX ? s->node_cnt + more : NODES_MAX;
    if (wanted <= s->node_max)
        return 0;
    uint32_t max = wanted < NODES_MAX / 2 ? 2 * wanted : NODES_MAX;
    struct qbid_choice_node *node = realloc(s->node, max * sizeof *node);
    if (!node)
        return QBID_ERR_NOMEM;
    s->node = node;
    s->node_max = max;
    return 0;
}

static bool state_before(const struct qbid_choice_state *a, const struct qbid_choice_state *b)
{
    for (int c = 0; c < QBID_CHOICE_COORDINATES - 1; c++)
        if (a->by[c] != b->by[c])
            return a->by[c] < b->by[c];
    return a->by[QBID_CHOICE_OTHER] < b->by[QBID_CHOICE_OTHER];
}

/* Whether one of the last two kept, which are before it, is no worse in any coordinate. To look at
 * all of them costs more than the states that it spares. */
static bool near_dominated(const struct qbid_choice_state *kept, uint32_t cnt,
                           const struct qbid_choice_state *state)
{
    for (uint32_t i = cnt > LOOK_BACK ? cnt - LOOK_BACK : 0; i < cnt; i++)
        if (kept[i].by[QBID_CHOICE_COST] <= state->by[QBID_CHOICE_COST] &&
            kept[i].by[QBID_CHOICE_OTHER] <= state->by[QBID_CHOICE_OTHER])
            return true;
    return false;
}

/* Without the other limit: the least cost so far is all that counts, and of equal ones the least
 * use. That order is kept by whatever is added to both, so no preferred choice is lost. */
static bool least_dominated(struct qbid_choice_state *least, const struct qbid_choice_state *state)
{
    if (state->by[QBID_CHOICE_COST] > least->by[QBID_CHOICE_COST] ||
        (state->by[QBID_CHOICE_COST] == least->by[QBID_CHOICE_COST] &&
         state->by[QBID_CHOICE_OTHER] >= least->by[QBID_CHOICE_OTHER]))
        return true;
    *least = *state;
    return false;
}

/* The next state of `from` that may depart by a way, with it; false when there is no more. */
static bool state_shift(struct qbid_choice_run *s, const struct qbid_choice_list *from,
                        uint32_t *at, const struct qbid_choice_way *way,
                        struct qbid_choice_state *ret)
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
        for (int c = 0; c < QBID_CHOICE_COORDINATES; c++)
            ret->by[c] += way->by[c];
        s->made++;
        s->node[s->node_cnt] = (struct qbid_choice_node){ret->node, way->group, way->item};
        ret->node = s->node_cnt++;
        return true;
    }
    return false;
}

/* list and from shifted by a way, in order, without many of the dominated states -> s->other ->
 * list. */
static int way_merge(struct qbid_choice_run *s, struct qbid_choice_list *list,
                     const struct qbid_choice_list *from, const struct qbid_choice_way *way)
{
    uint32_t cnt = 0, a = 0, b = 0;
    struct qbid_choice_state shifted, least = {.by = {0, INT64_MAX, INT64_MAX}};
    int err = room_make(&s->other, list->cnt + from->cnt);
    err = err ? err : nodes_make(s, from->cnt);
    if (err)
        return err;
    bool have = state_shift(s, from, &b, way, &shifted);
    if (!have)
        return 0;
    while (a < list->cnt || have) {
        bool old = a < list->cnt && (!have || !state_before(&shifted, &list->state[a]));
        const struct qbid_choice_state *first = old ? &list->state[a] : &shifted;
        if (!(s->loose ? least_dominated(&least, first)
                       : near_dominated(s->other.state, cnt, first)))
            s->other.state[cnt++] = *first;
        if (old)
            a++;
        else
            have = state_shift(s, from, &b, way, &shifted);
    }
    struct qbid_choice_list swap = *list;
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
static int list_thin(struct qbid_choice_run *s, struct qbid_choice_list *list)
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
static int half_list(struct qbid_choice_run *s, uint32_t half, uint64_t made_max)
{
    struct qbid_choice_list *list = &s->half[half], from = {0};
    int err = room_make(list, 1);
    if (err)
        return err;
    list->cnt = 1;
    list->state[0] = (struct qbid_choice_state){.node = NONE};
    for (uint32_t c = half; c < s->core_cnt && !err; c += QBID_CHOICE_HALVES) {
        const struct qbid_choice_core *core = &s->core[c];
        if (s->made >= made_max) { /* the rest departs nowhere */
            s->lost = fmin(s->lost, core->loss);
            continue;
        }
        bool several = core->end - core->first > 1;
        if (several) { /* each way goes on from the list as it was */
            err = room_make(&from, list->cnt);
            if (err)
                break;
            memcpy(from.state, list->state, list->cnt * sizeof *list->state);
            from.cnt = list->cnt;
        }
        for (uint32_t w = core->first; w < core->end && !err; w++) {
            struct qbid_choice_list same = *list;
            err = way_merge(s, list, several ? &from : &same, &s->way[w]);
        }
        err = err ? err : list_thin(s, list);
    }
    free(from.state);
    return err;
}

/* --- both lists together */

struct pair {
    int64_t by[QBID_CHOICE_COORDINATES];
    uint32_t node[QBID_CHOICE_HALVES];
    bool found;
};

/* As choices are preferred: more gain, less risk, less moved. */
static bool pair_better(const struct qbid_choice_run *s, const struct qbid_choice_state *a,
                        const struct qbid_choice_state *b, const struct pair *than)
{
    int64_t by[QBID_CHOICE_COORDINATES];
    for (int c = 0; c < QBID_CHOICE_COORDINATES; c++)
        by[c] = a->by[c] + b->by[c];
    int first = s->key == 0 ? QBID_CHOICE_KEY : QBID_CHOICE_OTHER,
        second = s->key == 0 ? QBID_CHOICE_OTHER : QBID_CHOICE_KEY;
    if (by[QBID_CHOICE_COST] != than->by[QBID_CHOICE_COST])
        return by[QBID_CHOICE_COST] < than->by[QBID_CHOICE_COST];
    return by[first] != than->by[first] ? by[first] < than->by[first]
                                        : by[second] < than->by[second];
}

/* For each state of the one list those of the other that use up the key limit so far that the rest
 * of it, priced, leaves something to gain: as the one uses more, the other must use less. */
static void pairs_join(const struct qbid_choice_run *s, struct pair *best)
{
    const struct qbid_choice_list *one = &s->half[0], *two = &s->half[1];
    double price = s->prices->price[s->key];
    uint32_t end = two->cnt;
    for (uint32_t i = 0; i < one->cnt; i++) {
        const struct qbid_choice_state *a = &one->state[i];
        int64_t key_most = s->left[QBID_CHOICE_KEY] - a->by[QBID_CHOICE_KEY],
                other_most = s->left[QBID_CHOICE_OTHER] - a->by[QBID_CHOICE_OTHER];
        while (end > 0 && two->state[end - 1].by[QBID_CHOICE_KEY] > key_most)
            end--;
        /* what both lose, and the price of what is left over, come off the bound */
        double known = (double)-(best->by[QBID_CHOICE_COST] + s->left[QBID_CHOICE_COST]);
        double room = s->bound - known - a->loss + s->slack;
        double key_least = price > 0 ? (double)key_most - room / price : -INFINITY;
        for (uint32_t j = end; j-- > 0;) {
            const struct qbid_choice_state *b = &two->state[j];
            if ((double)b->by[QBID_CHOICE_KEY] < key_least)
                break;
            if ((!s->loose && b->by[QBID_CHOICE_OTHER] > other_most) ||
                a->by[QBID_CHOICE_COST] + b->by[QBID_CHOICE_COST] > best->by[QBID_CHOICE_COST] ||
                !pair_better(s, a, b, best))
                continue;
            for (int c = 0; c < QBID_CHOICE_COORDINATES; c++)
                best->by[c] = a->by[c] + b->by[c];
            best->node[0] = a->node;
            best->node[1] = b->node;
            best->found = true;
        }
    }
}

static void pick_set(const struct qbid_choice_run *s, const struct pair *best)
{
    struct qbid_choice_pick *pick = s->pick;
    memcpy(pick->item, s->best, s->book->group_cnt * sizeof *pick->item);
    for (int h = 0; h < QBID_CHOICE_HALVES; h++)
        for (uint32_t n = best->node[h]; n != NONE; n = s->node[n].before)
            pick->item[s->node[n].group] = s->node[n].item;
    qbid_choice_pick_sum(s->book, pick);
}

/* --- the whole */

static int search_init(struct qbid_choice_run *s)
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

static void search_done(struct qbid_choice_run *s)
{
    for (int h = 0; h < QBID_CHOICE_HALVES; h++)
        free(s->half[h].state);
    free(s->other.state);
    free(s->node);
    free(s->order);
    free(s->best);
    free(s->core);
    free(s->way);
}

/* List and join; *ret_kept: whether what was found keeps the other limit, too. */
static int search_pass(struct qbid_choice_run *s, bool *ret_kept)
{
    const struct qbid_choice_pick *pick = s->pick;
    s->lost = INFINITY;
    s->most = s->bound - (double)pick->gain;
    s->node_cnt = 0;
    qbid_choice_core_find(s);
    uint64_t made = s->made;
    for (uint32_t h = 0; h < QBID_CHOICE_HALVES; h++) {
        int err = half_list(s, h, made + (h + 1) * (s->made_max / QBID_CHOICE_HALVES));
        if (err)
            return err;
    }
    struct pair best = {.node = {NONE, NONE}};
    best.by[QBID_CHOICE_KEY] =
        pick->use[s->key] - (s->book->limit[s->key] - s->left[QBID_CHOICE_KEY]);
    best.by[QBID_CHOICE_COST] = -pick->gain - s->left[QBID_CHOICE_COST];
    best.by[QBID_CHOICE_OTHER] =
        pick->use[!s->key] - (s->book->limit[!s->key] - s->left[QBID_CHOICE_OTHER]);
    pairs_join(s, &best);
    *ret_kept = best.by[QBID_CHOICE_OTHER] <= s->left[QBID_CHOICE_OTHER];
    if (best.found && *ret_kept)
        pick_set(s, &best);
    return 0;
}

/* A limit without a price seldom binds: what is best without it mostly keeps it, and is found with
 * far fewer states. */
static int search_run(struct qbid_choice_run *s)
{
    bool kept = true;
    qbid_choice_best_find(s);
    s->loose = !(s->prices->price[!s->key] > 0);
    int err = search_pass(s, &kept);
    if (!err && !kept) {
        s->loose = false;
        err = search_pass(s, &kept);
    }
    return err;
}

int qbid_choice_search(const struct qbid_choice_book *book, const struct qbid_choice_prices *prices,
                       uint32_t state_max, uint64_t made_max, struct qbid_choice_pick *pick,
                       double *ret_bound, uint32_t *ret_made)
{
    struct qbid_choice_run s = {
        .book = book, .prices = prices, .pick = pick, .state_max = state_max, .made_max = made_max};
    int err = search_init(&s);
    if (!err)
        err = search_run(&s);
    if (!err)
        *ret_bound = fmax((double)pick->gain, floor(s.bound - s.lost + s.slack));
    *ret_made = s.made;
    search_done(&s);
    return err;
}
