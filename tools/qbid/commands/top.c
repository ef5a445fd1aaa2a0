/* SPDX-License-Identifier: Apache-2.0 */
/* top, snapshot, history: what is happening, once or live. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "tools/qbid/times.h"
#include "tools/qbid/tool.h"

#define PERCENT 100
#define LINES_OTHER 6 /* of top: about the whole, heads, what is left out, reasons, the cursor */

struct options {
    const char *window, *kind;
    long id, max, minutes;
    double delay_s;
    bool once;
};

enum { KEY_MINUTES = 700 };

static void kind_check(const struct argp_state *state, const char *word)
{
    static const char *const kinds[] = {"campaign", "line_item", "creative", "context"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i], word) == 0)
            return;
    argp_error(state, "'%s' is none of campaign, line_item, creative, context", word);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    char *end;
    switch (key) {
    case 'w':
        o->window = arg;
        return 0;
    case 'm':
        o->max = qbid_tool_whole(state, "--max", arg, 1, 10000);
        return 0;
    case 'i':
        o->id = qbid_tool_whole(state, "--id", arg, 1, 4294967294);
        return 0;
    case KEY_MINUTES:
        o->minutes = qbid_tool_whole(state, "--minutes", arg, 1, 5256000);
        return 0;
    case 'd':
        o->delay_s = strtod(arg, &end);
        if (*end || !(o->delay_s >= 0.1 && o->delay_s <= 3600))
            argp_error(state, "--delay is 0.1..3600 seconds");
        return 0;
    case '1':
        o->once = true;
        return 0;
    case ARGP_KEY_ARG:
        if (o->kind)
            argp_error(state, "'%s': one kind is enough", arg);
        kind_check(state, arg);
        o->kind = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void percent_add(struct qbid_columns *columns, const cJSON *stats, const char *name,
                        int digits)
{
    const cJSON *item = qbid_tool_member(stats, name);
    if (cJSON_IsNumber(item))
        qbid_columns_add(columns, "%.*f", digits, PERCENT * item->valuedouble);
    else
        qbid_columns_add(columns, "-");
}

static void stats_add(struct qbid_columns *columns, const cJSON *stats)
{
    static const char *const counts[] = {"bids", "wins", "imps", "clicks", "convs"};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        qbid_columns_add(columns, "%.0f", qbid_tool_number(stats, counts[i]));
    percent_add(columns, stats, "win_rate", 1);
    percent_add(columns, stats, "ctr", 3);
    qbid_columns_add(columns, "%s", qbid_tool_text(stats, "cpm"));
    qbid_columns_add(columns, "%s", qbid_tool_text(stats, "ecpc"));
}

/* Sums of the workers' counters, for rates between two looks. */
struct sums {
    double requests, bids;
};

static struct sums workers_sum(const cJSON *answer)
{
    struct sums sums = {0, 0};
    const cJSON *w;
    cJSON_ArrayForEach(w, qbid_tool_member(answer, "workers"))
    {
        sums.requests += qbid_tool_number(w, "requests");
        sums.bids += qbid_tool_number(w, "bids");
    }
    return sums;
}

/* What a narrow terminal cuts off stands last. At most rows campaigns; 0 = all. */
static void campaigns_print(FILE *out, const cJSON *answer, bool bold, int rows)
{
    static const char *const heads[] = {"ID",   "<NAME", "SPENT",  "LEFT",   "PACE",  "BIDS",
                                        "WINS", "IMPS",  "CLICKS", "CONVS",  "WIN %", "CTR %",
                                        "CPM",  "ECPC",  "<GOAL",  "TARGET", NULL};
    const cJSON *c, *list = qbid_tool_member(answer, "campaigns");
    int left = rows > 0 ? rows : cJSON_GetArraySize(list);
    struct qbid_columns columns;
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(c, list)
    {
        if (left-- == 0)
            break;
        bool running = cJSON_IsTrue(qbid_tool_member(c, "active")) &&
                       strcmp(qbid_tool_text(c, "flight"), "running") == 0;
        qbid_columns_add(&columns, "%.0f", qbid_tool_number(c, "id"));
        qbid_columns_add(&columns, "%.24s%s", qbid_tool_text(c, "name"), running ? "" : " (off)");
        qbid_columns_add(&columns, "%s", qbid_tool_text(c, "spent"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(c, "left"));
        qbid_columns_add(&columns, "%.4g%s", qbid_tool_number(c, "pace"),
                         cJSON_IsTrue(qbid_tool_member(c, "overridden")) ? " (o)" : "");
        stats_add(&columns, qbid_tool_member(c, "stats"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(c, "goal"));
        qbid_columns_add(&columns, "%s", qbid_tool_text(c, "target"));
    }
    qbid_columns_print_or(&columns, out, bold, "there are no campaigns");
    qbid_columns_done(&columns);
    if (c)
        fprintf(out, "and %d more campaigns\n", cJSON_GetArraySize(list) - rows);
}

static void top_print(FILE *out, const struct qbid_tool *tool, const cJSON *answer,
                      const struct sums *before, double seconds, int rows)
{
    const cJSON *reason;
    struct sums now = workers_sum(answer);
    int workers = cJSON_GetArraySize(qbid_tool_member(answer, "workers"));
    fprintf(out, "%s  generation %.0f (%.1f s old)  %d worker%s", qbid_tool_text(answer, "time"),
            qbid_tool_number(answer, "generation"), qbid_tool_number(answer, "generation_age_s"),
            workers, workers == 1 ? "" : "s");
    if (seconds > 0)
        fprintf(out, "  %.0f requests/s  %.0f bids/s", (now.requests - before->requests) / seconds,
                (now.bids - before->bids) / seconds);
    else
        fprintf(out, "  %.0f requests  %.0f bids", now.requests, now.bids);
    fprintf(out, "  last %s, %s\n", qbid_tool_text(answer, "window"),
            qbid_tool_text(answer, "currency"));
    qbid_times_print_answer(out, qbid_tool_member(answer, "latency"));
    campaigns_print(out, answer, tool->colour, rows);
    const char *sign = "no bid: ";
    cJSON_ArrayForEach(reason, qbid_tool_member(answer, "nobid"))
    {
        fprintf(out, "%s%s %.0f", sign, reason->string, reason->valuedouble);
        sign = ", ";
    }
    if (*sign == ',')
        fputc('\n', out);
}

static cJSON *top_ask(struct qbid_tool *tool, const struct options *o, int *ret_exit)
{
    cJSON *request = qbid_tool_request("top");
    cJSON_AddStringToObject(request, "window", o->window);
    return qbid_tool_ask(tool, request, ret_exit);
}

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
    interrupted = signal;
}

/* What fits a terminal of this size: lines are cut at its edge, so that none becomes two. */
static void page_print(const char *text, size_t width)
{
    size_t at = 0; /* code points so far; of a sequence that sets colours none */
    bool escape = false;
    for (; *text; text++) {
        bool follows = (*text & 0xc0) == 0x80;
        escape |= *text == '\033';
        if (*text == '\n')
            at = 0;
        else if (!escape && !follows)
            at++;
        if (escape || at <= width)
            putchar(*text);
        escape &= *text != 'm';
    }
}

static void page_show(const struct qbid_tool *tool, const cJSON *answer, const struct sums *before,
                      double seconds)
{
    struct winsize size = {0};
    char *text = NULL;
    size_t len;
    FILE *page = open_memstream(&text, &len);
    if (!page)
        return;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        size.ws_row = size.ws_col = 0;
    int rows = size.ws_row == 0 ? 0 : size.ws_row > LINES_OTHER ? size.ws_row - LINES_OTHER : 1;
    top_print(page, tool, answer, before, seconds, rows);
    fclose(page);
    fputs("\033[H\033[2J", stdout);
    page_print(text, size.ws_col ? size.ws_col : SIZE_MAX);
    fflush(stdout);
    free(text);
}

static void live_run(struct qbid_tool *tool, const struct options *o, int *ret_exit)
{
    struct sigaction action = {.sa_handler = interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct timespec wait = {(time_t)o->delay_s,
                            (long)((o->delay_s - (double)(time_t)o->delay_s) * 1e9)};
    struct sums before = {0, 0};
    double seconds = 0;
    fputs("\033[?25l", stdout); /* no cursor */
    while (!interrupted) {
        cJSON *answer = top_ask(tool, o, ret_exit);
        if (!answer)
            break;
        page_show(tool, answer, &before, seconds);
        before = workers_sum(answer);
        seconds = o->delay_s;
        cJSON_Delete(answer);
        nanosleep(&wait, NULL);
    }
    fputs("\033[?25h", stdout);
    fflush(stdout);
}

int qbid_tool_top(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"once", '1', NULL, 0, "Print once and end, as without a terminal", 0},
        {"window", 'w', "TIME", 0, "30s, 5min, 1h, 24h or all (5min)", 0},
        {"delay", 'd', "S", 0, "Seconds between two looks (1)", 0},
        {0}};
    const struct argp argp = {
        options, parse, NULL, "Campaigns and workers now; live on a terminal until Ctrl-C.",
        NULL,    NULL,  NULL};
    struct options o = {.window = "5min", .delay_s = 1};
    struct sums none = {0, 0};
    int code = QBID_TOOL_OK;
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    if (o.kind) {
        qbid_tool_say("top takes no argument");
        return QBID_TOOL_USAGE;
    }
    if (!o.once && !tool->json && isatty(STDOUT_FILENO)) {
        live_run(tool, &o, &code);
        return code;
    }
    cJSON *answer = top_ask(tool, &o, &code);
    if (!answer)
        return code;
    if (tool->json)
        code = qbid_tool_print(answer);
    else
        top_print(stdout, tool, answer, &none, 0, 0);
    cJSON_Delete(answer);
    return code;
}

/* "exchange=2 slot=banner:300x250" */
static void context_add(struct qbid_columns *columns, const cJSON *context)
{
    char text[512] = "";
    size_t len = 0;
    const cJSON *value;
    cJSON_ArrayForEach(value, context)
    {
        int n = snprintf(text + len, sizeof text - len, "%s%s=%s", len ? " " : "", value->string,
                         cJSON_GetStringValue(value));
        len += n > 0 && (size_t)n < sizeof text - len ? (size_t)n : 0;
    }
    qbid_columns_add(columns, "%s", *text ? text : "-");
}

int qbid_tool_snapshot(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"id", 'i', "N", 0, "Only this one; of contexts: of this line item", 0},
        {"window", 'w', "TIME", 0, "30s, 5min, 1h, 24h or all (5min)", 0},
        {"max", 'm', "N", 0, "At most N, most bids first (100)", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              "campaign|line_item|creative|context",
                              "Statistics of every series of a kind.",
                              NULL,
                              NULL,
                              NULL};
    static const char *const heads[] = {"ID",    "BIDS",  "WINS", "IMPS", "CLICKS",   "CONVS",
                                        "WIN %", "CTR %", "CPM",  "ECPC", "<CONTEXT", NULL};
    struct options o = {.window = "5min", .max = 100};
    struct qbid_columns columns;
    const cJSON *item;
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    cJSON *request = qbid_tool_request("snapshot");
    cJSON_AddStringToObject(request, "kind", o.kind ? o.kind : "campaign");
    cJSON_AddStringToObject(request, "window", o.window);
    cJSON_AddNumberToObject(request, "max", (double)o.max);
    if (o.id)
        cJSON_AddNumberToObject(request, "id", (double)o.id);
    cJSON *a = qbid_tool_ask_table(tool, request, &code);
    if (!a)
        return code;
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(item, qbid_tool_member(a, "series"))
    {
        qbid_columns_add(&columns, "%.0f", qbid_tool_number(item, "id"));
        stats_add(&columns, item);
        context_add(&columns, qbid_tool_member(item, "context"));
    }
    qbid_columns_print_or(&columns, stdout, tool->colour, "there are no such statistics");
    qbid_columns_done(&columns);
    cJSON_Delete(a);
    return code;
}

int qbid_tool_history(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"id", 'i', "N", 0, "Which one (needed)", 0},
        {"minutes", KEY_MINUTES, "N", 0, "From N minutes ago (60)", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              "[campaign|line_item|creative]",
                              "Totals since the beginning, as they were at each write. Without a "
                              "word: the changes of the account, as qbid executions.",
                              NULL,
                              NULL,
                              NULL};
    static const char *const heads[] = {"<TIME", "BIDS",  "WINS", "IMPS", "CLICKS", "CONVS",
                                        "WIN %", "CTR %", "CPM",  "ECPC", NULL};
    struct options o = {.minutes = 60};
    struct qbid_columns columns;
    const cJSON *item;
    int code;
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    if (!o.kind && !o.id) {
        char *alone[] = {argv[0], NULL};
        return qbid_tool_executions(tool, 1, alone);
    }
    if (!o.id || (o.kind && strcmp(o.kind, "context") == 0)) {
        qbid_tool_say("history: campaign, line_item or creative, and --id are needed");
        return QBID_TOOL_USAGE;
    }
    cJSON *request = qbid_tool_request("history");
    cJSON_AddStringToObject(request, "kind", o.kind ? o.kind : "campaign");
    cJSON_AddNumberToObject(request, "id", (double)o.id);
    cJSON_AddNumberToObject(request, "from_unix_s", (double)(time(NULL) - o.minutes * 60));
    cJSON *a = qbid_tool_ask_table(tool, request, &code);
    if (!a)
        return code;
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(item, qbid_tool_member(a, "points"))
    {
        char text[32];
        time_t when = (time_t)qbid_tool_number(item, "unix_s");
        struct tm tm;
        gmtime_r(&when, &tm);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
        qbid_columns_add(&columns, "%s", text);
        stats_add(&columns, item);
    }
    qbid_columns_print_or(&columns, stdout, tool->colour,
                          "nothing was recorded of it in that time");
    qbid_columns_done(&columns);
    cJSON_Delete(a);
    return code;
}
