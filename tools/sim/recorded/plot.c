/* SPDX-License-Identifier: Apache-2.0 */
/* The plot of the recorded replays: a panel by log, expected clicks by budget against hindsight's.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/sim/recorded/report.h"

#define print qbid_replay_buffer_print

#define COLUMNS 2
#define PANEL_W 400.0 /* with its labels */
#define PANEL_H 300.0
#define LEFT 52.0 /* of a panel, to its axes */
#define RIGHT 16.0
#define TOP 40.0
#define BOTTOM 44.0
#define LEGEND_H 40.0

static const char *const colour[QBID_RECORDED_STRATEGIES] = {
    "#8a9199", "#b8860b", "#2e8b57", "#8a4fa3", "#1b6ca8", "#c8443a", "#20262c"};

/* Place of a panel, and what its axis begins with. */
struct panel {
    double x, y;
    double low; /* share of hindsight's clicks at the lower end; 1 at the upper */
};

static double at_x(const struct qbid_recorded_report *r, const struct panel *p, uint32_t budget)
{
    double width = PANEL_W - LEFT - RIGHT;
    return p->x + LEFT + (r->fraction_cnt > 1 ? budget * width / (r->fraction_cnt - 1) : width / 2);
}

static double at_y(const struct panel *p, double share)
{
    double part = fmin(fmax((share - p->low) / (1 - p->low), 0), 1);
    return p->y + TOP + (1 - part) * (PANEL_H - TOP - BOTTOM);
}

static double share_of(const struct qbid_recorded_match *m, int strategy)
{
    double all = m->standing[QBID_RECORDED_S_HINDSIGHT].sum.expected;
    return all > 0 ? m->standing[strategy].sum.expected / all : 0;
}

/* The lower end: a tenth below which no strategy falls, 0.9 at most. */
static double low_of(const struct qbid_recorded_report *r, const struct qbid_recorded_entry *e)
{
    double low = 0.95;
    for (uint32_t f = 0; f < r->fraction_cnt; f++)
        for (int s = 0; s < QBID_RECORDED_S_HINDSIGHT; s++)
            low = fmin(low, share_of(&e->match[f], s));
    return fmax(floor(low * 10) / 10, 0);
}

static void grid_draw(struct qbid_replay_buffer *out, const struct qbid_recorded_report *r,
                      const struct panel *p)
{
    int low = (int)lround(p->low * 10), step = low < 5 ? 2 : 1;
    for (int tenth = 10; tenth >= low; tenth -= step) {
        double y = at_y(p, tenth / 10.0);
        print(out,
              "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#d8dce0\"/>"
              "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%d %%</text>\n",
              p->x + LEFT, y, p->x + PANEL_W - RIGHT, y, p->x + LEFT - 6, y + 4, tenth * 10);
    }
    for (uint32_t f = 0; f < r->fraction_cnt; f++)
        print(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%u/%u</text>\n",
              at_x(r, p, f), p->y + PANEL_H - BOTTOM + 18, r->fraction[f].part,
              r->fraction[f].over);
}

static void line_draw(struct qbid_replay_buffer *out, const struct qbid_recorded_report *r,
                      const struct qbid_recorded_entry *e, const struct panel *p, int strategy)
{
    double width = strategy == QBID_RECORDED_S_OURS ? 3 : 1.5;
    print(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%.1f\" points=\"",
          colour[strategy], width);
    for (uint32_t f = 0; f < r->fraction_cnt; f++)
        print(out, "%s%.1f,%.1f", f ? " " : "", at_x(r, p, f),
              at_y(p, share_of(&e->match[f], strategy)));
    print(out, "\"/>\n");
    for (uint32_t f = 0; f < r->fraction_cnt; f++)
        print(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\"/>\n", at_x(r, p, f),
              at_y(p, share_of(&e->match[f], strategy)), width + 0.5, colour[strategy]);
}

/* The end of a path, which tells logs apart, as text of an XML element. */
static void title_draw(struct qbid_replay_buffer *out, const char *path, const struct panel *p)
{
    const char *from = path + strlen(path);
    for (int slashes = 0; from > path && slashes < 2; from--)
        slashes += from[-1] == '/';
    from += *from == '/';
    print(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"13\">",
          p->x + (LEFT + PANEL_W - RIGHT) / 2, p->y + TOP - 14);
    for (; *from; from++) {
        if (strchr("<>&", *from) || (unsigned char)*from < ' ')
            print(out, "&#%d;", (unsigned char)*from < ' ' ? '?' : *from);
        else
            qbid_replay_buffer_add(out, from, 1);
    }
    print(out, "</text>\n");
}

static void legend_draw(struct qbid_replay_buffer *out, double y)
{
    for (int s = 0; s < QBID_RECORDED_S_HINDSIGHT; s++) {
        double x = LEFT + s * 116.0;
        print(out,
              "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
              "stroke-width=\"3\"/><text x=\"%.1f\" y=\"%.1f\">%s</text>\n",
              x, y, x + 24, y, colour[s], x + 30, y + 4,
              s == QBID_RECORDED_S_OURS
                  ? "qbid"
                  : qbid_recorded_strategy_name((enum qbid_recorded_strategy)s));
    }
}

void qbid_recorded_report_svg(struct qbid_replay_buffer *out,
                              const struct qbid_recorded_report *report)
{
    uint32_t panels = 0;
    for (uint32_t i = 0; i < report->cnt; i++)
        panels += report->entry[i].format != QBID_RECORDED_BIDS;
    double width = COLUMNS * PANEL_W;
    double height = (panels + COLUMNS - 1) / COLUMNS * PANEL_H + LEGEND_H + TOP;
    print(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
        "viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#20262c\">\n"
        "<rect width=\"%.0f\" height=\"%.0f\" fill=\"#ffffff\"/>\n"
        "<text x=\"%.0f\" y=\"26\" text-anchor=\"middle\" font-size=\"16\">Expected clicks by "
        "budget (part of what all auctions cost), as parts of the hindsight optimum</text>\n",
        width, height, width, height, width, height, width / 2);
    uint32_t at = 0;
    for (uint32_t i = 0; i < report->cnt; i++) {
        const struct qbid_recorded_entry *e = &report->entry[i];
        if (e->format == QBID_RECORDED_BIDS)
            continue;
        struct panel p = {at % COLUMNS * PANEL_W, TOP + at / COLUMNS * PANEL_H, low_of(report, e)};
        at++;
        title_draw(out, e->path, &p);
        grid_draw(out, report, &p);
        for (int s = 0; s < QBID_RECORDED_S_HINDSIGHT; s++)
            line_draw(out, report, e, &p, s);
    }
    legend_draw(out, height - LEGEND_H / 2);
    print(out, "</svg>\n");
}
