/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the library against a broker, as an ad server would, and runs the subcommand in process. */
#include "tests/tools/qbid/explain/desk.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/qtable.h"
#include "tests/plugin/lines.h"
#include "tools/qbid/explain/explain.h"

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "desk: %s\n", what);
        abort();
    }
}

void desk_open(struct desk *d, const struct market_terms *terms)
{
    size_t bytes;
    memset(d, 0, sizeof *d);
    d->rng = rng_init(terms->seed + 1000);
    strcpy(d->folder, "/tmp/qbid-explain-XXXXXX");
    must(mkdtemp(d->folder) != NULL, "folder");
    void *image = market_image(terms, &bytes);
    broker_start(&d->broker, image, bytes, 16);
    free(image);
    struct qbid_options options = {
        .size = sizeof options,
        .socket_path = d->broker.path,
        .notice_url = "https://n.example/qbid/notice",
        .worker_timeout_ms = 5000,
        .trace = 1,
    };
    must(qbid_open(&options, &d->qbid) == 0, "open");
    must(qbid_worker_open(d->qbid, &d->worker) == 0, "worker");
}

static void drop_args(struct desk *d)
{
    while (d->argc > 0)
        free(d->argv[--d->argc]);
}

void desk_close(struct desk *d)
{
    char path[512];
    DIR *dir = opendir(d->folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        snprintf(path, sizeof path, "%s/%s", d->folder, entry->d_name);
        unlink(path);
    }
    closedir(dir);
    rmdir(d->folder);
    qbid_worker_close(d->worker);
    qbid_close(d->qbid);
    broker_stop(&d->broker);
    qbid_replay_buffer_done(&d->request);
    drop_args(d);
    free(d->text);
    free(d->messages);
}

void desk_publish(struct desk *d, const struct market_terms *terms)
{
    size_t bytes;
    void *image = market_image(terms, &bytes);
    broker_publish(&d->broker, image, bytes);
    free(image);
}

void desk_scramble(struct desk *d, int even)
{
    for (uint32_t i = 0; i < MARKET_LINE_ITEMS; i++) {
        float pace = rng_below(&d->rng, 10) == 0 ? 0.0f : (float)(2 * rng_uniform(&d->rng));
        qbid_live_set_pace(&d->broker.live, i, even ? 1.0f : pace);
        uint32_t qstate = rng_below(&d->rng, QBID_QSTATES);
        atomic_store(&d->broker.live.qstate[i], (uint8_t)(even ? 0 : qstate));
    }
}

int desk_ask(struct desk *d, const char *exchange)
{
    qbid_replay_buffer_clear(&d->request);
    market_request(&d->rng, &d->request);
    must(!d->request.failed, "request");
    char *body = lines_padded(d->request.text, d->request.len, 0);
    /* in the middle of a second, so that the library's wall clock names the same one */
    uint64_t unix_ns = qbid_clock_unix_ns();
    uint64_t now_ns = qbid_now_ns() - unix_ns % QBID_NS_PER_S + QBID_NS_PER_S / 2;
    d->unix_s = unix_ns / QBID_NS_PER_S;
    must(qbid_worker_openrtb(d->worker, exchange, body, d->request.len, now_ns, d->out,
                             sizeof d->out, &d->answer) == 0,
         "openrtb");
    free(body);
    return d->answer.status;
}

const char *desk_path(const struct desk *d, const char *name)
{
    static char path[4][256];
    static unsigned at;
    char *out = path[at++ % 4];
    snprintf(out, sizeof path[0], "%s/%s", d->folder, name);
    return out;
}

void desk_write(const struct desk *d, const char *name, const void *bytes, size_t len)
{
    FILE *file = fopen(desk_path(d, name), "w");
    must(file && fwrite(bytes, 1, len, file) == len && fclose(file) == 0, name);
}

void desk_save_image(const struct desk *d, const char *name, const struct market_terms *terms)
{
    size_t bytes;
    void *image = market_image(terms, &bytes);
    desk_write(d, name, image, bytes);
    free(image);
}

void desk_args(struct desk *d, const char *words)
{
    char copy[512], *rest = copy, *word;
    drop_args(d);
    desk_arg(d, "explain");
    snprintf(copy, sizeof copy, "%s", words);
    while ((word = strsep(&rest, " ")))
        if (*word)
            desk_arg(d, "%s", word);
}

void desk_arg(struct desk *d, const char *format, ...)
{
    va_list args;
    must(d->argc < DESK_ARGS_MAX - 1, "arguments");
    va_start(args, format);
    must(vasprintf(&d->argv[d->argc++], format, args) >= 0, "memory");
    va_end(args);
    d->argv[d->argc] = NULL;
}

int desk_explain(struct desk *d)
{
    size_t text_len, messages_len;
    char *argv[DESK_ARGS_MAX]; /* getopt moves them */
    memcpy(argv, d->argv, sizeof argv);
    free(d->text);
    free(d->messages);
    FILE *out = open_memstream(&d->text, &text_len);
    FILE *err = open_memstream(&d->messages, &messages_len);
    must(out && err, "memory");
    int code = qbid_explain_run(d->argc, argv, out, err);
    fclose(out);
    fclose(err);
    return code;
}
