/* SPDX-License-Identifier: Apache-2.0 */
/* qbid-replay: reads the command line, makes the source, runs it or the baselines, reports. */
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "shm/error.h"
#include "shm/version.h"
#include "tools/replay/exchange.h"
#include "tools/replay/http/http.h"
#include "tools/replay/report.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3, EXIT_SIGNAL = 128 };

static int fail(int code, const char *what, const char *why)
{
    fprintf(stderr, "qbid-replay: %s%s%s\n", what, why[0] ? ": " : "", why);
    return code;
}

static int print_report(struct qbid_replay_buffer *out)
{
    bool ok =
        !out->failed && fwrite(out->text, 1, out->len, stdout) == out->len && fflush(stdout) == 0;
    qbid_replay_buffer_done(out);
    return ok ? 0 : fail(EXIT_FAILED, "the report could not be written", strerror(errno));
}

/* --- baselines */

static int64_t choose_budget(const struct qbid_replay_options *options,
                             const struct qbid_replay_items *run)
{
    if (options->budget_over == 0)
        return options->budget_nanos;
    return (int64_t)((__extension__(__int128) run->cost_nanos) * (int64_t)options->budget_part /
                     (int64_t)options->budget_over);
}

static int report_baselines(const struct qbid_replay_options *options,
                            const struct qbid_replay_log *log, const struct qbid_replay_items *run,
                            const struct qbid_replay_items *tune)
{
    struct qbid_replay_report_context context = {.options = options, .log = log};
    struct qbid_replay_baseline results[QBID_REPLAY_STRATEGIES];
    struct qbid_replay_buffer out = {0};
    int64_t budget_nanos = choose_budget(options, run);
    if (qbid_replay_baseline_run(run, tune, options->request.auction, budget_nanos,
                                 options->flat_bid_micros, results) != 0)
        return fail(EXIT_FAILED, "out of memory", "");
    if (options->json)
        qbid_replay_report_baselines_json(&out, &context, run, tune, budget_nanos, results);
    else
        qbid_replay_report_baselines_text(&out, &context, run, tune, budget_nanos, results);
    return print_report(&out);
}

static int run_baselines(const struct qbid_replay_options *options,
                         const struct qbid_replay_log *log,
                         const struct qbid_replay_generator *generator,
                         struct qbid_replay_source *source)
{
    struct qbid_replay_items run = {0}, tune = {0};
    struct qbid_replay_source other = {0};
    struct qbid_replay_source_terms terms = options->source;
    bool is_tuned_elsewhere = options->tune_split.half != QBID_REPLAY_HALF_BOTH;
    int err = qbid_replay_items_init(&run, source, options->seed);
    if (!err && is_tuned_elsewhere) {
        terms.split = options->tune_split;
        err = qbid_replay_source_init(&other, log, generator, &terms);
        if (!err)
            err = qbid_replay_items_init(&tune, &other, options->seed);
        qbid_replay_source_done(&other);
    }
    int code =
        err ? fail(EXIT_FAILED,
                   err == QBID_ERR_NOENT ? "--tune-on leaves no auction" : "out of memory", "")
            : report_baselines(options, log, &run, is_tuned_elsewhere ? &tune : &run);
    qbid_replay_items_done(&run);
    qbid_replay_items_done(&tune);
    return code;
}

/* --- a run against a server */

struct server {
    struct sockaddr_storage address;
    socklen_t address_len;
    char authority[QBID_REPLAY_HTTP_HOST_MAX + 1];
    char *path; /* to be freed */
};

static int find_server(const char *text, struct server *server)
{
    struct qbid_replay_url url;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    char host[QBID_REPLAY_HTTP_HOST_MAX + 1], port[6] = "80";
    if (qbid_replay_url_parse(text, strlen(text), &url) != 0)
        return fail(EXIT_USAGE, "--url", "not a URL");
    bool bracketed = url.host.at[0] == '[';
    snprintf(host, sizeof host, "%.*s", (int)url.host.len - (bracketed ? 2 : 0),
             url.host.at + bracketed);
    if (url.port.len)
        snprintf(port, sizeof port, "%.*s", QBID_REPLAY_SPAN_ARGS(url.port));
    snprintf(server->authority, sizeof server->authority, "%.*s:%s",
             QBID_REPLAY_SPAN_ARGS(url.host), port);
    bool rooted = url.path.len != 0 && url.path.at[0] == '/';
    if (asprintf(&server->path, "%s%.*s", rooted ? "" : "/", QBID_REPLAY_SPAN_ARGS(url.path)) < 0) {
        server->path = NULL;
        return fail(EXIT_FAILED, "out of memory", "");
    }
    int err = getaddrinfo(host, port, &hints, &found);
    if (err)
        return fail(EXIT_UNREACHABLE, text, gai_strerror(err));
    memcpy(&server->address, found->ai_addr, found->ai_addrlen);
    server->address_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

/* Ctrl-C and SIGTERM are read from a descriptor, so that the run ends between two answers. */
static int open_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int finish_run(const struct qbid_replay_options *options, const struct qbid_replay_log *log,
                      struct qbid_replay_stats *stats, int result)
{
    struct qbid_replay_report_context context = {.options = options,
                                                 .log = log,
                                                 .interrupted = result > 0,
                                                 .gone = result == QBID_ERR_CLOSED};
    struct qbid_replay_buffer out = {0};
    if (result == QBID_ERR_CLOSED && stats->pool.connects == 0)
        return fail(EXIT_UNREACHABLE, options->url, strerror(stats->pool.last_errno));
    if (result < 0 && result != QBID_ERR_CLOSED)
        return fail(EXIT_FAILED, "the run failed",
                    result == QBID_ERR_NOMEM ? "out of memory" : strerror(errno));
    if (options->json)
        qbid_replay_report_json(&out, &context, stats);
    else
        qbid_replay_report_text(&out, &context, stats);
    int code = print_report(&out);
    if (context.gone)
        return fail(EXIT_UNREACHABLE, options->url, "went away");
    return result > 0 ? EXIT_SIGNAL + result : code;
}

static int run_exchange(const struct qbid_replay_options *options,
                        const struct qbid_replay_log *log, struct qbid_replay_source *source)
{
    struct server server = {0};
    struct qbid_replay_answers_file answers;
    struct qbid_replay_progress progress;
    struct qbid_replay_stats *stats = calloc(1, sizeof *stats);
    if (!stats)
        return fail(EXIT_FAILED, "out of memory", "");
    int code = find_server(options->url, &server);
    if (!code &&
        qbid_replay_answers_file_init(&answers, options->answers, options->answers_every) != 0)
        code = fail(EXIT_FAILED, options->answers, strerror(errno));
    if (code) {
        free(server.path);
        free(stats);
        return code;
    }
    qbid_replay_progress_init(&progress, options->quiet ? NULL : stderr, isatty(STDERR_FILENO) == 1,
                              source->count, (uint64_t)(options->duration_s * 1e9));
    struct qbid_replay_exchange_terms terms = {
        .options = options,
        .source = source,
        .address = server.address,
        .address_len = server.address_len,
        .authority = server.authority,
        .path = server.path,
        .signal_fd = open_signals(),
        .gone_ns = QBID_REPLAY_EXCHANGE_GONE_NS,
        .answers = &answers,
        .progress = &progress,
    };
    int result = qbid_replay_exchange_run(&terms, stats);
    code = finish_run(options, log, stats, result);
    if (qbid_replay_answers_file_done(&answers) != 0)
        code = fail(EXIT_FAILED, options->answers, strerror(errno));
    if (terms.signal_fd >= 0)
        close(terms.signal_fd);
    qbid_replay_stats_done(stats);
    free(server.path);
    free(stats);
    return code;
}

/* --- */

static int run(const struct qbid_replay_options *options)
{
    char message[QBID_REPLAY_LOG_MESSAGE_BYTES];
    struct qbid_replay_log *log = NULL;
    struct qbid_replay_generator *generator = NULL;
    struct qbid_replay_source source = {0};
    struct qbid_replay_generator_terms terms = {
        .seed = options->seed, .campaign = options->campaign, .ctr = options->ctr};
    if (options->logs_cnt) {
        if (qbid_replay_log_new(options->logs, options->logs_cnt, options->skip_damaged, &log,
                                message) != 0)
            return fail(EXIT_FAILED, message, "");
    } else if (qbid_replay_generator_new(&terms, &generator) != 0) {
        return fail(EXIT_FAILED, "out of memory", "");
    }
    int err = qbid_replay_source_init(&source, log, generator, &options->source);
    int code;
    if (err)
        code = fail(EXIT_FAILED,
                    err == QBID_ERR_NOENT ? "--split leaves no auction" : "out of memory", "");
    else if (options->baselines)
        code = run_baselines(options, log, generator, &source);
    else
        code = run_exchange(options, log, &source);
    qbid_replay_source_done(&source);
    qbid_replay_generator_free(generator);
    qbid_replay_log_free(log);
    return code;
}

int main(int argc, char **argv)
{
    struct qbid_replay_options options;
    char message[QBID_REPLAY_OPTIONS_MESSAGE_BYTES];
    if (qbid_replay_options_parse(argc, argv, &options, message) != 0)
        return fail(EXIT_USAGE, message, "");
    if (options.help) {
        qbid_replay_options_help(stdout);
        return 0;
    }
    if (options.version)
        return puts("qbid-replay " QBID_VERSION) < 0 ? EXIT_FAILED : 0;
    return run(&options);
}
