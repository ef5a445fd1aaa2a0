/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest ad server: bid requests come in as lines, answers go out as lines.
 *
 *     qbid-example /run/qbid/qbid.sock https://ads.example/qbid/notice <requests.ndjson
 *
 * A line that begins with "/" is a notice as an HTTP server would get it: /win?t=...&p=1.25
 * Build it with: cc host.c $(pkg-config --cflags --libs qbid)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qbid.h>

#define ANSWER_MAX (64 * 16384)

static void on_log(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "qbid: %s\n", line);
}

static void bid(struct qbid_worker *worker, const char *line, size_t len, char *out)
{
    struct qbid_answer answer;
    int err = qbid_worker_openrtb(worker, "2", line, len, qbid_now_ns(), out, ANSWER_MAX, &answer);
    if (err < 0)
        printf("%s\n", qbid_strerror(err));
    else
        printf("%d %.*s\n", answer.status, (int)answer.body_bytes, out);
}

static void notice(struct qbid_worker *worker, char *line, char *out)
{
    size_t location;
    char *query = strchr(line, '?');
    size_t kind_len = query ? (size_t)(query - line) : strlen(line);
    query = query ? query + 1 : line + kind_len;
    int status = qbid_worker_notice(worker, line, kind_len, query, strlen(query), qbid_now_ns(),
                                    out, ANSWER_MAX, &location);
    printf("%d %.*s\n", status, (int)location, out);
}

/* One line at a time, in a buffer with room for the padding that the parser may read. */
static int serve(struct qbid_worker *worker)
{
    char *line = malloc(QBID_OPENRTB_BYTES_MAX + QBID_PADDING), *out = malloc(ANSWER_MAX);
    while (line && out && fgets(line, QBID_OPENRTB_BYTES_MAX, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '/')
            notice(worker, line + 1, out);
        else
            bid(worker, line, strlen(line), out);
    }
    int n = line && out ? qbid_worker_status(worker, QBID_STATUS_JSON, out, ANSWER_MAX) : -1;
    if (n > 0)
        fprintf(stderr, "%.*s", n, out);
    free(line);
    free(out);
    return n > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct qbid *qbid;
    struct qbid_worker *worker;
    if (argc != 3) {
        fprintf(stderr, "usage: %s SOCKET NOTICE-URL <requests\n", argv[0]);
        return 2;
    }
    struct qbid_options options = {
        .size = sizeof options, .socket_path = argv[1], .notice_url = argv[2], .log = on_log};
    int err = qbid_open(&options, &qbid);
    if (err < 0) {
        fprintf(stderr, "open: %s\n", qbid_strerror(err));
        return 1;
    }
    err = qbid_worker_open(qbid, &worker);
    if (err < 0) {
        fprintf(stderr, "worker: %s\n", qbid_strerror(err));
        qbid_close(qbid);
        return 1;
    }
    int rc = serve(worker);
    qbid_worker_close(worker);
    qbid_close(qbid);
    return rc;
}
