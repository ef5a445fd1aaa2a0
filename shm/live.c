/* SPDX-License-Identifier: Apache-2.0 */
/* The live page: laid out by control, checked by everyone who maps it. */
#include "shm/live.h"

#include <string.h>

#include "shm/error.h"
#include "shm/image.h"

/* Sizes that both sides must agree on; the page of another layout is refused. */
#define FINGERPRINT                                                                                \
    ((uint64_t)sizeof(struct qbid_live_header) | (uint64_t)sizeof(struct qbid_live_lease) << 16 |  \
     (uint64_t)sizeof(int64_t) << 32 | (uint64_t)sizeof(uint32_t) << 40 |                          \
     (uint64_t)sizeof(struct qbid_live_override) << 48)

struct layout {
    uint64_t pace_off, qstate_off, lease_off, limit_off, override_off, frequency_off, bytes;
};

static uint64_t to_line(uint64_t bytes)
{
    return (bytes + QBID_CACHE_LINE - 1) & ~(uint64_t)(QBID_CACHE_LINE - 1);
}

/* frequency_lg as in the header: 1 + log2 of buckets, 0 = none. */
static int lay_out(struct qbid_live_shape shape, uint32_t frequency_lg, struct layout *ret_layout)
{
    if (shape.line_item_max - 1u >= QBID_LINE_ITEMS_MAX ||
        shape.budget_max - 1u >= QBID_LIVE_BUDGETS_MAX ||
        shape.worker_max - 1u >= QBID_LIVE_WORKERS_MAX || frequency_lg > QBID_FREQUENCY_LG_MAX + 1)
        return QBID_ERR_LIMIT;
    struct layout l;
    uint64_t words = to_line((uint64_t)shape.line_item_max * sizeof(uint32_t));
    l.pace_off = sizeof(struct qbid_live_header);
    l.qstate_off = l.pace_off + words;
    l.lease_off = to_line(l.qstate_off + shape.line_item_max);
    l.limit_off = l.lease_off + (uint64_t)shape.worker_max * sizeof(struct qbid_live_lease);
    l.override_off = to_line(l.limit_off + (uint64_t)shape.worker_max * shape.budget_max *
                                               sizeof(_Atomic int64_t));
    l.frequency_off =
        to_line(l.override_off + (uint64_t)shape.line_item_max * sizeof(struct qbid_live_override));
    l.bytes = l.frequency_off + (frequency_lg ? qbid_frequency_bytes(frequency_lg - 1) : 0);
    *ret_layout = l;
    return 0;
}

static void resolve(void *base, const struct layout *l, struct qbid_live_shape shape,
                    uint32_t frequency_lg, struct qbid_live *ret_live)
{
    char *bytes = base;
    ret_live->header = base;
    ret_live->pace = (void *)(bytes + l->pace_off);
    ret_live->qstate = (void *)(bytes + l->qstate_off);
    ret_live->limit = (void *)(bytes + l->limit_off);
    ret_live->lease = (void *)(bytes + l->lease_off);
    ret_live->override = (void *)(bytes + l->override_off);
    ret_live->frequency = (struct qbid_frequency){0};
    if (frequency_lg)
        ret_live->frequency = qbid_frequency_at(bytes + l->frequency_off, frequency_lg - 1);
    ret_live->shape = shape;
}

static int64_t footprint(struct qbid_live_shape shape, uint32_t frequency_lg)
{
    struct layout l;
    int rc = lay_out(shape, frequency_lg, &l);
    return rc < 0 ? rc : (int64_t)l.bytes;
}

int64_t qbid_live_footprint(struct qbid_live_shape shape)
{
    return footprint(shape, 0);
}

int64_t qbid_live_footprint_counting(struct qbid_live_shape shape, unsigned lg_buckets)
{
    return lg_buckets > QBID_FREQUENCY_LG_MAX ? QBID_ERR_LIMIT : footprint(shape, lg_buckets + 1);
}

static int format(void *base, struct qbid_live_shape shape, uint32_t frequency_lg,
                  uint32_t owner_pid, struct qbid_live *ret_live)
{
    struct layout l;
    int rc = lay_out(shape, frequency_lg, &l);
    if (rc < 0)
        return rc;
    struct qbid_live_header *header = base;
    header->abi_major = QBID_ABI_MAJOR;
    header->abi_minor = QBID_ABI_MINOR;
    header->owner_pid = owner_pid;
    header->fingerprint = FINGERPRINT;
    header->bytes = l.bytes;
    header->line_item_max = shape.line_item_max;
    header->budget_max = shape.budget_max;
    header->worker_max = shape.worker_max;
    header->frequency_lg = frequency_lg;
    header->pace_off = l.pace_off;
    header->qstate_off = l.qstate_off;
    header->limit_off = l.limit_off;
    header->valid_until_off = l.lease_off;
    header->override_off = l.override_off;
    resolve(base, &l, shape, frequency_lg, ret_live);
    __atomic_store_n(&header->magic, QBID_LIVE_MAGIC, __ATOMIC_RELEASE);
    return 0;
}

int qbid_live_format(void *base, struct qbid_live_shape shape, uint32_t owner_pid,
                     struct qbid_live *ret_live)
{
    return format(base, shape, 0, owner_pid, ret_live);
}

int qbid_live_format_counting(void *base, struct qbid_live_shape shape, unsigned lg_buckets,
                              uint32_t owner_pid, struct qbid_live *ret_live)
{
    if (lg_buckets > QBID_FREQUENCY_LG_MAX)
        return QBID_ERR_LIMIT;
    return format(base, shape, lg_buckets + 1, owner_pid, ret_live);
}

int qbid_live_attach(void *base, size_t bytes, struct qbid_live *ret_live)
{
    struct qbid_live_header *shared = base;
    if ((uintptr_t)base % QBID_CACHE_LINE != 0)
        return QBID_ERR_INVAL;
    if (bytes < sizeof *shared)
        return QBID_ERR_CORRUPT;
    if (__atomic_load_n(&shared->magic, __ATOMIC_ACQUIRE) != QBID_LIVE_MAGIC)
        return QBID_ERR_VERSION;
    /* The owner can still write: what is checked must be what is used. */
    struct qbid_live_header header;
    memcpy(&header, shared, offsetof(struct qbid_live_header, heartbeat_ns));
    if (header.abi_major != QBID_ABI_MAJOR || header.fingerprint != FINGERPRINT)
        return QBID_ERR_VERSION;

    struct qbid_live_shape shape = {header.line_item_max, header.budget_max, header.worker_max};
    struct layout l;
    if (lay_out(shape, header.frequency_lg, &l) < 0 || header.bytes != l.bytes ||
        bytes != l.bytes || header.pace_off != l.pace_off || header.qstate_off != l.qstate_off ||
        header.limit_off != l.limit_off || header.valid_until_off != l.lease_off ||
        header.override_off != l.override_off)
        return QBID_ERR_CORRUPT;
    resolve(base, &l, shape, header.frequency_lg, ret_live);
    return 0;
}
