/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds a file's impressions, in its order, to the learned models as qbidd would: what a model has
 * not seen is predicted and judged first, then learned. */
#include "tools/sim/models/models.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argp.h>

#include "control/keymap.h"
#include "control/learn/values/learned.h"
#include "shm/error.h"
#include "tools/sim/models/read.h"

#define CELLS_MAX 1000000
#define FTRL_LG 18
#define CAMPAIGN 1
#define RATE_MIN 1e-9
#define Z95 1.959964

struct wanted {
    const char *path;
    uint32_t step; /* impressions between two learn ticks */
    bool trees;
};

/* An account of one line item, and what learns of it. */
struct work {
    struct qbid_campaign_def campaign;
    struct qbid_line_item_def line_item;
    struct qbid_account account;
    struct qbid_cells cells;
    struct qbid_values values;
    struct qbid_learned *learned;
    double impressions, clicks;
    double constant; /* log-loss of the rate so far, with half a click of a hundred before */
    struct judged {
        double loss, more, square; /* sums: log-loss; what it is above the rates', and its square */
    } judged[QBID_LEARNED_MODEL_CNT];
    struct qbid_keymap
        seen; /* impressions by id: one that comes again teaches and judges nothing */
    uint64_t repeated;
    int64_t now_s;
};

static int work_open(struct work *w, const struct wanted *wanted)
{
    uint64_t mask[QBID_LEVEL_MAX] = {0};
    struct qbid_learned_params params = {
        .ftrl = true, .trees = wanted->trees, .ftrl_lg = FTRL_LG, .tree = qbid_trees_defaults()};
    *w = (struct work){
        .campaign = {.id = CAMPAIGN, .active = true, .goal = QBID_GOAL_MAX_CLICKS},
        .line_item = {.id = 1, .campaign_id = CAMPAIGN, .active = true, .ceiling_micros = 3000000}};
    w->account = (struct qbid_account){.campaigns = &w->campaign,
                                       .campaign_cnt = 1,
                                       .line_items = &w->line_item,
                                       .line_item_cnt = 1,
                                       .line_item_max = 1};
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        mask[0] |= qbid_dim_mask(dim);
    mask[1] = qbid_dim_mask(QBID_DIM_EXCHANGE) | qbid_dim_mask(QBID_DIM_SLOT) |
              qbid_dim_mask(QBID_DIM_SITE);
    mask[2] = qbid_dim_mask(QBID_DIM_EXCHANGE);
    params.mask = mask[0];
    qbid_values_init(&w->values, mask);
    int err = qbid_cells_init(&w->cells, CELLS_MAX);
    return err ? err : qbid_learned_new(&params, &w->learned);
}

static void work_done(struct work *w)
{
    qbid_learned_free(w->learned);
    qbid_keymap_done(&w->seen);
    qbid_values_done(&w->values);
    qbid_cells_done(&w->cells);
}

static int tick(struct work *w)
{
    struct qbid_values_in in = {.account = &w->account, .cells = &w->cells};
    int err = w->impressions > 0
                  ? qbid_learned_step(w->learned, &w->account, &w->cells, &w->values, ++w->now_s)
                  : 0;
    return err ? err : qbid_values_fit(&w->values, &in);
}

static double loss_of(double rate, bool clicked)
{
    rate = fmin(fmax(rate, RATE_MIN), 1 - RATE_MIN);
    return clicked ? -log(rate) : -log1p(-rate);
}

static void judge(struct work *w, const struct qbid_models_row *row, double rate)
{
    double rates = loss_of(rate, row->clicked);
    for (unsigned m = 0; m < QBID_LEARNED_MODEL_CNT; m++) {
        double own = w->impressions > 0
                         ? qbid_learned_rate(w->learned, QBID_LEARNED_CTR, m, 0, row->context, rate)
                         : rate;
        double loss = loss_of(own, row->clicked), more = loss - rates;
        w->judged[m].loss += loss;
        w->judged[m].more += more;
        w->judged[m].square += more * more;
    }
    w->constant += loss_of((w->clicks + 0.5) / (w->impressions + 100), row->clicked);
}

static int take(struct work *w, const struct qbid_models_row *row)
{
    if (qbid_keymap_find(&w->seen, row->id, 0) != QBID_KEYMAP_NONE) {
        w->repeated++;
        return 0;
    }
    if (qbid_keymap_add(&w->seen, row->id, 0, 0))
        return QBID_ERR_NOMEM;
    struct qbid_rate_pair rates = qbid_values_rates(&w->values, 0, row->context, 0);
    struct qbid_cell *cell = qbid_cells_touch(&w->cells, 0, row->context, 0);
    if (!cell)
        return QBID_ERR_NOMEM;
    judge(w, row, rates.ctr);
    cell->imps++;
    cell->clicks += row->clicked;
    qbid_learned_post(w->learned, 0, row->context, 1, row->clicked, 0, rates);
    w->impressions++;
    w->clicks += row->clicked;
    return 0;
}

static int run(struct work *w, const struct wanted *wanted, FILE *file, char *why, size_t why_max)
{
    struct qbid_models_row row;
    int got, err = tick(w);
    uint32_t since = 0;
    while (!err && (got = qbid_models_read(file, &row)) != 0) {
        if (got < 0) {
            snprintf(why, why_max,
                     "a line is neither of an iPinYou impression log with clicks "
                     "(tab, 25 columns or more) nor of Avazu's (comma, 24 columns)");
            return got;
        }
        err = take(w, &row);
        if (!err && ++since == wanted->step) {
            since = 0;
            err = tick(w);
        }
    }
    if (!err)
        err = tick(w);
    if (err)
        snprintf(why, why_max, "%s", qbid_strerror(err));
    return err;
}

static void print(const struct work *w, const struct wanted *wanted)
{
    const struct qbid_learned_growth *growth = qbid_learned_growth(w->learned);
    struct qbid_learned_view view = {0};
    (void)qbid_learned_view(w->learned, CAMPAIGN, QBID_LEARNED_CTR, &view);
    printf(
        "{\"data\":\"%s\",\"impressions\":%.0f,\"clicks\":%.0f,\"repeated\":%llu,\"constant\":%.6f,"
        "\"serving\":\"%s\",\"grown\":%llu,\"trees\":\"%s\",\"models\":[",
        wanted->path, w->impressions, w->clicks, (unsigned long long)w->repeated,
        w->constant / fmax(w->impressions, 1), qbid_learned_name(view.serving),
        (unsigned long long)growth->grown,
        growth->why[0]  ? growth->why
        : wanted->trees ? "on"
                        : "off");
    double n = fmax(w->impressions, 1);
    for (unsigned m = 0; m < QBID_LEARNED_MODEL_CNT; m++) {
        const struct judged *j = &w->judged[m];
        double more = j->more / n, error = sqrt(fmax(j->square / n - more * more, 0) / n);
        printf("%s{\"name\":\"%s\",\"loss\":%.6f,\"more\":%.6f,\"half\":%.6f}", m ? "," : "",
               qbid_learned_name(m), j->loss / n, more, Z95 * error);
    }
    printf("]}\n");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct wanted *w = state->input;
    char *end;
    unsigned long step;
    switch (key) {
    case 'd':
        w->path = arg;
        return 0;
    case 's':
        step = strtoul(arg, &end, 10);
        if (end == arg || *end || step < 1 || step > 1000000)
            argp_error(state, "--step: '%s' is not a number from 1 to 1000000", arg);
        w->step = (uint32_t)step;
        return 0;
    case 'T':
        w->trees = false;
        return 0;
    case ARGP_KEY_END:
        if (!w->path)
            argp_error(state, "--data is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int qbid_sim_models(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"data", 'd', "FILE", 0, "impressions with clicks: iPinYou's log or Avazu's", 0},
        {"step", 's', "N", 0, "impressions between two learn ticks (default 200)", 0},
        {"no-trees", 'T', NULL, 0, "without boosted trees", 0},
        {NULL, 0, NULL, 0, NULL, 0}};
    static const struct argp argp = {options,
                                     parse,
                                     NULL,
                                     "The click models on recorded impressions: log-loss of what "
                                     "each predicted before it was told, in nats an impression, "
                                     "and how much more than the hierarchical rates' that is (95 % "
                                     "interval +- half).",
                                     NULL,
                                     NULL,
                                     NULL};
    struct wanted wanted = {.step = 200, .trees = true};
    struct work w;
    char why[256] = "";
    argp_err_exit_status = QBID_SIM_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &wanted);
    FILE *file = fopen(wanted.path, "r");
    if (!file) {
        fprintf(stderr, "%s: --data: %s: %s\n", argv[0], wanted.path, strerror(errno));
        return QBID_SIM_FAILED;
    }
    int err = work_open(&w, &wanted);
    if (err)
        snprintf(why, sizeof why, "%s", qbid_strerror(err));
    else
        err = run(&w, &wanted, file, why, sizeof why);
    fclose(file);
    if (err)
        fprintf(stderr, "%s: --data: %s: %s\n", argv[0], wanted.path, why);
    else
        print(&w, &wanted);
    work_done(&w);
    return err ? QBID_SIM_FAILED : QBID_SIM_OK;
}
