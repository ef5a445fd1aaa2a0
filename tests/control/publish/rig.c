/* SPDX-License-Identifier: Apache-2.0 */
/* The publisher's test rig. */
#include "tests/control/publish/rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/error.h"
#include "shm/memfd.h"
#include "shm/watcher.h"
#include "tests/shm/image_fixture.h"
#include "tests/shm/process.h"

#define ITEMS 20

void rig_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            rig_fail(#condition, __FILE__, __LINE__);                                              \
    } while (0)

void rig_tick(struct rig *r)
{
    const struct timespec ms = {.tv_nsec = 1000000};
    qbid_publisher_tick(r->publisher);
    nanosleep(&ms, NULL);
}

static void ring_read(struct rig *r, const struct qbid_page *page)
{
    struct qbid_event event[64];
    int n;
    while ((n = qbid_ring_pop(page->ring, page->events, page->event_mask, event, 64)) > 0)
        r->events += (uint64_t)n;
}

static int on_attached(void *context, uint16_t slot, uint16_t uid, const struct qbid_page *page)
{
    struct rig *r = context;
    (void)page;
    if (r->attach_err)
        return r->attach_err;
    r->attached++;
    r->last_slot = slot, r->last_uid = uid;
    return 0;
}

static void on_detached(void *context, uint16_t slot, uint16_t uid, const struct qbid_page *page)
{
    struct rig *r = context;
    (void)slot, (void)uid;
    r->detached++;
    ring_read(r, page);
}

static void on_log(void *context, const char *line)
{
    struct rig *r = context;
    r->lines++;
    snprintf(r->last_line, sizeof r->last_line, "%s", line);
}

void rig_publisher_start(struct rig *r)
{
    MUST(qbid_publisher_new(&r->params, &r->publisher) == 0);
}

void rig_open(struct rig *r, uint16_t first_uid)
{
    memset(r, 0, sizeof *r);
    r->fds = process_fds();
    r->maps = process_maps();
    snprintf(r->folder, sizeof r->folder, "/tmp/qbid_publisher_XXXXXX");
    MUST(mkdtemp(r->folder) && chmod(r->folder, 0755) == 0);
    snprintf(r->path, sizeof r->path, "%s/socket", r->folder);
    r->report = mmap(NULL, RIG_READERS_MAX * sizeof *r->report, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(r->report != MAP_FAILED);
    r->params = (struct qbid_publisher_params){
        .socket_path = r->path,
        .socket_mode = 0666,
        .shape = {.line_item_max = ITEMS, .budget_max = RIG_BUDGETS, .worker_max = RIG_WORKERS},
        .page_lg_events = 10,
        .commit_ms = RIG_COMMIT_MS,
        .keys = {.id = {1, 0}},
        .first_uid = first_uid,
        .attached = on_attached,
        .detached = on_detached,
        .log = on_log,
        .context = r};
    rig_publisher_start(r);
}

void rig_done(struct rig *r)
{
    for (unsigned i = 0; i < RIG_READERS_MAX; i++)
        rig_reader_kill(r, i);
    qbid_publisher_free(r->publisher);
    MUST(access(r->path, F_OK) < 0);
    rmdir(r->folder);
    munmap(r->report, RIG_READERS_MAX * sizeof *r->report);
    if (process_fds() != r->fds || process_maps() != r->maps)
        rig_fail("descriptors or mappings are left", __FILE__, __LINE__);
}

/* Every line item of a generation's image carries its number. */
static void *image_build(uint64_t gen, size_t *ret_bytes)
{
    struct image_fixture f;
    image_fixture_init(&f);
    f.header.gen = gen;
    for (uint32_t i = 0; i < ITEMS; i++)
        image_fixture_line_item(&f, (struct qbid_line_item){.id = i + 1,
                                                            .campaign_id = (uint32_t)gen,
                                                            .value_micros = (float)gen});
    void *base = image_fixture_build(&f, ret_bytes);
    image_fixture_done(&f);
    return base;
}

int rig_publish(struct rig *r)
{
    size_t bytes;
    void *image = image_build(r->gen + 1, &bytes), *base;
    int fd, ro_fd;
    MUST(qbid_memfd_make(QBID_MEMFD_IMAGE, bytes, &fd, &base) == 0);
    memcpy(base, image, bytes);
    free(image);
    MUST(qbid_memfd_seal_image(fd, base, bytes, &ro_fd) == 0);
    close(fd);
    int err = qbid_publisher_publish(r->publisher, ro_fd, r->gen + 1, bytes);
    if (err)
        close(ro_fd);
    else
        r->gen++;
    return err;
}

/* --- reader processes */

static void table_read(const struct qbid_table *table, unsigned cookie, struct rig_report *report)
{
    if (!table->image.header || !table->live.header)
        return;
    uint64_t gen = table->image.header->gen;
    for (uint32_t i = 0; i < table->image.line_item_cnt; i++)
        report->broken += table->image.line_items[i].campaign_id != (uint32_t)gen;
    report->slot = table->slot[cookie];
    report->uid = table->uid[cookie];
    report->key = table->keys.id[0];
    if (table->slot[cookie] != QBID_LIVE_SLOT_NONE)
        report->limit = atomic_load(
            &table->live.limit[(size_t)table->slot[cookie] * table->live.shape.budget_max]);
    report->gen = gen;
    report->tables++;
}

void rig_child(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_range(STDERR_FILENO + 1, ~0U, 0);
}

__attribute__((noreturn)) static void reader_run(const char *path, struct rig_report *report)
{
    struct qbid_watcher_options options = {.socket_path = path, .retry_ms_max = 20};
    struct qbid_watcher *watcher;
    unsigned cookie;
    rig_child();
    qbid_watcher_thread_online();
    if (qbid_watcher_new(&options, &watcher) || qbid_watcher_add_worker(watcher, 500, &cookie))
        _exit(1);
    for (uint64_t n = 1;; n++) {
        const struct timespec pause = {.tv_nsec = 200000};
        const struct qbid_table *table = qbid_watcher_read_lock(watcher);
        table_read(table, cookie, report);
        struct qbid_event event = {.kind = QBID_EVENT_NOBID, .nonce = n};
        if (table->page[cookie].header)
            report->pushed += qbid_page_push(&table->page[cookie], &event);
        qbid_watcher_read_unlock(watcher);
        nanosleep(&pause, NULL);
    }
}

void rig_reader_start(struct rig *r, unsigned i)
{
    memset(&r->report[i], 0, sizeof r->report[i]);
    r->report[i].slot = QBID_LIVE_SLOT_NONE;
    r->reader[i] = fork();
    MUST(r->reader[i] >= 0);
    if (r->reader[i] == 0)
        reader_run(r->path, &r->report[i]);
    RIG_UNTIL(r, r->report[i].gen == r->gen && r->report[i].slot != QBID_LIVE_SLOT_NONE);
}

void rig_reader_kill(struct rig *r, unsigned i)
{
    if (r->reader[i] <= 0)
        return;
    kill(r->reader[i], SIGKILL);
    waitpid(r->reader[i], NULL, 0);
    r->reader[i] = 0;
}

void rig_reader_stop(struct rig *r, unsigned i)
{
    int status;
    kill(r->reader[i], SIGSTOP);
    MUST(waitpid(r->reader[i], &status, WUNTRACED) == r->reader[i] && WIFSTOPPED(status));
}

/* --- raw clients */

int rig_connect(struct rig *r, bool greet)
{
    int sock = qbid_handover_connect(r->path, 1000);
    MUST(sock >= 0);
    MUST(fcntl(sock, F_SETFL, O_NONBLOCK) == 0);
    rig_tick(r);
    if (greet)
        rig_say(r, sock, QBID_MSG_HELLO, (uint64_t)getpid(), 0, -1);
    return sock;
}

void rig_say(struct rig *r, int sock, enum qbid_msg_type type, uint64_t a, uint64_t b, int fd)
{
    struct qbid_msg msg = qbid_handover_msg(type);
    msg.u.n.a = a;
    msg.u.n.b = b;
    qbid_handover_send(sock, &msg, fd);
    rig_tick(r);
}

bool rig_hear(struct rig *r, int sock, enum qbid_msg_type type, struct qbid_msg *ret_msg,
              int *ret_fd)
{
    for (int i = 0; i < 200; i++) {
        struct qbid_msg msg;
        int fd = -1, err = qbid_handover_recv(sock, &msg, &fd);
        if (err < 0)
            return false;
        if (err == 0) {
            rig_tick(r);
            continue;
        }
        bool right = msg.type == type;
        if (fd >= 0 && !(right && ret_fd))
            close(fd);
        if (!right)
            continue;
        if (ret_fd)
            *ret_fd = fd;
        *ret_msg = msg;
        return true;
    }
    return false;
}

int rig_worker(struct rig *r, int sock, uint64_t cookie, int page_fd, int *ret_fd)
{
    struct qbid_msg msg;
    int fd = -1;
    rig_say(r, sock, QBID_MSG_WORKER, cookie, 0, page_fd);
    if (!rig_hear(r, sock, QBID_MSG_PAGE, &msg, &fd))
        return -1;
    if (ret_fd)
        *ret_fd = fd;
    else if (fd >= 0)
        close(fd);
    MUST(msg.u.n.a == cookie);
    return (int)msg.u.n.b;
}

uint32_t rig_workers(const struct rig *r)
{
    struct qbid_publisher_worker worker[RIG_WORKERS];
    return qbid_publisher_workers(r->publisher, worker, RIG_WORKERS);
}

bool rig_hung_up(struct rig *r, int sock)
{
    for (int quiet = 0; quiet < 200;) {
        struct qbid_msg msg;
        int fd = -1, err = qbid_handover_recv(sock, &msg, &fd);
        if (err < 0)
            return err == QBID_ERR_CLOSED;
        if (fd >= 0)
            close(fd);
        if (err == 0) {
            quiet++;
            rig_tick(r);
        }
    }
    return false;
}

int rig_page(uint32_t budgets, unsigned lg, bool seal, struct qbid_page *ret_page, void **ret_base,
             size_t *ret_bytes)
{
    int64_t bytes = qbid_page_footprint(budgets, lg);
    int fd;
    if (seal) {
        MUST(qbid_memfd_make(QBID_MEMFD_PAGE, (size_t)bytes, &fd, ret_base) == 0);
    } else {
        fd = memfd_create("page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        MUST(ftruncate(fd, bytes) == 0);
        *ret_base = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    MUST(qbid_page_format(*ret_base, budgets, lg, ret_page) == 0);
    *ret_bytes = (size_t)bytes;
    return fd;
}
