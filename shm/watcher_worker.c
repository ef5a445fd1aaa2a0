/* SPDX-License-Identifier: Apache-2.0 */
/* Workers coming and going: their cookies, pages and slots. */
#include <sys/socket.h>
#include <unistd.h>

#include "shm/rcu.h"
#include "shm/watcher_state.h"

/* The page that a worker gets when no qbidd answers: it cannot bid, but it counts and keeps notices
 * until qbidd comes. 4,096 events are 256 KiB. */
#define OWN_PAGE_LG_EVENTS 12
#define OWN_PAGE_BUDGETS_MIN 64

static const struct qbid_seat no_seat = {.slot = QBID_LIVE_SLOT_NONE};

void qbid_watcher_worker_ask(struct qbid_watcher *watcher, unsigned cookie)
{
    const struct qbid_seat *seat = &watcher->now.seat[cookie];
    watcher->worker[cookie].awaiting = true;
    qbid_watcher_link_send(watcher, QBID_MSG_WORKER, cookie, seat->uid,
                           seat->page != NULL ? seat->page->fd : -1);
}

void qbid_watcher_worker_ask_all(struct qbid_watcher *watcher)
{
    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++) {
        if (watcher->worker[c].state == QBID_WORKER_FREE)
            continue;
        qbid_watcher_worker_ask(watcher, c);
        if (watcher->worker[c].state == QBID_WORKER_LEAVING)
            qbid_watcher_link_send(watcher, QBID_MSG_GONE, c, 0, -1);
    }
}

void qbid_watcher_worker_forget(struct qbid_watcher *watcher)
{
    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++) {
        watcher->worker[c].awaiting = false;
        if (watcher->worker[c].state == QBID_WORKER_LEAVING && watcher->now.seat[c].page == NULL)
            watcher->worker[c].state = QBID_WORKER_FREE;
    }
}

bool qbid_watcher_worker_ready(const struct qbid_watcher *watcher)
{
    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++) {
        if (watcher->worker[c].state == QBID_WORKER_OPEN && watcher->worker[c].awaiting)
            return false;
    }
    return true;
}

/* The answer to a worker that has left: its page, if qbidd was to have it, is not ours any more. */
static int page_of_leaver(struct qbid_watcher *watcher, unsigned cookie, int fd)
{
    if (fd >= 0)
        close(fd);
    watcher->worker[cookie].state = QBID_WORKER_FREE;
    if (watcher->now.seat[cookie].page != NULL)
        qbid_watcher_set_seat(watcher, cookie, no_seat);
    return 0;
}

int qbid_watcher_worker_page(struct qbid_watcher *watcher, const struct qbid_msg *msg, int fd)
{
    uint64_t cookie = msg->u.n.a, slot = msg->u.n.b, uid = msg->u.n.c;
    if (cookie >= QBID_HANDOVER_COOKIES_MAX || !watcher->worker[cookie].awaiting ||
        watcher->next.live == NULL || uid > UINT16_MAX ||
        (slot != QBID_LIVE_SLOT_NONE && slot >= watcher->next.live->as.live.shape.worker_max))
        return QBID_ERR_PEER;
    if (watcher->worker[cookie].state == QBID_WORKER_LEAVING) {
        watcher->worker[cookie].awaiting = false;
        return page_of_leaver(watcher, (unsigned)cookie, fd);
    }
    struct qbid_part *page = NULL;
    int rc = fd >= 0 ? qbid_part_page(fd, &page) : 0;
    if (rc < 0)
        return rc;
    if (fd < 0)
        page = qbid_part_hold(watcher->next.seat[cookie].page);
    if (page == NULL)
        return QBID_ERR_PEER; /* "go on with yours", and there is none */
    watcher->worker[cookie].awaiting = false;
    qbid_bundle_set_seat(&watcher->next, (unsigned)cookie,
                         (struct qbid_seat){page, (uint16_t)slot, (uint16_t)uid});
    return 0;
}

void qbid_watcher_worker_rest(struct qbid_watcher *watcher, struct qbid_part *page)
{
    const struct qbid_ring *ring = page->as.page.ring;
    if (atomic_load_explicit(&ring->head, memory_order_relaxed) ==
        atomic_load_explicit(&ring->tail, memory_order_relaxed))
        return;
    unsigned c = 0;
    while (c < QBID_HANDOVER_COOKIES_MAX && watcher->worker[c].state != QBID_WORKER_FREE)
        c++;
    if (c == QBID_HANDOVER_COOKIES_MAX)
        return;
    watcher->worker[c].state = QBID_WORKER_LEAVING;
    qbid_bundle_set_seat(&watcher->now, c,
                         (struct qbid_seat){qbid_part_hold(page), QBID_LIVE_SLOT_NONE, 0});
    qbid_bundle_set_seat(&watcher->next, c,
                         (struct qbid_seat){qbid_part_hold(page), QBID_LIVE_SLOT_NONE, 0});
    qbid_watcher_worker_ask(watcher, c);
    qbid_watcher_link_send(watcher, QBID_MSG_GONE, c, 0, -1);
}

/* A place for a new worker: a free one, else that of a worker whose page waited for qbidd longest
 * enough that nothing better is left. */
static int find_cookie(const struct qbid_watcher *watcher)
{
    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++) {
        if (watcher->worker[c].state == QBID_WORKER_FREE)
            return (int)c;
    }
    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++) {
        if (watcher->worker[c].state == QBID_WORKER_LEAVING && !watcher->worker[c].awaiting)
            return (int)c;
    }
    return QBID_ERR_FULL;
}

/* As qbidd would shape it, as far as that is known. */
static uint32_t budgets_needed(const struct qbid_bundle *bundle)
{
    if (bundle->live != NULL)
        return bundle->live->as.live.shape.budget_max;
    const struct qbid_image *image = bundle->image != NULL ? &bundle->image->as.image : NULL;
    uint32_t most = OWN_PAGE_BUDGETS_MIN;
    for (uint32_t i = 0; image != NULL && i < image->line_item_cnt; i++) {
        if (image->line_items[i].budget_idx >= most)
            most = image->line_items[i].budget_idx + 1;
    }
    return most;
}

/* A page of our own. An open question for it is withdrawn by hanging up: the next connection hands
 * this page over, so that what the worker writes into it is not lost. */
static int make_own_page(struct qbid_watcher *watcher, unsigned cookie)
{
    struct qbid_part *page;
    int rc = qbid_part_page_make(budgets_needed(&watcher->now), OWN_PAGE_LG_EVENTS, &page);
    if (rc < 0)
        return rc;
    if (watcher->worker[cookie].awaiting)
        shutdown(watcher->sock, SHUT_RDWR);
    return qbid_watcher_set_seat(watcher, cookie, (struct qbid_seat){page, QBID_LIVE_SLOT_NONE, 0});
}

static int add_worker(struct qbid_watcher *watcher, unsigned timeout_ms, unsigned *ret_cookie)
{
    struct timespec until = qbid_watcher_after_ms(timeout_ms);
    pthread_mutex_lock(&watcher->lock);
    int cookie = find_cookie(watcher), rc = 0;
    if (cookie < 0) {
        pthread_mutex_unlock(&watcher->lock);
        return cookie;
    }
    if (watcher->now.seat[cookie].page != NULL)
        rc = qbid_watcher_set_seat(watcher, (unsigned)cookie, no_seat);
    if (rc == 0) {
        watcher->worker[cookie].state = QBID_WORKER_OPEN;
        if (qbid_watcher_linked(watcher))
            qbid_watcher_worker_ask(watcher, (unsigned)cookie);
        while (rc == 0 && watcher->link != QBID_LINK_DOWN && watcher->now.seat[cookie].page == NULL)
            rc = pthread_cond_timedwait(&watcher->changed, &watcher->lock, &until);
        rc = watcher->now.seat[cookie].page != NULL ? 0 : make_own_page(watcher, (unsigned)cookie);
        if (rc < 0)
            watcher->worker[cookie].state =
                watcher->worker[cookie].awaiting ? QBID_WORKER_LEAVING : QBID_WORKER_FREE;
    }
    pthread_mutex_unlock(&watcher->lock);
    if (rc == 0)
        *ret_cookie = (unsigned)cookie;
    return rc;
}

int qbid_watcher_add_worker(struct qbid_watcher *watcher, unsigned timeout_ms, unsigned *ret_cookie)
{
    bool online = qbid_rcu_wait_begin();
    int rc = add_worker(watcher, timeout_ms, ret_cookie);
    qbid_rcu_wait_end(online);
    return rc;
}

void qbid_watcher_remove_worker(struct qbid_watcher *watcher, unsigned cookie)
{
    bool online = qbid_rcu_wait_begin();
    pthread_mutex_lock(&watcher->lock);
    if (cookie < QBID_HANDOVER_COOKIES_MAX && watcher->worker[cookie].state == QBID_WORKER_OPEN) {
        bool linked = qbid_watcher_linked(watcher);
        if (linked)
            qbid_watcher_link_send(watcher, QBID_MSG_GONE, cookie, 0, -1);
        /* While qbidd is away the page is kept for it: it holds events and committed money. */
        bool keep = !linked && watcher->socket_path != NULL;
        watcher->worker[cookie].state =
            keep || watcher->worker[cookie].awaiting ? QBID_WORKER_LEAVING : QBID_WORKER_FREE;
        if (!keep)
            qbid_watcher_set_seat(watcher, cookie, no_seat);
    }
    pthread_mutex_unlock(&watcher->lock);
    qbid_rcu_wait_end(online);
}
