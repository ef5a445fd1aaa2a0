/* SPDX-License-Identifier: Apache-2.0 */
/* Worker slots: pages made or taken over, uids, and how long a left slot is kept back. */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/publish/publisher_state.h"
#include "shm/clock.h"
#include "shm/error.h"
#include "shm/memfd.h"

#define FOREIGN_KEPT_NS (600 * QBID_NS_PER_S) /* a left slot of a process that we cannot see */
#define TAKEN_LG_EVENTS_MAX 16                /* of a page that somebody else made */

/* Lease and limits to nothing, whoever still reads them. */
static void slot_clear(struct qbid_publisher *p, uint16_t slot)
{
    uint32_t budgets = p->params.shape.budget_max;
    atomic_store_explicit(&p->live.lease[slot].valid_until_ns, 0, memory_order_release);
    for (uint32_t b = 0; b < budgets; b++)
        atomic_store_explicit(&p->live.limit[(size_t)slot * budgets + b], 0, memory_order_release);
}

static bool process_gone(pid_t pid)
{
    return kill(pid, 0) < 0 && errno == ESRCH;
}

static bool slot_available(struct qbid_publisher_slot *s, uint64_t now_ns)
{
    if (s->state == QBID_PUBLISHER_SLOT_LEFT &&
        (s->pid > 0 ? process_gone(s->pid) : now_ns - s->left_ns > FOREIGN_KEPT_NS))
        s->state = QBID_PUBLISHER_SLOT_FREE;
    return s->state == QBID_PUBLISHER_SLOT_FREE;
}

static int slot_find(struct qbid_publisher *p)
{
    uint64_t now_ns = qbid_clock_boot_ns();
    for (uint32_t s = 0; s < p->params.shape.worker_max; s++)
        if (slot_available(&p->slots[s], now_ns))
            return (int)s;
    return QBID_ERR_FULL;
}

static bool uid_used(const struct qbid_publisher *p, uint16_t uid)
{
    for (uint32_t s = 0; s < p->params.shape.worker_max; s++)
        if (p->slots[s].state != QBID_PUBLISHER_SLOT_FREE && p->slots[s].uid == uid)
            return true;
    return false;
}

/* The uid that a worker had, unless it is none or another page's. */
static uint16_t uid_keep(const struct qbid_publisher *p, const struct qbid_publisher_slot *page,
                         uint64_t uid)
{
    if (uid > UINT16_MAX)
        return 0;
    for (uint32_t s = 0; s < p->params.shape.worker_max; s++)
        if (p->slots[s].state != QBID_PUBLISHER_SLOT_FREE && p->slots[s].uid == uid &&
            (p->slots[s].dev != page->dev || p->slots[s].ino != page->ino))
            return 0;
    return (uint16_t)uid;
}

static uint16_t uid_next(struct qbid_publisher *p)
{
    while (p->next_uid == 0 || uid_used(p, p->next_uid))
        p->next_uid++;
    return p->next_uid++;
}

/* Map a page that a worker goes on with. Nothing in it is believed but its shape, and that only
 * after the checks. */
static int page_take(struct qbid_publisher *p, int fd, struct qbid_publisher_slot *ret)
{
    unsigned lg = p->params.page_lg_events > TAKEN_LG_EVENTS_MAX ? p->params.page_lg_events
                                                                 : TAKEN_LG_EVENTS_MAX;
    struct stat st;
    int64_t most = qbid_page_footprint(QBID_LIVE_BUDGETS_MAX, lg);
    if (fstat(fd, &st) < 0)
        return QBID_ERR_SYS;
    int err = qbid_memfd_map(fd, QBID_MEMFD_PAGE, sizeof(struct qbid_page_header), (size_t)most,
                             &ret->base, &ret->bytes);
    if (err)
        return err;
    err = qbid_page_attach(ret->base, ret->bytes, &ret->page);
    if (err) {
        munmap(ret->base, ret->bytes);
        return err;
    }
    ret->dev = st.st_dev;
    ret->ino = st.st_ino;
    return 0;
}

static int page_make(struct qbid_publisher *p, struct qbid_publisher_slot *ret, int *ret_fd)
{
    int64_t bytes = qbid_page_footprint(p->params.shape.budget_max, p->params.page_lg_events);
    struct stat st;
    int err = qbid_memfd_make(QBID_MEMFD_PAGE, (size_t)bytes, ret_fd, &ret->base);
    if (err)
        return err;
    ret->bytes = (size_t)bytes;
    err = qbid_page_format(ret->base, p->params.shape.budget_max, p->params.page_lg_events,
                           &ret->page);
    if (!err && fstat(*ret_fd, &st) < 0)
        err = QBID_ERR_SYS;
    if (err) {
        munmap(ret->base, ret->bytes);
        close(*ret_fd);
        return err;
    }
    ret->dev = st.st_dev;
    ret->ino = st.st_ino;
    return 0;
}

/* A page that a worker has made for itself while nobody answered has a small ring: it would lose
 * events for as long as the worker lives. */
static bool page_fits(const struct qbid_publisher *p, const struct qbid_page *page)
{
    return page->budget_max == p->params.shape.budget_max &&
           page->event_mask + 1 >= UINT64_C(1) << p->params.page_lg_events;
}

/* A worker that comes back on a new connection before we saw the old one break. */
static void page_evict(struct qbid_publisher *p, const struct qbid_publisher_slot *page)
{
    for (uint32_t s = 0; s < p->params.shape.worker_max; s++)
        if (p->slots[s].state == QBID_PUBLISHER_SLOT_USED && p->slots[s].dev == page->dev &&
            p->slots[s].ino == page->ino)
            qbid_publisher_slot_close(p, (uint16_t)s, false);
}

/* Take a slot and tell the owner of the ledger. */
static int slot_attach(struct qbid_publisher *p, struct qbid_publisher_client *client,
                       const struct qbid_publisher_slot *page, uint64_t uid)
{
    int slot = slot_find(p);
    if (slot < 0)
        return slot;
    uint16_t kept = uid_keep(p, page, uid);
    struct qbid_publisher_slot *s = &p->slots[slot];
    *s = *page;
    s->pid = client->pid;
    s->client = client;
    s->uid = kept ? kept : uid_next(p);
    slot_clear(p, (uint16_t)slot);
    int err = p->params.attached(p->params.context, (uint16_t)slot, s->uid, &s->page);
    if (err)
        return err;
    s->state = QBID_PUBLISHER_SLOT_USED;
    return slot;
}

int qbid_publisher_slot_open(struct qbid_publisher *p, struct qbid_publisher_client *client, int fd,
                             uint64_t uid, int *ret_fd)
{
    struct qbid_publisher_slot page = {0};
    *ret_fd = -1;
    if (fd >= 0) {
        int err = page_take(p, fd, &page);
        if (err)
            qbid_publisher_log(p, QBID_PUBLISHER_LOG_PAGE,
                               "process %ld: its page is refused (%s), it gets a new one",
                               (long)client->pid, qbid_strerror(err));
        fd = err ? -1 : fd;
    }
    if (fd >= 0) {
        page_evict(p, &page);
        int slot = slot_attach(p, client, &page, uid);
        if (slot < 0)
            munmap(page.base, page.bytes);
        if (slot < 0 || page_fits(p, &page.page))
            return slot;
        /* Of another shape: what is in it is read once, then a new one takes its place. */
        qbid_publisher_slot_close(p, (uint16_t)slot, true);
        page = (struct qbid_publisher_slot){0};
    }
    int new_fd, err = page_make(p, &page, &new_fd);
    if (err)
        return err;
    int slot = slot_attach(p, client, &page, 0);
    if (slot < 0) {
        munmap(page.base, page.bytes);
        close(new_fd);
        return slot;
    }
    *ret_fd = new_fd;
    return slot;
}

void qbid_publisher_slot_close(struct qbid_publisher *p, uint16_t slot, bool in_order)
{
    struct qbid_publisher_slot *s = &p->slots[slot];
    slot_clear(p, slot);
    p->params.detached(p->params.context, slot, s->uid, &s->page);
    munmap(s->base, s->bytes);
    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++)
        if (s->client->slot[c] == slot)
            s->client->slot[c] = QBID_LIVE_SLOT_NONE;
    s->base = NULL;
    s->client = NULL;
    s->left_ns = qbid_clock_boot_ns();
    s->state = in_order ? QBID_PUBLISHER_SLOT_FREE : QBID_PUBLISHER_SLOT_LEFT;
}

void qbid_publisher_slot_settle(struct qbid_publisher *p,
                                const struct qbid_publisher_client *client)
{
    for (uint32_t s = 0; s < p->params.shape.worker_max; s++)
        if (p->slots[s].state == QBID_PUBLISHER_SLOT_LEFT && p->slots[s].pid == client->pid &&
            client->pid > 0 && p->slots[s].left_ns <= client->since_ns)
            p->slots[s].state = QBID_PUBLISHER_SLOT_FREE;
}
