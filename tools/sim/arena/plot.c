/* SPDX-License-Identifier: Apache-2.0 */
/* Two panels of plain SVG. */
#include "tools/sim/arena/plot.h"

#include <math.h>
#include <stdio.h>

#include "shm/error.h"

#define WIDTH 960
#define HEIGHT 440
#define TOP 56.0
#define BOTTOM 380.0
#define LEFT_FROM 70.0 /* pacing */
#define LEFT_TO 500.0
#define RIGHT_FROM 660.0 /* value */
#define RIGHT_TO 930.0

static const char *const colour[QBID_SIM_STRATEGIES] = {"#1b6ca8", "#c8443a", "#d2691e",
                                                        "#2e8b57", "#8a4fa3", "#b8860b"};

static void text(FILE *f, double x, double y, const char *anchor, int size, const char *words)
{
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\">%s</text>\n", x, y,
            anchor, size, words);
}

static void line(FILE *f, double x1, double y1, double x2, double y2, const char *stroke,
                 double width)
{
    fprintf(f,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
            "stroke-width=\"%.1f\"/>\n",
            x1, y1, x2, y2, stroke, width);
}

/* Part of the budget spent, or of the traffic seen, by the end of a slice; mean of the seeds. */
static double share_at(const struct qbid_sim_match *matches, uint32_t seeds, unsigned s,
                       uint32_t campaigns, unsigned slice, bool traffic)
{
    double sum = 0;
    for (uint32_t i = 0; i < seeds; i++) {
        const struct qbid_sim_result *r = &matches[i].result[s];
        double budget = 0;
        for (uint32_t c = 0; c < campaigns; c++)
            budget += (double)matches[i].task[c].budget_nanos;
        sum += traffic ? r->auctions_by[slice] / r->auctions_by[QBID_SIM_SLICES - 1]
                       : r->spend_by[slice] / budget;
    }
    return sum / seeds;
}

static double x_of(unsigned slice)
{
    return LEFT_FROM + (LEFT_TO - LEFT_FROM) * slice / QBID_SIM_SLICES;
}

static double y_of(double share)
{
    return BOTTOM - (BOTTOM - TOP) * fmin(share, 1.05) / 1.05;
}

static void curve(FILE *f, const struct qbid_sim_match *matches, uint32_t seeds, unsigned s,
                  uint32_t campaigns, bool traffic)
{
    fprintf(f, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s points=\"%.1f,%.1f",
            traffic ? "#3f4a56" : colour[s], traffic ? " stroke-dasharray=\"6 4\"" : "", x_of(0),
            y_of(0));
    for (unsigned i = 0; i < QBID_SIM_SLICES; i++)
        fprintf(f, " %.1f,%.1f", x_of(i + 1),
                y_of(share_at(matches, seeds, s, campaigns, i, traffic)));
    fprintf(f, "\"/>\n");
}

static void pacing_draw(FILE *f, const struct qbid_sim_match_params *params,
                        const struct qbid_sim_match *matches, uint32_t seeds)
{
    char words[32];
    unsigned first = QBID_SIM_STRATEGIES, shown = 0;
    text(f, LEFT_FROM, TOP - 24, "start", 14, "Part of the budget spent, by the hour");
    for (unsigned h = 0; h <= 24; h += 4) {
        double x = x_of(h * QBID_SIM_SLICES / 24);
        snprintf(words, sizeof words, "%u:00", h);
        line(f, x, TOP, x, BOTTOM, "#d8dce0", 1);
        text(f, x, BOTTOM + 18, "middle", 12, words);
    }
    for (unsigned k = 0; k <= 4; k++) {
        snprintf(words, sizeof words, "%u %%", k * 25);
        line(f, LEFT_FROM, y_of(k * 0.25), LEFT_TO, y_of(k * 0.25), "#d8dce0", 1);
        text(f, LEFT_FROM - 8, y_of(k * 0.25) + 4, "end", 12, words);
    }
    for (unsigned s = QBID_SIM_STRATEGIES; s-- > 0;) { /* ours on top */
        if (!(params->strategies >> s & 1))
            continue;
        curve(f, matches, seeds, s, params->market.campaigns, false);
        first = s;
    }
    curve(f, matches, seeds, first, params->market.campaigns, true);
    for (unsigned s = 0; s <= QBID_SIM_STRATEGIES; s++) {
        bool traffic = s == QBID_SIM_STRATEGIES;
        if (!traffic && !(params->strategies >> s & 1))
            continue;
        double y = TOP + 14 + 18 * shown++;
        line(f, LEFT_FROM + 12, y, LEFT_FROM + 34, y, traffic ? "#3f4a56" : colour[s], 2);
        text(f, LEFT_FROM + 40, y + 4, "start", 12,
             traffic ? "traffic (dashed)" : qbid_sim_strategies[s]->name);
    }
}

static void value_draw(FILE *f, const struct qbid_sim_match_params *params,
                       const struct qbid_sim_match *matches, uint32_t seeds)
{
    char words[64];
    unsigned shown = 0;
    double scale = (RIGHT_TO - RIGHT_FROM) / 1.2;
    text(f, RIGHT_FROM - 90, TOP - 24, "start", 14, "Value against the oracle, 95 % interval");
    for (unsigned k = 0; k <= 4; k++) {
        double x = RIGHT_FROM + scale * 0.25 * k;
        snprintf(words, sizeof words, "%.2f", 0.25 * k);
        line(f, x, TOP, x, BOTTOM, "#d8dce0", 1);
        text(f, x, BOTTOM + 18, "middle", 12, words);
    }
    for (unsigned s = 0; s < QBID_SIM_STRATEGIES; s++) {
        if (!(params->strategies >> s & 1))
            continue;
        struct qbid_sim_score k = qbid_sim_score_of(matches, seeds, s, params->market.campaigns);
        double y = TOP + 14 + 52 * shown++, mean = k.to_oracle.mean, half = k.to_oracle.half;
        text(f, RIGHT_FROM - 10, y + 20, "end", 13, qbid_sim_strategies[s]->name);
        fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"30\" fill=\"%s\"/>\n",
                RIGHT_FROM, y, scale * fmin(mean, 1.2), colour[s]);
        line(f, RIGHT_FROM + scale * fmax(mean - half, 0), y + 23,
             RIGHT_FROM + scale * fmin(mean + half, 1.2), y + 23, "#101418", 2);
        snprintf(words, sizeof words, "%.3f", mean);
        text(f, RIGHT_FROM + 6, y + 14, "start", 12, words);
    }
}

int qbid_sim_plot(const char *path, const struct qbid_sim_match_params *params,
                  const struct qbid_sim_match *matches, uint32_t seeds)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return QBID_ERR_SYS;
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "font-family=\"sans-serif\">\n<rect width=\"100%%\" height=\"100%%\" "
            "fill=\"#ffffff\"/>\n",
            WIDTH, HEIGHT);
    pacing_draw(f, params, matches, seeds);
    value_draw(f, params, matches, seeds);
    fprintf(f, "</svg>\n");
    int failed = ferror(f);
    return fclose(f) != 0 || failed ? QBID_ERR_SYS : 0;
}
