/* SPDX-License-Identifier: Apache-2.0 */
/* From a descriptor that nothing is known of to a checked mapping. */
#include "shm/part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/error.h"
#include "shm/memfd.h"

/* Takes the mapping over, also when it fails. */
static int part_new(void *base, size_t bytes, struct qbid_part **ret_part)
{
    struct qbid_part *part = calloc(1, sizeof *part);
    if (part == NULL) {
        munmap(base, bytes);
        return QBID_ERR_NOMEM;
    }
    part->base = base;
    part->bytes = bytes;
    part->refs = 1;
    part->fd = -1;
    *ret_part = part;
    return 0;
}

static int part_map(int fd, enum qbid_memfd_kind kind, size_t min_bytes, size_t max_bytes,
                    struct qbid_part **ret_part)
{
    void *base;
    size_t bytes;
    int rc = qbid_memfd_map(fd, kind, min_bytes, max_bytes, &base, &bytes);
    return rc < 0 ? rc : part_new(base, bytes, ret_part);
}

/* The part when it was checked well, else it is dropped. */
static int part_finish(struct qbid_part *part, int rc, struct qbid_part **ret_part)
{
    if (rc < 0)
        qbid_part_drop(part);
    else
        *ret_part = part;
    return rc;
}

static int image_finish(struct qbid_part *part, uint64_t received_ns, struct qbid_part **ret_part)
{
    int rc = qbid_image_attach(part->base, part->bytes, &part->as.image);
    if (rc == 0) {
        part->received_ns = received_ns;
        part->deadline_ns = qbid_image_deadline_ns(part->as.image.header, qbid_clock_boot_ns(),
                                                   qbid_clock_unix_ns(), qbid_clock_boot_hash());
    }
    return part_finish(part, rc, ret_part);
}

int qbid_part_image(int fd, uint64_t gen, uint64_t bytes, struct qbid_part **ret_part)
{
    uint64_t received_ns = qbid_clock_boot_ns();
    struct qbid_part *part;
    int rc = part_map(fd, QBID_MEMFD_IMAGE, sizeof(struct qbid_image_header),
                      (size_t)QBID_IMAGE_BYTES_MAX, &part);
    if (rc < 0)
        return rc;
    rc = image_finish(part, received_ns, &part);
    if (rc == 0 && (part->as.image.header->gen != gen || part->bytes != bytes)) {
        qbid_part_drop(part);
        rc = QBID_ERR_CORRUPT;
    }
    if (rc == 0)
        *ret_part = part;
    return rc;
}

int qbid_part_live(int fd, uint64_t bytes, struct qbid_part **ret_part)
{
    struct qbid_live_shape most = {QBID_LINE_ITEMS_MAX, QBID_LIVE_BUDGETS_MAX,
                                   QBID_LIVE_WORKERS_MAX};
    struct qbid_part *part;
    int rc = part_map(fd, QBID_MEMFD_LIVE, sizeof(struct qbid_live_header),
                      (size_t)qbid_live_footprint_counting(most, QBID_FREQUENCY_LG_MAX), &part);
    if (rc < 0)
        return rc;
    rc = part->bytes != bytes ? QBID_ERR_CORRUPT
                              : qbid_live_attach(part->base, part->bytes, &part->as.live);
    return part_finish(part, rc, ret_part);
}

int qbid_part_page(int fd, struct qbid_part **ret_part)
{
    int64_t most = qbid_page_footprint(QBID_LIVE_BUDGETS_MAX, QBID_PAGE_RING_LG_MAX);
    struct qbid_part *part;
    int rc = part_map(fd, QBID_MEMFD_PAGE, sizeof(struct qbid_page_header), (size_t)most, &part);
    if (rc < 0)
        return rc;
    rc = qbid_page_attach(part->base, part->bytes, &part->as.page);
    if (rc == 0)
        part->fd = fd;
    return part_finish(part, rc, ret_part);
}

int qbid_part_page_make(uint32_t budget_max, unsigned lg_events, struct qbid_part **ret_part)
{
    int64_t bytes = qbid_page_footprint(budget_max, lg_events);
    struct qbid_part *part;
    void *base;
    int fd, rc;
    if (bytes < 0)
        return (int)bytes;
    rc = qbid_memfd_make(QBID_MEMFD_PAGE, (size_t)bytes, &fd, &base);
    if (rc < 0)
        return rc;
    rc = part_new(base, (size_t)bytes, &part);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    part->fd = fd;
    rc = qbid_page_format(base, budget_max, lg_events, &part->as.page);
    return part_finish(part, rc, ret_part);
}

static int read_fully(int fd, void *base, size_t bytes)
{
    char *at = base;
    while (bytes > 0) {
        ssize_t n = read(fd, at, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? QBID_ERR_SYS : QBID_ERR_CORRUPT;
        at += n;
        bytes -= (size_t)n;
    }
    return 0;
}

/* Size of an image file, if it could be one: asked before memory is taken for it. */
static int file_bytes(int fd, size_t *ret_bytes)
{
    struct qbid_image_header header;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return QBID_ERR_SYS;
    if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof header ||
        (uint64_t)st.st_size > QBID_IMAGE_BYTES_MAX)
        return QBID_ERR_CORRUPT;
    if (pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header)
        return QBID_ERR_SYS;
    if (header.magic != QBID_IMAGE_MAGIC)
        return QBID_ERR_VERSION;
    if (header.bytes != (uint64_t)st.st_size)
        return QBID_ERR_CORRUPT;
    *ret_bytes = (size_t)st.st_size;
    return 0;
}

/* The bytes of an open file as a sealed memory file. */
static int file_copy(int file, int *ret_ro_fd)
{
    size_t bytes;
    void *base;
    int fd, rc = file_bytes(file, &bytes);
    if (rc < 0)
        return rc;
    rc = qbid_memfd_make(QBID_MEMFD_IMAGE, bytes, &fd, &base);
    if (rc < 0)
        return rc;
    rc = read_fully(file, base, bytes);
    if (rc == 0)
        rc = qbid_memfd_seal_image(fd, base, bytes, ret_ro_fd);
    else
        munmap(base, bytes);
    close(fd);
    return rc;
}

int qbid_part_image_file(const char *path, struct qbid_part **ret_part)
{
    uint64_t received_ns = qbid_clock_boot_ns();
    int ro, file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return errno == ENOENT ? QBID_ERR_NOENT : QBID_ERR_SYS;
    int rc = file_copy(file, &ro);
    close(file);
    if (rc < 0)
        return rc;
    struct qbid_part *part;
    rc = part_map(ro, QBID_MEMFD_IMAGE, sizeof(struct qbid_image_header),
                  (size_t)QBID_IMAGE_BYTES_MAX, &part);
    close(ro);
    return rc < 0 ? rc : image_finish(part, received_ns, ret_part);
}

struct qbid_part *qbid_part_hold(struct qbid_part *part)
{
    if (part != NULL)
        part->refs++;
    return part;
}

int qbid_part_drop(struct qbid_part *part)
{
    if (part == NULL || --part->refs > 0)
        return 0;
    munmap(part->base, part->bytes);
    if (part->fd >= 0)
        close(part->fd);
    free(part);
    return 1;
}
