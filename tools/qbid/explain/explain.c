/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the command line and explains one request, or checks a file of answers. */
#include "tools/qbid/explain/explain.h"

#include <errno.h>
#include <string.h>

#include "shm/clock.h"
#include "shm/error.h"
#include "tools/qbid/explain/check.h"
#include "tools/qbid/explain/event.h"
#include "tools/qbid/explain/options.h"
#include "tools/qbid/explain/print.h"
#include "tools/replay/text/json.h"

/* One run: what was asked for, and where its output goes. */
struct run {
    const struct qbid_explain_options *options;
    FILE *out;
    FILE *err;
    struct qbid_explain_world world;
    struct qbid_explain_ask *ask;
    bool over; /* the request is over a stated limit */
};

static int fail(const struct run *run, const char *what, int err)
{
    fprintf(run->err, "qbid explain: %s: %s\n", what,
            err == QBID_ERR_SYS ? strerror(errno) : qbid_strerror(err));
    return QBID_EXPLAIN_FAILED;
}

static int print(const struct run *run, struct qbid_replay_buffer *text)
{
    bool ok = !text->failed && fwrite(text->text, 1, text->len, run->out) == text->len &&
              fflush(run->out) == 0;
    int err = text->failed ? QBID_ERR_NOMEM : QBID_ERR_SYS;
    qbid_replay_buffer_done(text);
    return ok ? QBID_EXPLAIN_OK : fail(run, "the output", err);
}

/* --- one request */

static int read_file(const char *path, struct qbid_replay_buffer *ret_text)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    size_t got = 1;
    if (!file)
        return QBID_ERR_SYS;
    while (got > 0 && ret_text->len <= QBID_OPENRTB_BYTES_MAX) { /* one byte more is too many */
        char *at = qbid_replay_buffer_reserve(ret_text, QBID_OPENRTB_BYTES_MAX);
        if (!at)
            break;
        got = fread(at, 1, QBID_OPENRTB_BYTES_MAX, file);
        ret_text->len += got;
    }
    int err = ret_text->failed ? QBID_ERR_NOMEM : ferror(file) ? QBID_ERR_SYS : 0;
    int why = errno;
    if (file != stdin)
        fclose(file);
    errno = why;
    return err;
}

/* The server answers 400; says where the text ceases to be JSON. */
static int refuse_request(const struct run *run, int err, const char *text, size_t len)
{
    const char *path = run->options->request;
    if (err != QBID_ERR_PARSE)
        return fail(run, path, err);
    struct qbid_replay_json json = qbid_replay_json_start(text, len);
    int broken = qbid_replay_json_skip(&json);
    if (broken == 0)
        broken = qbid_replay_json_finish(&json);
    unsigned line = 1;
    for (const char *at = text; at < json.at; at++)
        line += *at == '\n';
    if (broken)
        fprintf(run->err, "qbid explain: %s:%u: malformed JSON, the server answers 400\n", path,
                line);
    else
        fprintf(run->err,
                "qbid explain: %s: a field that is read is missing (id, imp), has another type "
                "than OpenRTB's or is no UTF-8, the server answers 400\n",
                path);
    return QBID_EXPLAIN_FAILED;
}

static int parse_request(struct run *run)
{
    struct qbid_replay_buffer text = {0};
    int code = QBID_EXPLAIN_OK;
    int err = read_file(run->options->request, &text);
    if (err) {
        code = fail(run, run->options->request, err);
    } else {
        err = qbid_explain_ask_parse(run->ask, text.text, text.len);
        run->over = err == QBID_ERR_LIMIT;
        if (err && !run->over)
            code = refuse_request(run, err, text.text, text.len);
    }
    qbid_replay_buffer_done(&text);
    return code;
}

/* Paces and Q states of the command line. */
static int set_live(struct run *run)
{
    const struct qbid_explain_options *options = run->options;
    const struct qbid_live *live = &run->world.live;
    for (unsigned i = 0; i < options->pace_cnt + options->qstate_cnt; i++) {
        bool is_pace = i < options->pace_cnt;
        const struct qbid_explain_setting *setting =
            is_pace ? &options->pace[i] : &options->qstate[i - options->pace_cnt];
        int64_t idx = qbid_explain_world_find(&run->world, setting->line_item_id);
        if (idx < 0) {
            fprintf(run->err, "qbid explain: %s: no line item %u (--%s)\n", options->image,
                    setting->line_item_id, is_pace ? "pace" : "qstate");
            return QBID_EXPLAIN_FAILED;
        }
        if (is_pace)
            qbid_live_set_pace(live, (uint32_t)idx, setting->pace);
        else
            atomic_store_explicit(&live->qstate[idx], (uint8_t)setting->qstate,
                                  memory_order_relaxed);
    }
    return QBID_EXPLAIN_OK;
}

/* What the command line says of the user. */
static int set_exposures(struct run *run)
{
    const struct qbid_explain_options *options = run->options;
    for (unsigned i = 0; i < options->exposures_cnt; i++) {
        uint32_t id = options->exposures[i].line_item_id;
        int64_t idx = qbid_explain_world_find(&run->world, id);
        if (idx < 0 || run->world.image.line_items[idx].frequency_cap == 0) {
            fprintf(run->err, "qbid explain: %s: %s %u (--exposures)\n", options->image,
                    idx < 0 ? "no line item" : "no frequency cap on line item", id);
            return QBID_EXPLAIN_FAILED;
        }
        run->world.assumed[idx] = options->exposures[i].exposures;
    }
    return QBID_EXPLAIN_OK;
}

static void explain_part(const struct run *run, const struct qbid_explain_subject *subject,
                         const struct qbid_view *view, const struct qbid_explain_imp *imp,
                         bool first, struct qbid_replay_buffer *text)
{
    struct qbid_explain_detail detail;
    if (imp->decided)
        qbid_explain_detail_fill(view, imp, &detail);
    if (run->options->json)
        qbid_explain_json_imp(text, subject, imp, imp->decided ? &detail : NULL, first);
    else
        qbid_explain_table_imp(text, subject, imp, imp->decided ? &detail : NULL);
}

static void explain_impressions(const struct run *run, const struct qbid_explain_subject *subject,
                                struct qbid_replay_buffer *text)
{
    struct qbid_view view = qbid_explain_world_view(&run->world, false);
    for (unsigned i = 0; i < run->ask->openrtb.imp_cnt; i++) {
        struct qbid_explain_imp imp[2];
        unsigned parts = qbid_explain_ask_decide(run->ask, &view, i, imp);
        for (unsigned part = 0; part < parts; part++)
            explain_part(run, subject, &view, &imp[part], i + part == 0, text);
    }
}

static int explain_request(struct run *run)
{
    const struct qbid_explain_options *options = run->options;
    struct qbid_replay_buffer text = {0};
    struct qbid_explain_subject subject = {
        .image_path = options->image,
        .world = &run->world,
        .ask = run->ask,
        .exchange = options->exchange,
        .options = options,
        .unix_s = options->has_now ? options->now_unix_s : qbid_clock_unix_ns() / QBID_NS_PER_S,
        .stale =
            qbid_explain_world_stale(&run->world, options->has_now ? &options->now_unix_s : NULL),
    };
    if (subject.stale) {
        fprintf(run->err, "qbid explain: %s: stale%s\n", options->image,
                options->strict ? "" : "; explained as when it was valid");
        if (options->strict)
            return QBID_EXPLAIN_STALE;
    }
    subject.nobid = run->over ? QBID_NOBID_OVER_LIMIT
                              : qbid_explain_ask_open(run->ask, &run->world.image,
                                                      options->exchange, subject.unix_s);
    if (options->json)
        qbid_explain_json_begin(&text, &subject);
    else
        qbid_explain_table_begin(&text, &subject);
    if (subject.nobid == QBID_NOBID_NONE)
        explain_impressions(run, &subject, &text);
    if (options->json)
        qbid_explain_json_end(&text);
    return print(run, &text);
}

static int run_request(struct run *run)
{
    int code = QBID_EXPLAIN_OK;
    int err = qbid_explain_world_init(&run->world, run->options->image);
    if (err)
        return fail(run, run->options->image, err);
    err = qbid_explain_ask_new(&run->ask);
    if (err)
        code = fail(run, "parser", err);
    if (code == QBID_EXPLAIN_OK)
        code = set_live(run);
    if (code == QBID_EXPLAIN_OK)
        code = set_exposures(run);
    if (code == QBID_EXPLAIN_OK)
        code = parse_request(run);
    if (code == QBID_EXPLAIN_OK)
        code = explain_request(run);
    qbid_explain_ask_free(run->ask);
    qbid_explain_world_done(&run->world);
    return code;
}

/* --- answers */

static int run_check(const struct run *run)
{
    struct qbid_explain_verdict verdict;
    struct qbid_replay_buffer text = {0};
    if (qbid_explain_check(run->options, run->err, &verdict) != 0)
        return QBID_EXPLAIN_FAILED;
    if (run->options->json)
        qbid_explain_verdict_json(&text, run->options, &verdict);
    else
        qbid_explain_verdict_table(&text, run->options, &verdict);
    int code = print(run, &text);
    if (code == QBID_EXPLAIN_OK && verdict.checked == 0)
        fprintf(run->err, "qbid explain: %s: no bid was checked\n", run->options->check);
    return code == QBID_EXPLAIN_OK && qbid_explain_verdict_good(&verdict) ? QBID_EXPLAIN_OK
                                                                          : QBID_EXPLAIN_FAILED;
}

int qbid_explain_run(int argc, char **argv, FILE *out, FILE *err)
{
    struct qbid_explain_options options;
    char message[QBID_EXPLAIN_MESSAGE_BYTES];
    struct run run = {.options = &options, .out = out, .err = err};
    if (qbid_explain_options_parse(argc, argv, &options, message) != 0) {
        fprintf(err, "qbid explain: %s\n", message);
        return QBID_EXPLAIN_USAGE;
    }
    if (options.help) {
        qbid_explain_options_help(out);
        return QBID_EXPLAIN_OK;
    }
    if (options.by_bid)
        return qbid_explain_event_run(&options, out, err);
    return options.check ? run_check(&run) : run_request(&run);
}

int qbid_explain_main(int argc, char **argv)
{
    return qbid_explain_run(argc, argv, stdout, stderr);
}
