/* SPDX-License-Identifier: Apache-2.0 */
/* The worker page: laid out by its maker, checked by everyone who maps it. */
#include "shm/page.h"

#include <string.h>

#include "shm/error.h"
#include "shm/image.h"
#include "shm/live.h"

/* Sizes that both sides must agree on; the page of another layout is refused. */
#define COLUMNS 2 /* by budget: committed, refused */
#define FINGERPRINT                                                                                \
    ((uint64_t)sizeof(struct qbid_page_header) | (uint64_t)(COLUMNS - 1) << 15 |                   \
     (uint64_t)sizeof(struct qbid_ring) << 16 | (uint64_t)sizeof(struct qbid_event) << 32 |        \
     (uint64_t)QBID_COUNTER_CNT << 40 | (uint64_t)QBID_NOBID_CNT << 48 |                           \
     (uint64_t)(QBID_LATENCY_CNT << 4 | QBID_LATENCY_LG_SUB) << 56)

struct layout {
    uint64_t committed_off, refused_off, latency_off, ring_off, events_off, bytes;
};

static int lay_out(uint32_t budget_max, unsigned lg_events, struct layout *ret_layout)
{
    if (budget_max - 1u >= QBID_LIVE_BUDGETS_MAX || lg_events < QBID_PAGE_RING_LG_MIN ||
        lg_events > QBID_PAGE_RING_LG_MAX)
        return QBID_ERR_LIMIT;
    struct layout l;
    uint64_t column = (uint64_t)budget_max * sizeof(_Atomic int64_t);
    l.committed_off = sizeof(struct qbid_page_header);
    l.refused_off = l.committed_off + column;
    l.latency_off = (l.committed_off + COLUMNS * column + QBID_CACHE_LINE - 1) &
                    ~(uint64_t)(QBID_CACHE_LINE - 1);
    l.ring_off = l.latency_off + QBID_LATENCY_CNT * sizeof(struct qbid_latency);
    l.events_off = l.ring_off + sizeof(struct qbid_ring);
    l.bytes = l.events_off + (sizeof(struct qbid_event) << lg_events);
    *ret_layout = l;
    return 0;
}

static void resolve(void *base, const struct layout *l, uint32_t budget_max, unsigned lg_events,
                    struct qbid_page *ret_page)
{
    char *bytes = base;
    ret_page->header = base;
    ret_page->committed = (void *)(bytes + l->committed_off);
    ret_page->refused = (void *)(bytes + l->refused_off);
    ret_page->latency = (void *)(bytes + l->latency_off);
    ret_page->ring = (void *)(bytes + l->ring_off);
    ret_page->events = (void *)(bytes + l->events_off);
    ret_page->event_mask = (UINT64_C(1) << lg_events) - 1;
    ret_page->budget_max = budget_max;
}

int64_t qbid_page_footprint(uint32_t budget_max, unsigned lg_events)
{
    struct layout l;
    int rc = lay_out(budget_max, lg_events, &l);
    return rc < 0 ? rc : (int64_t)l.bytes;
}

int qbid_page_format(void *base, uint32_t budget_max, unsigned lg_events,
                     struct qbid_page *ret_page)
{
    struct layout l;
    int rc = lay_out(budget_max, lg_events, &l);
    if (rc < 0)
        return rc;
    struct qbid_page_header *header = base;
    header->abi_major = QBID_ABI_MAJOR;
    header->abi_minor = QBID_ABI_MINOR;
    header->lg_events = lg_events;
    header->fingerprint = FINGERPRINT;
    header->bytes = l.bytes;
    header->budget_max = budget_max;
    header->committed_off = l.committed_off;
    header->ring_off = l.ring_off;
    header->events_off = l.events_off;
    resolve(base, &l, budget_max, lg_events, ret_page);
    __atomic_store_n(&header->magic, QBID_PAGE_MAGIC, __ATOMIC_RELEASE);
    return 0;
}

int qbid_page_attach(void *base, size_t bytes, struct qbid_page *ret_page)
{
    struct qbid_page_header *shared = base;
    if ((uintptr_t)base % QBID_CACHE_LINE != 0)
        return QBID_ERR_INVAL;
    if (bytes < sizeof *shared)
        return QBID_ERR_CORRUPT;
    if (__atomic_load_n(&shared->magic, __ATOMIC_ACQUIRE) != QBID_PAGE_MAGIC)
        return QBID_ERR_VERSION;
    /* The other side can still write: what is checked must be what is used. */
    struct qbid_page_header header;
    memcpy(&header, shared, offsetof(struct qbid_page_header, heartbeat_ns));
    if (header.abi_major != QBID_ABI_MAJOR || header.fingerprint != FINGERPRINT)
        return QBID_ERR_VERSION;

    struct layout l;
    if (lay_out(header.budget_max, header.lg_events, &l) < 0 || header.bytes != l.bytes ||
        bytes != l.bytes || header.committed_off != l.committed_off ||
        header.ring_off != l.ring_off || header.events_off != l.events_off)
        return QBID_ERR_CORRUPT;
    resolve(base, &l, header.budget_max, header.lg_events, ret_page);
    return 0;
}
