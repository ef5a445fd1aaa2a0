/* SPDX-License-Identifier: Apache-2.0 */
/* explain: the replay itself needs no qbidd; this adds what only a running one knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/qbid/explain/explain.h"
#include "tools/qbid/explain/terms.h"
#include "tools/qbid/tool.h"

#define WORD_MAX 512

/* The command line of the replay, as it grows. */
struct line {
    char **word;
    int cnt, max;
    bool failed;
};

static void word_add(struct line *line, const char *text)
{
    if (line->cnt + 1 >= line->max) {
        int max = line->max ? line->max * 2 : 64;
        char **more = realloc(line->word, (size_t)max * sizeof *more);
        if (!more) {
            line->failed = true;
            return;
        }
        line->word = more;
        line->max = max;
    }
    line->word[line->cnt] = strdup(text);
    line->failed |= !line->word[line->cnt];
    line->cnt += line->word[line->cnt] != NULL;
    line->word[line->cnt] = NULL;
}

static void line_done(struct line *line)
{
    for (int i = 0; i < line->cnt; i++)
        free(line->word[i]);
    free(line->word);
}

/* "--name value" or "--name=value" at argv[*i]: its value; *i moves on. */
static const char *value_of(const char *name, int argc, char **argv, int *i)
{
    size_t len = strlen(name);
    if (strncmp(argv[*i], name, len) != 0)
        return NULL;
    if (argv[*i][len] == '=')
        return argv[*i] + len + 1;
    if (argv[*i][len] == '\0' && *i + 1 < argc)
        return argv[++*i];
    return NULL;
}

struct wanted {
    const char *generation;
    bool live, image;      /* --live; --image or --check is given */
    bool bid, log, images; /* --bid, --log, --images are given */
};

/* Take our own words out of the command line, pass on the others. */
static void words_take(struct qbid_tool *tool, int argc, char **argv, struct wanted *wanted,
                       struct line *line)
{
    for (int i = 0; i < argc; i++) {
        const char *value;
        if (strcmp(argv[i], "--live") == 0)
            wanted->live = true;
        else if ((value = value_of("--generation", argc, argv, &i)))
            wanted->generation = value;
        else if ((value = value_of("--socket", argc, argv, &i)))
            tool->socket = value;
        else if ((value = value_of("--config", argc, argv, &i)))
            tool->config = value;
        else
            word_add(line, argv[i]);
        wanted->bid |= strncmp(argv[i], "--bid", 5) == 0;
        wanted->log |= strncmp(argv[i], "--log", 5) == 0;
        wanted->images |= strcmp(argv[i], "--images") == 0 || strncmp(argv[i], "--images=", 9) == 0;
        wanted->image |= strncmp(argv[i], "--image", 7) == 0 || strncmp(argv[i], "--check", 7) == 0;
    }
}

/* The image that qbidd keeps of a generation, the last one without a number. */
static int image_add(struct qbid_tool *tool, const char *generation, struct line *line)
{
    char path[WORD_MAX];
    int code;
    cJSON *status = qbid_tool_ask(tool, qbid_tool_request("status"), &code);
    if (!status)
        return code;
    snprintf(path, sizeof path, "%.400s/images/%.40s.qbi", qbid_tool_text(status, "state_dir"),
             generation ? generation : "last");
    cJSON_Delete(status);
    word_add(line, "--image");
    word_add(line, path);
    return QBID_TOOL_OK;
}

/* The folders of the running qbidd, as far as they were not named. */
static int folders_add(struct qbid_tool *tool, const struct wanted *wanted, struct line *line)
{
    char path[WORD_MAX];
    int code;
    if (wanted->log && wanted->images)
        return QBID_TOOL_OK;
    cJSON *status = qbid_tool_ask(tool, qbid_tool_request("status"), &code);
    if (!status)
        return code;
    for (int i = 0; i < 2; i++) {
        if (i == 0 ? wanted->log : wanted->images)
            continue;
        snprintf(path, sizeof path, "%.400s/%s", qbid_tool_text(status, "state_dir"),
                 i == 0 ? "decisions" : "images");
        word_add(line, i == 0 ? "--log" : "--images");
        word_add(line, path);
    }
    cJSON_Delete(status);
    return QBID_TOOL_OK;
}

/* "ID=F,F,...": what is not told is 1. */
static void terms_format(const cJSON *item, char text[WORD_MAX])
{
    static const char *const words[] = {
#define X(upper, word, meaning) word,
        QBID_PACE_TERM_LIST(X)
#undef X
    };
    const cJSON *terms = qbid_tool_member(item, "pace_terms");
    int len = snprintf(text, WORD_MAX, "%.0f=", qbid_tool_number(item, "id"));
    for (unsigned i = 0; i < QBID_PACE_TERM_CNT; i++) {
        const cJSON *factor = qbid_tool_member(terms, words[i]);
        len += snprintf(text + len, WORD_MAX - (size_t)len, "%s%.9g", i ? "," : "",
                        cJSON_IsNumber(factor) ? factor->valuedouble : 1);
    }
}

/* Pace and Q state of every line item as they are in force. */
static int live_add(struct qbid_tool *tool, struct line *line)
{
    const cJSON *item;
    int code;
    cJSON *live = qbid_tool_ask(tool, qbid_tool_request("live"), &code);
    if (!live)
        return code;
    cJSON_ArrayForEach(item, qbid_tool_member(live, "line_items"))
    {
        char text[WORD_MAX];
        /* nine digits give a float back exactly */
        snprintf(text, sizeof text, "%.0f=%.9g", qbid_tool_number(item, "id"),
                 qbid_tool_number(item, "pace"));
        word_add(line, "--pace");
        word_add(line, text);
        terms_format(item, text);
        word_add(line, "--pace-terms");
        word_add(line, text);
        snprintf(text, sizeof text, "%.0f=%.0f", qbid_tool_number(item, "id"),
                 qbid_tool_number(item, "q_state"));
        word_add(line, "--qstate");
        word_add(line, text);
    }
    cJSON_Delete(live);
    return QBID_TOOL_OK;
}

static bool help_wanted(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-?") == 0)
            return true;
    return false;
}

int qbid_tool_explain(struct qbid_tool *tool, int argc, char **argv)
{
    struct wanted wanted = {0};
    struct line line = {NULL, 0, 0, false};
    int code = QBID_TOOL_OK;
    if (help_wanted(argc, argv)) {
        char *words[] = {argv[0], (char[]){"--help"}, NULL};
        return qbid_explain_main(2, words);
    }
    if (argc < 2) {
        qbid_tool_say("explain: REQUEST.json is missing (or --check, --bid or --help)");
        return QBID_TOOL_USAGE;
    }
    words_take(tool, argc, argv, &wanted, &line);
    if (tool->json) {
        word_add(&line, "--output");
        word_add(&line, "json");
    }
    if (wanted.bid)
        code = folders_add(tool, &wanted, &line);
    else if (!wanted.image)
        code = image_add(tool, wanted.generation, &line);
    if (code == QBID_TOOL_OK && wanted.live)
        code = live_add(tool, &line);
    if (code == QBID_TOOL_OK && line.failed) {
        qbid_tool_say("out of memory");
        code = QBID_TOOL_FAILED;
    }
    if (code == QBID_TOOL_OK)
        code = qbid_explain_main(line.cnt, line.word);
    line_done(&line);
    return code;
}
