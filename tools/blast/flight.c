/* SPDX-License-Identifier: Apache-2.0 */
/* A window of numbered requests over one UDP socket. */
#include "tools/blast/flight.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shm/error.h"
#include "tools/blast/check.h"

#define BATCH 32
#define ANSWER_MAX 9000
#define BUFFER_BYTES (8 << 20)
#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define TABLE (4 * QBID_BLAST_WINDOW_MAX) /* requests that are remembered, a power of two */

/* A request that is under way. */
struct under_way {
    uint64_t number;
    uint64_t due_ns; /* when it was sent, or should have been */
    bool waiting;
    uint16_t len; /* kept for an echo, or for the file of answers */
    struct qbid_blast_request request;
    uint8_t bytes[QBID_BLAST_REQUEST_MAX];
};

struct flight {
    const struct qbid_blast_options *options;
    struct qbid_blast_stats *stats;
    FILE *answers;
    int fd;
    uint64_t start_ns, end_ns; /* of sending */
    uint64_t next, oldest;     /* numbers: to send, to look for overdue ones */
    uint64_t waiting;          /* under way */
    struct under_way *table;
    uint8_t in[BATCH][ANSWER_MAX];
};

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static struct under_way *place(struct flight *f, uint64_t number)
{
    return &f->table[number & (TABLE - 1)];
}

/* --- out */

/* Requests that may be sent now. */
static unsigned allowed(const struct flight *f, uint64_t now_ns)
{
    const struct qbid_blast_options *o = f->options;
    if (now_ns >= f->end_ns || (o->count != 0 && f->next >= o->count) || f->waiting >= o->window ||
        f->next - f->oldest >= TABLE)
        return 0;
    uint64_t n = o->window - f->waiting;
    if (o->rate != 0) {
        double due = (double)(now_ns - f->start_ns) * 1e-9 * o->rate + 1;
        uint64_t behind = due > (double)f->next ? (uint64_t)(due - (double)f->next) : 0;
        n = n < behind ? n : behind;
    }
    if (o->count != 0 && n > o->count - f->next)
        n = o->count - f->next;
    return (unsigned)(n < BATCH ? n : BATCH);
}

static uint64_t due_of(const struct flight *f, uint64_t number, uint64_t now_ns)
{
    if (f->options->rate == 0)
        return now_ns;
    return f->start_ns + (uint64_t)((double)number / f->options->rate * 1e9);
}

/* A kernel that has no room sends the rest next time. */
static unsigned send_some(struct flight *f, unsigned n)
{
    struct mmsghdr msg[BATCH];
    struct iovec iov[BATCH];
    for (unsigned i = 0; i < n; i++) {
        struct under_way *u = place(f, f->next + i);
        u->number = f->next + i;
        u->len = (uint16_t)qbid_blast_request_make(f->options, u->number, u->bytes, &u->request);
        iov[i] = (struct iovec){u->bytes, u->len};
        msg[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
    }
    uint64_t now_ns = clock_ns();
    int sent = sendmmsg(f->fd, msg, n, 0);
    for (int i = 0; i < sent; i++) {
        struct under_way *u = place(f, f->next);
        u->due_ns = due_of(f, f->next++, now_ns);
        u->waiting = true;
        f->waiting++;
        f->stats->sent += !u->request.cut;
        f->stats->cut += u->request.cut;
        f->stats->sent_bytes += u->len;
    }
    return sent > 0 ? (unsigned)sent : 0;
}

/* --- in */

static void write_pair(struct flight *f, const struct under_way *u, const uint8_t *bytes,
                       size_t len)
{
    uint32_t head = htonl(u->len);
    fwrite(&head, sizeof head, 1, f->answers);
    fwrite(u->bytes, 1, u->len, f->answers);
    head = htonl((uint32_t)len);
    fwrite(&head, sizeof head, 1, f->answers);
    fwrite(bytes, 1, len, f->answers);
}

static void wrong(struct flight *f, const char *why)
{
    f->stats->wrong++;
    if (!f->stats->why)
        f->stats->why = why;
}

static void judge(struct flight *f, const struct under_way *u, const struct qbid_blast_answer *a,
                  const uint8_t *bytes, size_t len)
{
    const char *why;
    switch (qbid_blast_check(&u->request, a, &why)) {
    case QBID_BLAST_BID:
        f->stats->bids++;
        break;
    case QBID_BLAST_NOBID:
        f->stats->nobids++;
        break;
    case QBID_BLAST_ERROR:
        break;
    default:
        wrong(f, why);
        return;
    }
    if (f->answers && !u->request.cut)
        write_pair(f, u, bytes, len);
}

/* The request that an answer belongs to; an echo carries the request's own bytes, in which the id
 * stands at the same place always. */
static uint64_t number_of(const struct flight *f, const uint8_t *bytes, size_t len,
                          struct qbid_blast_answer *ret)
{
    *ret = (struct qbid_blast_answer){0};
    if (!f->options->echo) {
        qbid_blast_answer_read(bytes, len, ret);
        return qbid_blast_request_number(ret->id, ret->id_len);
    }
    static const char head[] = "b1a57000-";
    const uint8_t *at = memmem(bytes, len, head, sizeof head - 1);
    return at && (size_t)(bytes + len - at) >= QBID_BLAST_ID_CHARS
               ? qbid_blast_request_number((const char *)at, QBID_BLAST_ID_CHARS)
               : UINT64_MAX;
}

static void land(struct flight *f, const uint8_t *bytes, size_t len, uint64_t now_ns)
{
    struct qbid_blast_answer answer;
    uint64_t number = number_of(f, bytes, len, &answer);
    struct under_way *u = place(f, number);
    f->stats->received_bytes += len;
    if (answer.has_error && answer.id_len == 0) {
        f->stats->cut_answered++; /* in JSON nothing in it names its request, which stays overdue */
        return;
    }
    if (answer.wrong && number == UINT64_MAX) {
        wrong(f, answer.wrong);
        return;
    }
    if (number == UINT64_MAX || !u->waiting || u->number != number) {
        f->stats->stray++;
        return;
    }
    u->waiting = false;
    f->waiting--;
    qbid_replay_histogram_add(&f->stats->latency, now_ns - u->due_ns);
    f->stats->answered += !u->request.cut;
    f->stats->cut_answered += u->request.cut;
    if (!f->options->echo)
        judge(f, u, &answer, bytes, len);
    else if (len != u->len || memcmp(bytes, u->bytes, len) != 0)
        wrong(f, "not its echo");
}

static unsigned receive_some(struct flight *f)
{
    struct mmsghdr msg[BATCH];
    struct iovec iov[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){f->in[i], ANSWER_MAX};
        msg[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
    }
    int n = recvmmsg(f->fd, msg, BATCH, MSG_DONTWAIT, NULL);
    uint64_t now_ns = n > 0 ? clock_ns() : 0;
    for (int i = 0; i < n; i++)
        land(f, f->in[i], msg[i].msg_len, now_ns);
    return n > 0 ? (unsigned)n : 0;
}

/* Give up on what is overdue: a malformed one may stay without an answer. */
static void expire(struct flight *f, uint64_t now_ns)
{
    uint64_t timeout_ns = f->options->timeout_ms * NS_PER_MS;
    for (; f->oldest < f->next; f->oldest++) {
        struct under_way *u = place(f, f->oldest);
        if (u->waiting && now_ns < u->due_ns + timeout_ns)
            return;
        if (!u->waiting)
            continue;
        u->waiting = false;
        f->waiting--;
        f->stats->lost += !u->request.cut;
    }
}

/* --- the loop */

static void pause_for_work(struct flight *f, uint64_t now_ns)
{
    struct pollfd p = {.fd = f->fd, .events = POLLIN};
    uint64_t wait_ns = 10 * NS_PER_MS;
    if (f->options->rate != 0 && now_ns < f->end_ns && f->waiting < f->options->window) {
        uint64_t due_ns = due_of(f, f->next, now_ns);
        wait_ns = due_ns > now_ns ? due_ns - now_ns : 0;
    }
    struct timespec wait = {.tv_nsec = (long)(wait_ns < NS_PER_S ? wait_ns : NS_PER_S - 1)};
    (void)ppoll(&p, 1, &wait, NULL);
}

static bool over(const struct flight *f, uint64_t now_ns)
{
    bool sent_all = now_ns >= f->end_ns || (f->options->count != 0 && f->next >= f->options->count);
    return sent_all && f->waiting == 0;
}

static void loop(struct flight *f)
{
    const struct qbid_blast_options *o = f->options;
    f->start_ns = clock_ns();
    f->end_ns = o->count != 0 ? UINT64_MAX : f->start_ns + (uint64_t)(o->seconds * 1e9);
    for (;;) {
        uint64_t now_ns = clock_ns();
        expire(f, now_ns);
        if (over(f, now_ns))
            break;
        unsigned n = allowed(f, now_ns);
        unsigned moved = n != 0 ? send_some(f, n) : 0;
        moved += receive_some(f);
        if (moved == 0 && !o->spin)
            pause_for_work(f, clock_ns());
    }
    f->stats->seconds = (double)(clock_ns() - f->start_ns) * 1e-9;
}

static int open_socket(const struct qbid_blast_options *o)
{
    const int bytes = BUFFER_BYTES, yes = 1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* beyond the system's limit only for root: less is slower, not wrong */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (o->no_checksum)
        (void)setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &yes, sizeof yes);
    const struct sockaddr_in *from = o->serve ? &o->to : &o->bind;
    if (bind(fd, (const struct sockaddr *)from, sizeof *from) == 0 &&
        (o->serve || connect(fd, (const struct sockaddr *)&o->to, sizeof o->to) == 0))
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

int qbid_blast_fly(const struct qbid_blast_options *options, FILE *answers,
                   struct qbid_blast_stats *ret_stats)
{
    struct flight *f = calloc(1, sizeof *f);
    if (!f)
        return QBID_ERR_SYS;
    f->options = options;
    f->stats = ret_stats;
    f->answers = answers;
    f->table = calloc(TABLE, sizeof *f->table);
    f->fd = open_socket(options);
    memset(ret_stats, 0, sizeof *ret_stats);
    int err = f->table && f->fd >= 0 ? 0 : QBID_ERR_SYS;
    if (err == 0)
        loop(f);
    int saved = errno;
    if (f->fd >= 0)
        close(f->fd);
    free(f->table);
    free(f);
    errno = saved;
    return err;
}

int qbid_blast_serve(const struct qbid_blast_options *options)
{
    static uint8_t bytes[BATCH][ANSWER_MAX];
    struct sockaddr_in from[BATCH];
    struct mmsghdr msg[BATCH];
    struct iovec iov[BATCH];
    int fd = open_socket(options);
    while (fd >= 0) {
        for (unsigned i = 0; i < BATCH; i++) {
            iov[i] = (struct iovec){bytes[i], ANSWER_MAX};
            msg[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &from[i],
                                                  .msg_namelen = sizeof from[i],
                                                  .msg_iov = &iov[i],
                                                  .msg_iovlen = 1}};
        }
        int n = recvmmsg(fd, msg, BATCH, MSG_WAITFORONE, NULL);
        if (n < 0 && errno != EINTR)
            break;
        for (int i = 0; i < n; i++)
            iov[i].iov_len = msg[i].msg_len;
        for (int sent = 0, more; sent < n; sent += more)
            if ((more = sendmmsg(fd, msg + sent, (unsigned)(n - sent), 0)) <= 0)
                more = 1; /* that one is lost */
    }
    return QBID_ERR_SYS;
}
