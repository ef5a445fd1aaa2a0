/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of JSON; the answer is a string, because what came may be no JSON. */
#include "tools/replay/results/answers_file.h"

#include <errno.h>
#include <string.h>

#include "shm/error.h"

int qbid_replay_answers_file_init(struct qbid_replay_answers_file *answers, const char *path,
                                  uint64_t every)
{
    *answers = (struct qbid_replay_answers_file){.every = every};
    if (!path)
        return 0;
    answers->file = fopen(path, "w");
    return answers->file ? 0 : QBID_ERR_SYS;
}

static const char *outcome_name(const struct qbid_replay_pool_event *event,
                                const struct qbid_replay_outcome *outcome)
{
    static const char *const names[] = {"no_bid", "invalid", "loss", "win"};
    if (event->result == QBID_REPLAY_TIMED_OUT)
        return "timeout";
    if (event->result == QBID_REPLAY_LOST)
        return "lost";
    return outcome ? names[outcome->kind] : event->status == 200 ? "unparsed" : "refused";
}

static struct qbid_replay_span body_of(struct qbid_replay_span request)
{
    const char *head_end = memmem(request.at, request.len, "\r\n\r\n", 4);
    if (!head_end)
        return QBID_REPLAY_SPAN("null");
    const char *body = head_end + 4;
    return (struct qbid_replay_span){body, request.len - (size_t)(body - request.at)};
}

void qbid_replay_answers_file_add(struct qbid_replay_answers_file *answers,
                                  const struct qbid_replay_row *row,
                                  const struct qbid_replay_pool_event *event,
                                  const struct qbid_replay_outcome *outcome)
{
    struct qbid_replay_buffer *line = &answers->line;
    if (!answers->file || answers->seen++ % answers->every != 0)
        return;
    bool answered = event->result == QBID_REPLAY_ANSWERED;
    qbid_replay_buffer_clear(line);
    qbid_replay_buffer_print(line, "{\"x\":%u,\"request\":", row->exchange);
    qbid_replay_buffer_add_span(line, body_of(event->request));
    qbid_replay_buffer_print(line, ",\"code\":%d,\"answer\":", event->status);
    qbid_replay_buffer_add_json(line, answered ? event->body.at : "", event->body.len);
    qbid_replay_buffer_add_text(line, ",\"market\":");
    qbid_replay_buffer_add_micros(line, row->market_micros);
    qbid_replay_buffer_add_text(line, ",\"floor\":");
    qbid_replay_buffer_add_micros(line, row->floor_micros);
    qbid_replay_buffer_print(line,
                             ",\"click\":%d,\"outcome\":\"%s\",\"loss\":%d,\"bid\":", row->click,
                             outcome_name(event, outcome), outcome ? outcome->loss_reason : 0);
    qbid_replay_buffer_add_micros(line, outcome ? outcome->bid_micros : 0);
    qbid_replay_buffer_add_text(line, ",\"settled\":");
    qbid_replay_buffer_add_micros(line, outcome ? outcome->settled_micros : 0);
    qbid_replay_buffer_add_text(line, ",\"latency_us\":");
    qbid_replay_buffer_add_int(line, answered ? (int64_t)(event->latency_ns / 1000) : 0);
    qbid_replay_buffer_add_text(line, "}\n");
    if (!line->failed)
        fwrite(line->text, 1, line->len, answers->file);
}

int qbid_replay_answers_file_done(struct qbid_replay_answers_file *answers)
{
    int err = 0;
    if (answers->file) {
        bool failed = ferror(answers->file) || answers->line.failed;
        if (fclose(answers->file) != 0 || failed)
            err = QBID_ERR_SYS;
    }
    qbid_replay_buffer_done(&answers->line);
    answers->file = NULL;
    return err;
}
