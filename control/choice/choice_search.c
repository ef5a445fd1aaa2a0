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
#define BINS 256                      /* of losses */
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

/* --- merging, with few branches: none of them could be foretold */

static inline bool state_before(const struct qbid_choice_state *a,
                                const struct qbid_choice_state *b)
{
    if (__builtin_expect(a->by[QBID_CHOICE_KEY] == b->by[QBID_CHOICE_KEY], 0)) {
        if (a->by[QBID_CHOICE_COST] != b->by[QBID_CHOICE_COST])
            return a->by[QBID_CHOICE_COST] < b->by[QBID_CHOICE_COST];
        return a->by[QBID_CHOICE_OTHER] < b->by[QBID_CHOICE_OTHER];
    }
    return a->by[QBID_CHOICE_KEY] < b->by[QBID_CHOICE_KEY];
}

/* The last two states kept. To look at all of them costs more than the states that it spares. */
struct near {
    int64_t cost[LOOK_BACK], other[LOOK_BACK];
};

/* Append a state that is behind those kept in order, unless one of the last two is no worse in any
 * coordinate. Without the other limit the least cost so far is all that counts, and of equal ones
 * the least use: that order is kept by whatever is added to both, so no preferred choice is lost.
 * Returns how many there are then. */
static inline __attribute__((always_inline)) uint32_t
state_keep(bool loose, struct near *near, const struct qbid_choice_state *state,
           struct qbid_choice_state *kept, uint32_t cnt)
{
    int64_t cost = state->by[QBID_CHOICE_COST], other = state->by[QBID_CHOICE_OTHER];
    bool drop =
        loose & ((cost > near->cost[0]) | ((cost == near->cost[0]) & (other >= near->other[0])));
    for (int i = 0; i < LOOK_BACK && !loose; i++)
        drop |= (near->cost[i] <= cost) & (near->other[i] <= other);
    kept[cnt] = *state;
    for (int i = LOOK_BACK - 1; i >= 0; i--) {
        near->cost[i] = drop ? near->cost[i] : i > 0 ? near->cost[i - 1] : cost;
        near->other[i] = drop ? near->other[i] : i > 0 ? near->other[i - 1] : other;
    }
    return cnt + !drop;
}

/* Two lists in order -> one, without many of the dominated states; of equal ones a's are first. */
static inline __attribute__((always_inline)) uint32_t states_merge(bool loose,
                                                                   const struct qbid_choice_list *a,
                                                                   const struct qbid_choice_list *b,
                                                                   struct qbid_choice_state *kept)
{
    struct near near;
    for (int i = 0; i < LOOK_BACK; i++)
        near.cost[i] = near.other[i] = INT64_MAX; /* better than nothing */
    const struct qbid_choice_state *x = a->state, *x_end = x + a->cnt;
    const struct qbid_choice_state *y = b->state, *y_end = y + b->cnt;
    uint32_t cnt = 0;
    while (x < x_end && y < y_end) {
        bool second = state_before(y, x);
        const struct qbid_choice_state *first = second ? y : x;
        cnt = state_keep(loose, &near, first, kept, cnt);
        x += !second;
        y += second;
    }
    for (; x < x_end; x++)
        cnt = state_keep(loose, &near, x, kept, cnt);
    for (; y < y_end; y++)
        cnt = state_keep(loose, &near, y, kept, cnt);
    return cnt;
}

/* The states of `from` that may depart by a way, with it -> s->shifted. There is room for all. */
static void states_shift(struct qbid_choice_run *s, const struct qbid_choice_list *from,
                         const struct qbid_choice_way *way)
{
    double most = s->most + s->slack;
    uint32_t cnt = 0, nodes = s->node_cnt;
    for (uint32_t i = 0; i < from->cnt; i++) {
        const struct qbid_choice_state *state = &from->state[i];
        struct qbid_choice_state *to = &s->shifted.state[cnt];
        double loss = state->loss + way->loss;
        bool may = loss <= most;
        if (__builtin_expect(nodes == NODES_MAX, 0)) {
            s->lost = may ? fmin(s->lost, loss) : s->lost;
            continue;
        }
        for (int c = 0; c < QBID_CHOICE_COORDINATES; c++)
            to->by[c] = state->by[c] + way->by[c];
        to->loss = loss;
        to->node = nodes;
        s->node[nodes] = (struct qbid_choice_node){state->node, way->group, way->item};
        nodes += may;
        cnt += may;
    }
    s->node_cnt = nodes;
    s->made += cnt;
    s->shifted.cnt = cnt;
}

/* list and from shifted by a way, merged -> s->other -> list. from may be list. */
static int way_merge(struct qbid_choice_run *s, struct qbid_choice_list *list,
                     const struct qbid_choice_list *from, const struct qbid_choice_way *way)
{
    int err = room_make(&s->shifted, from->cnt);
    err = err ? err : room_make(&s->other, list->cnt + from->cnt);
    err = err ? err : nodes_make(s, from->cnt);
    if (err)
        return err;
    states_shift(s, from, way);
    if (s->shifted.cnt == 0)
        return 0;
    s->other.cnt = s->loose ? states_merge(true, list, &s->shifted, s->other.state)
                            : states_merge(false, list, &s->shifted, s->other.state);
    struct qbid_choice_list swap = *list;
    *list = s->other;
    s->other = swap;
    return 0;
}

/* --- lists that are too long */

static uint32_t bin_of(double loss, double scale)
{
    double bin = loss * scale;
    return bin < BINS - 1 ? (uint32_t)bin : BINS - 1;
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

/* The loss that would stand at `at` if the list were in order of losses, which are 0 to about
 * s->most: found among those of one bin, so that most of them are looked at without a comparison
 * that cannot be foretold. */
static double loss_at(struct qbid_choice_run *s, const struct qbid_choice_list *list, uint32_t at)
{
    uint32_t held[BINS] = {0}, bin = 0, cnt = 0;
    double scale = s->most > 0 ? (BINS - 1) / s->most : 0;
    for (uint32_t i = 0; i < list->cnt; i++)
        held[bin_of(list->state[i].loss, scale)]++;
    for (; at >= held[bin]; bin++)
        at -= held[bin];
    for (uint32_t i = 0; i < list->cnt; i++) {
        s->order[cnt] = list->state[i].loss;
        cnt += bin_of(list->state[i].loss, scale) == bin;
    }
    return select_at(s->order, cnt, at);
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
    double most = loss_at(s, list, s->state_max);
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
        list->state[kept] = list->state[i];
        kept += keep;
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
        for (uint32_t w = core->first; w < core->end && !err; w++)
            err = way_merge(s, list, several ? &from : list, &s->way[w]);
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
    free(s->shifted.state);
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
