/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of cells to nodes, the two fits, and the judging of both before each. */
#include "control/learn/rates/estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/rates/decay.h"
#include "shm/dims.h"
#include "shm/error.h"

#define SWEEPS_COLD 30
#define SWEEPS_WARM 3
#define SWEEPS_TOLERANCE 1e-4
#define CAPACITY_MIN 64
#define INTERACTION_FIT_VALUES 1024 /* that the strength of an interaction is fitted on */
#define INTERACTION_DIFFERS 0.01    /* an interaction that is nearer to 1 is not looked up */
#define INTERACTION_JOINS 0.75      /* numbers by cell, at most */
#define IDLE_TURNS 4
#define USUAL_SD 0.15  /* of log effects of a dimension's values: ALGORITHMS 2.1 has 0.05 to 0.4 */
#define AHEAD 8        /* nodes whose parents are fetched while one is looked at */
#define COUNT_MIN 1e-6 /* less that is new is arithmetic */
#define GROWN 1.1      /* so many times the successes of the last search call for a new one */

static void dim_done(struct qbid_effects_dim *dim)
{
    free(dim->ratio);
    free(dim->successes);
    free(dim->exposed);
}

void qbid_estimate_done(struct qbid_estimate *e)
{
    for (uint32_t d = 0; d < QBID_TREE_DEPTH_MAX; d++) {
        free(e->level[d].cells);
        free(e->place[d]);
        free(e->of[d]);
        free(e->node[d]);
        free(e->expected[d]);
        free(e->prior[d]);
    }
    for (uint32_t d = 0; d < QBID_TREE_DIMS_MAX; d++)
        dim_done(&e->dim[d]);
    for (uint32_t p = 0; p < QBID_INTERACTIONS_MAX; p++)
        dim_done(&e->interaction[p]);
    free(e->trials);
    free(e->successes);
    free(e->own);
    free(e->differs);
    qbid_contest_done(&e->contest);
    *e = (struct qbid_estimate){0};
}

/* Grow an array of the given element size; the new part is zero. */
static int grow(void *array, size_t size, uint32_t from, uint32_t to)
{
    void *old, *grown;
    memcpy(&old, array, sizeof old);
    grown = realloc(old, (size_t)to * size);
    if (!grown)
        return QBID_ERR_NOMEM;
    memset((char *)grown + (size_t)from * size, 0, (size_t)(to - from) * size);
    memcpy(array, &grown, sizeof grown);
    return 0;
}

static uint32_t capacity_for(uint32_t capacity, uint32_t cnt)
{
    capacity = capacity ? capacity : CAPACITY_MIN;
    while (capacity < cnt)
        capacity *= 2;
    return capacity;
}

static int cells_room(struct qbid_estimate *e, uint32_t cnt)
{
    uint32_t from = e->cell_capacity, to = capacity_for(from, cnt);
    if (from && from >= cnt)
        return 0;
    if (grow(&e->trials, sizeof *e->trials, from, to) ||
        grow(&e->successes, sizeof *e->successes, from, to))
        return QBID_ERR_NOMEM;
    e->cell_capacity = to;
    return 0;
}

static int nodes_room(struct qbid_estimate *e, uint32_t depth, uint32_t cnt)
{
    uint32_t from = e->capacity[depth], to = capacity_for(from, cnt);
    if (from && from >= cnt)
        return 0;
    if (grow(&e->level[depth].cells, sizeof *e->level[depth].cells, from, to) ||
        grow(&e->place[depth], sizeof *e->place[depth], from, to) ||
        grow(&e->of[depth], sizeof *e->of[depth], from, to) ||
        grow(&e->node[depth], sizeof *e->node[depth], from, to) ||
        grow(&e->expected[depth], sizeof *e->expected[depth], from, to) ||
        grow(&e->prior[depth], sizeof *e->prior[depth], from, to))
        return QBID_ERR_NOMEM;
    e->capacity[depth] = to;
    return 0;
}

static int dim_room(struct qbid_effects_dim *dim, uint32_t value_cnt)
{
    uint32_t from = dim->value_cnt;
    if (value_cnt <= from)
        return 0;
    if (grow(&dim->ratio, sizeof(double), from, value_cnt) ||
        grow(&dim->successes, sizeof(double), from, value_cnt) ||
        grow(&dim->exposed, sizeof(double), from, value_cnt))
        return QBID_ERR_NOMEM;
    for (uint32_t v = from; v < value_cnt; v++)
        dim->ratio[v] = 1;
    dim->value_cnt = value_cnt;
    return 0;
}

struct qbid_effects_dim *qbid_estimate_dim(struct qbid_estimate *e, const struct qbid_tree *tree,
                                           uint32_t d, uint32_t value_cnt)
{
    if (d >= tree->dim_cnt)
        return NULL;
    e->dim_cnt = tree->dim_cnt;
    return dim_room(&e->dim[d], value_cnt) ? NULL : &e->dim[d];
}

/* Of a campaign or line item with the values of a single dimension. */
static bool interaction_of_one(const struct qbid_tree *tree, uint32_t p)
{
    for (uint32_t d = 0; d + 1 < tree->dim_cnt; d++)
        if (tree->interactions.interaction[p].mask == qbid_dim_mask(tree->dim[d]))
            return true;
    return false;
}

/* Numbers of interactions only come, unless the tree is another one. */
static int interactions_room(struct qbid_estimate *e, const struct qbid_estimate_in *in)
{
    for (uint32_t p = 0; p < in->tree->interactions.cnt; p++) {
        struct qbid_effects_dim *interaction = &e->interaction[p];
        if (in->anew) {
            dim_done(interaction);
            *interaction = (struct qbid_effects_dim){.strength = interaction->strength};
        }
        interaction->fit_max = INTERACTION_FIT_VALUES;
        if (interaction_of_one(in->tree, p))
            interaction->usual_sd = USUAL_SD;
        if (dim_room(interaction, in->tree->interactions.interaction[p].value_cnt))
            return QBID_ERR_NOMEM;
    }
    return 0;
}

static int room(struct qbid_estimate *e, const struct qbid_estimate_in *in)
{
    const struct qbid_tree *tree = in->tree;
    int err = cells_room(e, tree->cell_cnt);
    for (uint32_t d = 0; d < tree->depth_cnt && !err; d++)
        err = nodes_room(e, d, tree->depth[d].cnt);
    for (uint32_t d = 0; d < tree->dim_cnt && !err; d++) {
        uint32_t values = tree->dim[d] == QBID_DIM_CNT ? tree->line_item_max + 1
                                                       : qbid_dim_index_max(tree->dim[d]) + 1;
        if (!qbid_estimate_dim(e, tree, d, values))
            err = QBID_ERR_NOMEM;
        if (tree->dim[d] != QBID_DIM_CNT)
            e->dim[d].usual_sd = USUAL_SD;
    }
    if (!err)
        err = interactions_room(e, in);
    if (!err && e->line_item_max < tree->line_item_max + 1) {
        err = grow(&e->own, sizeof *e->own, e->line_item_max, tree->line_item_max + 1);
        if (!err)
            err = grow(&e->differs, sizeof *e->differs, e->line_item_max, tree->line_item_max + 1);
        if (!err)
            e->line_item_max = tree->line_item_max + 1;
    }
    return err;
}

double qbid_estimate_ratios(const struct qbid_estimate *e, const struct qbid_tree *tree,
                            uint64_t context, uint64_t mask)
{
    double product = 1;
    for (uint32_t d = 0; d + 1 < tree->dim_cnt; d++)
        if (mask & qbid_dim_mask(tree->dim[d]))
            product *= e->dim[d].ratio[qbid_dim_unpack(context, tree->dim[d])];
    return product;
}

double qbid_estimate_interactions(const struct qbid_estimate *e, const struct qbid_tree *tree,
                                  uint32_t line_item_idx, uint64_t context, uint64_t mask)
{
    double product = 1;
    if (line_item_idx >= tree->line_item_max || line_item_idx >= e->line_item_max)
        return 1;
    for (uint64_t bits = e->differs[line_item_idx]; bits; bits &= bits - 1) {
        uint32_t p = (uint32_t)__builtin_ctzll(bits);
        const struct qbid_interaction *interaction = &tree->interactions.interaction[p];
        if (interaction->mask & ~mask)
            continue;
        uint32_t i = qbid_interaction_find(interaction, context, tree->campaign_of[line_item_idx],
                                           line_item_idx);
        product *= i < e->interaction[p].value_cnt ? e->interaction[p].ratio[i] : 1;
    }
    return product;
}

/* The same of a cell. Ratios of interactions whose strength is infinite are all 1. */
static double cell_interactions(const struct qbid_estimate *e, const struct qbid_tree *tree,
                                uint32_t cell)
{
    double product = 1;
    for (uint32_t p = 0; p < tree->interactions.cnt; p++) {
        if (isinf(e->interaction[p].strength))
            continue;
        uint32_t i = tree->interactions.interaction[p].index[cell];
        product *= i < e->interaction[p].value_cnt ? e->interaction[p].ratio[i] : 1;
    }
    return product;
}

struct qbid_estimate_rate qbid_estimate_rate(const struct qbid_estimate *e,
                                             const struct qbid_tree *tree,
                                             enum qbid_contest_way way, uint32_t depth,
                                             uint32_t node, double above)
{
    const struct qbid_tree_depth *d = &tree->depth[depth];
    uint32_t place = e->place[depth][node];
    if (way == QBID_CONTEST_TREE) {
        double rate = place == QBID_TREE_NONE ? above : e->level[depth].cells[place].rate;
        return (struct qbid_estimate_rate){rate, rate};
    }
    if (depth < QBID_TREE_CONTEXT)
        return (struct qbid_estimate_rate){e->own[d->id[node]], e->own[d->id[node]]};
    if (place != QBID_TREE_NONE)
        return (struct qbid_estimate_rate){e->node[depth][place].mean *
                                               e->node[depth][place].factor,
                                           e->own[d->id[node]] * e->node[depth][place].factor};
    uint64_t mask = tree->level_mask[tree->depth_cnt - 1 - depth];
    return (struct qbid_estimate_rate){
        above * qbid_estimate_ratios(e, tree, d->context[node], mask) *
            qbid_estimate_interactions(e, tree, d->id[node], d->context[node], mask),
        above};
}

/* What the last fit would have said of a cell that may be new since. */
static void cell_judge(const struct qbid_estimate *e, const struct qbid_tree *tree, uint32_t i,
                       double trials, double successes, double loss[QBID_CONTEST_WAYS])
{
    uint32_t depth = tree->leaf[i].depth, node = tree->leaf[i].node, place = QBID_TREE_NONE;
    bool here = true;
    for (;; here = false, node = tree->depth[depth--].parent[node]) {
        place = node < e->node_cnt[depth] ? e->place[depth][node] : QBID_TREE_NONE;
        if (place != QBID_TREE_NONE || depth == 0)
            break;
    }
    if (place == QBID_TREE_NONE)
        return;
    uint32_t idx = tree->index[tree->dim_cnt - 1][i];
    double rate[QBID_CONTEST_WAYS], ratios = cell_interactions(e, tree, i);
    for (uint32_t d = 0; d + 1 < tree->dim_cnt; d++)
        ratios *= e->dim[d].ratio[tree->index[d][i]];
    rate[QBID_CONTEST_TREE] = e->level[depth].cells[place].rate;
    rate[QBID_CONTEST_EFFECTS] = e->own[idx] * ratios;
    if (depth >= QBID_TREE_CONTEXT) {
        const struct qbid_estimate_node *n = &e->node[depth][place];
        rate[QBID_CONTEST_EFFECTS] = n->factor * (here ? n->mean : e->own[idx] * ratios);
    }
    for (unsigned way = 0; way < QBID_CONTEST_WAYS; way++)
        loss[way] += qbid_contest_loss(rate[way], trials, successes);
}

/* Take the cells' counts; where the last fit still applies, judge it by what is new in them. */
static int cells_count(struct qbid_estimate *e, const struct qbid_estimate_in *in)
{
    const struct qbid_tree *tree = in->tree;
    bool judge =
        e->level[0].cell_cnt > 0 && !in->anew && !in->keep && e->half_life_s == in->half_life_s;
    double left = qbid_decay_left(in->half_life_s, e->at_s, in->now_s);
    double whole[QBID_CONTEST_WAYS] = {0};
    for (uint32_t i = 0; i < tree->cell_cnt; i++) {
        double trials = 0, successes = 0;
        if (tree->leaf[i].node != QBID_TREE_NONE)
            in->count(in->context, &in->cells->cell[i], in->now_s, &trials, &successes);
        double before = i < e->cell_cnt ? e->trials[i] * left : 0;
        double before_successes = i < e->cell_cnt ? e->successes[i] * left : 0;
        double n = fmax(trials - before, 0), c = fmax(successes - before_successes, 0);
        e->trials[i] = trials;
        e->successes[i] = successes;
        if (!judge || tree->leaf[i].node == QBID_TREE_NONE || n + c < COUNT_MIN)
            continue;
        uint32_t idx = tree->index[tree->dim_cnt - 1][i];
        if (idx >= e->line_item_max || e->own[idx] <= 0)
            continue;
        struct qbid_contest_entry *entry = qbid_contest_touch(&e->contest, tree->campaign_of[idx]);
        if (!entry)
            return QBID_ERR_NOMEM;
        double loss[QBID_CONTEST_WAYS] = {0};
        cell_judge(e, tree, i, n, c, loss);
        qbid_contest_add(entry, in->now_s, loss);
        for (unsigned way = 0; way < QBID_CONTEST_WAYS; way++)
            whole[way] += loss[way];
    }
    struct qbid_contest_entry *account = qbid_contest_touch(&e->contest, QBID_CONTEST_ACCOUNT);
    if (!account)
        return QBID_ERR_NOMEM;
    if (judge)
        qbid_contest_add(account, in->now_s, whole);
    e->cell_cnt = tree->cell_cnt;
    e->at_s = in->now_s;
    e->half_life_s = in->half_life_s;
    return 0;
}

/* Nodes that have trials of their own or below, in the tree's order. The root always has a place.
 */
static void nodes_place(struct qbid_estimate *e, const struct qbid_tree *tree)
{
    for (uint32_t d = 0; d < tree->depth_cnt; d++)
        memset(e->place[d], 0, tree->depth[d].cnt * sizeof *e->place[d]);
    for (uint32_t i = 0; i < tree->cell_cnt; i++)
        if (tree->leaf[i].node != QBID_TREE_NONE && e->trials[i] > 0)
            e->place[tree->leaf[i].depth][tree->leaf[i].node] = 1;
    for (uint32_t d = tree->depth_cnt; d-- > 1;)
        for (uint32_t i = 0; i < tree->depth[d].cnt; i++)
            e->place[d - 1][tree->depth[d].parent[i]] |=
                e->place[d][i] | (d <= QBID_TREE_LINE_ITEM);
    for (uint32_t d = 0; d < tree->depth_cnt; d++) {
        struct qbid_rates_level *level = &e->level[d];
        level->cell_cnt = 0;
        e->node_cnt[d] = tree->depth[d].cnt;
        for (uint32_t i = 0; i < tree->depth[d].cnt; i++) {
            if (!e->place[d][i] && d > QBID_TREE_LINE_ITEM) {
                e->place[d][i] = QBID_TREE_NONE;
                continue;
            }
            e->place[d][i] = level->cell_cnt;
            e->of[d][level->cell_cnt] = i;
            level->cells[level->cell_cnt++] = (struct qbid_rates_cell){
                .parent = d ? e->place[d - 1][tree->depth[d].parent[i]] : 0};
        }
    }
}

/* Counts of the cells to their nodes, and from there up. */
static void nodes_count(struct qbid_estimate *e, const struct qbid_tree *tree)
{
    nodes_place(e, tree);
    for (uint32_t i = 0; i < tree->cell_cnt; i++) {
        if (tree->leaf[i].node == QBID_TREE_NONE || !(e->trials[i] > 0))
            continue;
        uint32_t depth = tree->leaf[i].depth, place = e->place[depth][tree->leaf[i].node];
        e->level[depth].cells[place].trials += e->trials[i];
        e->level[depth].cells[place].successes += e->successes[i];
    }
    for (uint32_t d = tree->depth_cnt; d-- > 1;) {
        for (uint32_t i = 0; i < e->level[d].cell_cnt; i++) {
            const struct qbid_rates_cell *cell = &e->level[d].cells[i];
            struct qbid_rates_cell *parent = &e->level[d - 1].cells[cell->parent];
            parent->trials += cell->trials;
            parent->successes += cell->successes;
        }
    }
}

/* The last fit's strengths are where the next one starts. While data are few each tick's can be far
 * from them: they are searched for anew then. */
static int tree_fit(struct qbid_estimate *e, const struct qbid_estimate_in *in)
{
    uint32_t depths = in->tree->depth_cnt;
    nodes_count(e, in->tree);
    double successes = e->level[0].cells[0].successes;
    bool restored = e->strength[0] > 0 && !(e->searched > 0);
    bool search = !in->keep && !restored && successes > e->searched * GROWN;
    if (search || restored)
        e->searched = successes;
    for (uint32_t d = 0; d < depths; d++) {
        e->level[d].strength = search ? 0 : e->strength[d];
        e->level[d].fixed = in->keep && e->strength[d] > 0;
    }
    int err = qbid_rates_fit(e->level, depths, in->prior);
    for (uint32_t d = 0; d < depths && !err; d++)
        e->strength[d] = e->level[d].strength;
    return err;
}

/* A line item's rate in the tree, by its index. */
static void own_begin(struct qbid_estimate *e, const struct qbid_tree *tree)
{
    const struct qbid_tree_depth *items = &tree->depth[QBID_TREE_LINE_ITEM];
    memset(e->own, 0, e->line_item_max * sizeof *e->own);
    for (uint32_t i = 0; i < items->cnt; i++)
        e->own[items->id[i]] =
            e->level[QBID_TREE_LINE_ITEM].cells[e->place[QBID_TREE_LINE_ITEM][i]].rate;
}

/* Parts in which nothing differed are looked at again in turns; those that join hardly any cells
 * say nothing that nodes do not. */
static bool interaction_counts(const struct qbid_estimate *e, const struct qbid_tree *tree,
                               uint32_t p)
{
    return tree->interactions.interaction[p].value_cnt < INTERACTION_JOINS * tree->cell_cnt &&
           (!isinf(e->interaction[p].strength) || (e->fits + p) % IDLE_TURNS == 0);
}

static void interaction_rest(struct qbid_effects_dim *interaction)
{
    for (uint32_t i = 0; i < interaction->value_cnt && !isinf(interaction->strength); i++)
        interaction->ratio[i] = 1;
    interaction->strength = INFINITY;
}

/* The cells that have trials, as a table of their own: a copy, unless they are all that there are.
 */
struct seen {
    uint32_t *cell; /* of each; NULL = all cells */
    uint32_t *copy; /* of indices, the interactions' behind the dimensions' */
    const uint32_t *index[QBID_EFFECTS_DIMS_MAX];
    double *exposed, *successes, *fitted;
    struct qbid_effects_dim *dim[QBID_EFFECTS_DIMS_MAX];
    uint32_t dim_cnt;
    uint32_t cnt;
};

static void seen_done(struct seen *seen)
{
    free(seen->cell);
    free(seen->copy);
    free(seen->exposed);
}

static uint32_t seen_cell(const struct seen *seen, uint32_t i)
{
    return seen->cell ? seen->cell[i] : i;
}

/* One more factor of the cells. */
static void seen_add(struct seen *seen, struct qbid_effects_dim *dim, const uint32_t *index)
{
    seen->index[seen->dim_cnt] = index;
    if (seen->cell) {
        uint32_t *own = seen->copy + seen->dim_cnt * ((size_t)seen->cnt + 1);
        for (uint32_t i = 0; i < seen->cnt; i++)
            own[i] = index[seen->cell[i]];
        seen->index[seen->dim_cnt] = own;
    }
    seen->dim[seen->dim_cnt++] = dim;
}

static bool cell_seen(const struct qbid_estimate *e, const struct qbid_tree *tree, uint32_t i)
{
    return tree->leaf[i].node != QBID_TREE_NONE && tree->leaf[i].depth >= QBID_TREE_CONTEXT &&
           e->trials[i] > 0;
}

/* Which cells there are, and room for what is copied of them. */
static int seen_begin(const struct qbid_estimate *e, const struct qbid_tree *tree,
                      struct seen *seen)
{
    uint32_t dims = tree->dim_cnt;
    for (uint32_t i = 0; i < tree->cell_cnt; i++)
        seen->cnt += cell_seen(e, tree, i);
    size_t room = (size_t)seen->cnt + 1;
    seen->exposed = malloc(room * 3 * sizeof *seen->exposed);
    if (!seen->exposed)
        return QBID_ERR_NOMEM;
    seen->successes = seen->exposed + room;
    seen->fitted = seen->successes + room;
    if (seen->cnt == tree->cell_cnt)
        return 0;
    for (uint32_t p = 0; p < tree->interactions.cnt; p++)
        dims += interaction_counts(e, tree, p);
    seen->cell = malloc(room * sizeof *seen->cell);
    seen->copy = malloc(room * dims * sizeof *seen->copy);
    if (!seen->cell || !seen->copy)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0, at = 0; i < tree->cell_cnt; i++)
        if (cell_seen(e, tree, i))
            seen->cell[at++] = i;
    return 0;
}

static int seen_make(struct qbid_estimate *e, const struct qbid_tree *tree, struct seen *ret_seen)
{
    struct seen seen = {0};
    int err = seen_begin(e, tree, &seen);
    if (err) {
        seen_done(&seen);
        return err;
    }
    const uint32_t *line_item = tree->index[tree->dim_cnt - 1];
    for (uint32_t i = 0; i < seen.cnt; i++) {
        uint32_t cell = seen_cell(&seen, i);
        seen.exposed[i] = e->trials[cell] * e->own[line_item[cell]];
        seen.successes[i] = e->successes[cell];
    }
    for (uint32_t d = 0; d < tree->dim_cnt; d++)
        seen_add(&seen, &e->dim[d], tree->index[d]);
    for (uint32_t p = 0; p < tree->interactions.cnt; p++)
        if (interaction_counts(e, tree, p))
            seen_add(&seen, &e->interaction[p], tree->interactions.interaction[p].index);
        else
            interaction_rest(&e->interaction[p]);
    *ret_seen = seen;
    return 0;
}

/* Which interactions are worth a look: those of a line item or its campaign that differ somewhere.
 */
static int differs_mark(struct qbid_estimate *e, const struct qbid_tree *tree)
{
    const struct qbid_tree_depth *campaigns = &tree->depth[QBID_TREE_CAMPAIGN];
    const struct qbid_tree_depth *items = &tree->depth[QBID_TREE_LINE_ITEM];
    uint64_t *campaign = calloc((size_t)campaigns->cnt + 1, sizeof *campaign);
    if (!campaign)
        return QBID_ERR_NOMEM;
    memset(e->differs, 0, e->line_item_max * sizeof *e->differs);
    for (uint32_t p = 0; p < tree->interactions.cnt; p++) {
        const struct qbid_interaction *interaction = &tree->interactions.interaction[p];
        for (uint32_t i = 0; i < interaction->map.capacity && isfinite(e->interaction[p].strength);
             i++) {
            const struct qbid_keymap_entry *entry = &interaction->map.entries[i];
            if (entry->index >= e->interaction[p].value_cnt ||
                fabs(e->interaction[p].ratio[entry->index] - 1) < INTERACTION_DIFFERS)
                continue;
            if (interaction->by_line_item)
                e->differs[entry->id] |= UINT64_C(1) << p;
            else
                campaign[qbid_tree_find(tree, QBID_TREE_CAMPAIGN, 0, entry->id)] |= UINT64_C(1)
                                                                                    << p;
        }
    }
    for (uint32_t i = 0; i < items->cnt; i++)
        e->differs[items->id[i]] |= campaign[items->parent[i]];
    free(campaign);
    return 0;
}

/* Main effects over the cells, each exposed to its trials times its line item's rate in the tree.
 * Cells of context 0 have no values to learn from. What is expected goes to the nodes. */
static int effects_fit(struct qbid_estimate *e, const struct qbid_estimate_in *in)
{
    const struct qbid_tree *tree = in->tree;
    struct seen seen;
    own_begin(e, tree);
    int err = seen_make(e, tree, &seen);
    if (err)
        return err;
    struct qbid_effects_dim dim[QBID_EFFECTS_DIMS_MAX];
    struct qbid_effects_table table = {.dim_cnt = seen.dim_cnt,
                                       .cell_cnt = seen.cnt,
                                       .exposed = seen.exposed,
                                       .successes = seen.successes,
                                       .fitted = seen.fitted};
    for (uint32_t d = 0; d < seen.dim_cnt; d++) {
        table.index[d] = seen.index[d];
        dim[d] = *seen.dim[d];
    }
    uint32_t sweeps = in->keep && e->warm ? 0 : e->warm ? SWEEPS_WARM : SWEEPS_COLD;
    err = qbid_effects_fit(&table, dim, sweeps, SWEEPS_TOLERANCE, &e->base);
    for (uint32_t d = 0; d < seen.dim_cnt; d++)
        *seen.dim[d] = dim[d];
    e->fits++;
    e->dirty = e->dirty || sweeps > 0;
    if (!(e->base > 0))
        e->base = 1;
    const struct qbid_effects_dim *own = &e->dim[tree->dim_cnt - 1];
    for (uint32_t i = 0; i < e->line_item_max && !err; i++)
        e->own[i] *= e->base * own->ratio[i < own->value_cnt ? i : 0];
    for (uint32_t d = QBID_TREE_CONTEXT; d < tree->depth_cnt; d++)
        memset(e->expected[d], 0, e->level[d].cell_cnt * sizeof *e->expected[d]);
    for (uint32_t i = 0; i < seen.cnt; i++) {
        struct qbid_tree_leaf leaf = tree->leaf[seen_cell(&seen, i)];
        e->expected[leaf.depth][e->place[leaf.depth][leaf.node]] += seen.fitted[i];
    }
    seen_done(&seen);
    return err ? err : differs_mark(e, tree);
}

/* What a node's children start from: its own factor without what the child adds. */
static double factor_without(const struct qbid_estimate *e, uint32_t depth, uint32_t node,
                             double expected, double successes)
{
    double prior = e->prior[depth][node];
    double without = fmax(e->expected[depth][node] - expected, 0);
    double seen = fmax(e->level[depth].cells[node].successes - successes, 0);
    return prior * qbid_effects_multiplier(e->node_strength[depth], prior * without, seen);
}

static int depth_factors(struct qbid_estimate *e, uint32_t depth, bool keep)
{
    const struct qbid_rates_level *level = &e->level[depth];
    uint32_t cnt = level->cell_cnt;
    double *expected = malloc((2 * (size_t)cnt + 1) * sizeof *expected), *seen = expected + cnt;
    if (!expected)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < cnt; i++) {
        const struct qbid_rates_cell *cell = &level->cells[i];
        double own = e->expected[depth][i];
        if (depth > QBID_TREE_CONTEXT && cnt - i > AHEAD) {
            uint32_t soon = level->cells[i + AHEAD].parent;
            __builtin_prefetch(&e->level[depth - 1].cells[soon].successes);
            __builtin_prefetch(&e->expected[depth - 1][soon]);
            __builtin_prefetch(&e->prior[depth - 1][soon]);
        }
        e->prior[depth][i] = depth > QBID_TREE_CONTEXT
                                 ? factor_without(e, depth - 1, cell->parent, own, cell->successes)
                                 : 1;
        expected[i] = own * e->prior[depth][i];
        seen[i] = cell->successes;
    }
    if (!keep || !(e->node_strength[depth] > 0))
        e->node_strength[depth] = qbid_effects_strength(expected, seen, cnt);
    for (uint32_t i = 0; i < cnt; i++) {
        double multiplier = qbid_effects_multiplier(e->node_strength[depth], expected[i], seen[i]);
        e->node[depth][i] =
            (struct qbid_estimate_node){.mean = e->expected[depth][i] / level->cells[i].trials,
                                        .factor = e->prior[depth][i] * multiplier};
    }
    free(expected);
    return 0;
}

/* Expected successes up the contexts, factors down. */
static int nodes_fit(struct qbid_estimate *e, const struct qbid_estimate_in *in)
{
    uint32_t depths = in->tree->depth_cnt;
    for (uint32_t d = depths; d-- > QBID_TREE_CONTEXT + 1;)
        for (uint32_t i = 0; i < e->level[d].cell_cnt; i++)
            e->expected[d - 1][e->level[d].cells[i].parent] += e->expected[d][i];
    int err = 0;
    for (uint32_t d = QBID_TREE_CONTEXT; d < depths && !err; d++)
        err = depth_factors(e, d, in->keep);
    return err;
}

int qbid_estimate_fit(struct qbid_estimate *estimate, const struct qbid_estimate_in *in)
{
    int err = room(estimate, in);
    if (!err)
        err = cells_count(estimate, in);
    if (!err)
        err = tree_fit(estimate, in);
    if (!err)
        err = effects_fit(estimate, in);
    if (!err)
        err = nodes_fit(estimate, in);
    if (!err)
        estimate->warm = true;
    return err;
}
