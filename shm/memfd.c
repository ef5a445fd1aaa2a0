/* SPDX-License-Identifier: Apache-2.0 */
/* Memory files: made, sealed, checked and mapped. */
#include "shm/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/error.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif

#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define STAT_BLOCK_BYTES 512

static int seals_of(enum qbid_memfd_kind kind)
{
    switch (kind) {
    case QBID_MEMFD_IMAGE:
        return F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    case QBID_MEMFD_LIVE:
        return F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    case QBID_MEMFD_PAGE:
        break;
    }
    return F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
}

static const char *name_of(enum qbid_memfd_kind kind)
{
    return kind == QBID_MEMFD_IMAGE  ? "qbid-image"
           : kind == QBID_MEMFD_LIVE ? "qbid-live"
                                     : "qbid-page";
}

/* Closes without touching the errno that the caller is about to report. */
static void close_quietly(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
}

static void unmap_quietly(void *base, size_t bytes)
{
    int saved = errno;
    munmap(base, bytes);
    errno = saved;
}

/* Map all of a file. Pages of 2 MiB need an address that is a multiple of that, which the kernel
 * chooses by itself only where huge pages of shared memory are switched on: else the place is cut
 * out of a larger reservation. */
static void *map_shared(int fd, size_t bytes, int prot)
{
    if (bytes < HUGE_PAGE_BYTES || bytes > SIZE_MAX - 2 * HUGE_PAGE_BYTES)
        return mmap(NULL, bytes, prot, MAP_SHARED, fd, 0);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t used = (bytes + page - 1) / page * page, reserved = used + HUGE_PAGE_BYTES;
    char *start =
        mmap(NULL, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return MAP_FAILED;
    size_t skip = (0 - (uintptr_t)start) % HUGE_PAGE_BYTES;
    void *base = mmap(start + skip, bytes, prot, MAP_SHARED | MAP_FIXED, fd, 0);
    if (base == MAP_FAILED) {
        unmap_quietly(start, reserved);
        return MAP_FAILED;
    }
    if (skip > 0)
        munmap(start, skip);
    munmap(start + skip + used, reserved - skip - used);
    return base;
}

/* Ask for huge pages: of what comes, and of what is there. Refused: slower but right. Collapsing
 * works where the system's setting is "never" as well. */
static void ask_huge(void *base, size_t bytes)
{
    if (bytes < HUGE_PAGE_BYTES)
        return;
    madvise(base, bytes, MADV_HUGEPAGE);
    madvise(base, bytes, MADV_COLLAPSE);
}

/* Touch every page now. A kernel that does not know the advice faults them in later. */
static int populate(void *base, size_t bytes, int advice)
{
    if (madvise(base, bytes, advice) == 0 || errno == EINVAL)
        return 0;
    return QBID_ERR_SYS;
}

/* Memory for every page of a new file, in huge pages where that can be had: then every reader maps
 * it in no time. Where the system's setting gives none to shared memory, collapsing does; it wants
 * one page to exist in each and clears the others itself, which costs a tenth of making small pages
 * first and copying them. */
static int allocate(int fd, void *base, size_t bytes)
{
    if (bytes >= HUGE_PAGE_BYTES) {
        madvise(base, bytes, MADV_HUGEPAGE);
        for (size_t at = 0; at + HUGE_PAGE_BYTES <= bytes; at += HUGE_PAGE_BYTES)
            madvise((char *)base + at, 1, MADV_POPULATE_WRITE);
        madvise(base, bytes, MADV_COLLAPSE); /* once: each call waits for all processors */
    }
    if (madvise(base, bytes, MADV_POPULATE_WRITE) < 0 &&
        (errno != EINVAL || fallocate(fd, 0, 0, (off_t)bytes) < 0))
        return QBID_ERR_SYS;
    return 0;
}

int qbid_memfd_make(enum qbid_memfd_kind kind, size_t bytes, int *ret_fd, void **ret_base)
{
    int fd = memfd_create(name_of(kind), MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return QBID_ERR_SYS;
    if (ftruncate(fd, (off_t)bytes) < 0)
        goto no_map;
    void *base = map_shared(fd, bytes, PROT_READ | PROT_WRITE);
    if (base == MAP_FAILED)
        goto no_map;
    if (allocate(fd, base, bytes) < 0)
        goto no_memory;
    if (kind != QBID_MEMFD_IMAGE && fcntl(fd, F_ADD_SEALS, seals_of(kind)) < 0)
        goto no_memory;
    *ret_fd = fd;
    *ret_base = base;
    return 0;

no_memory:
    unmap_quietly(base, bytes);
no_map:
    close_quietly(fd);
    return QBID_ERR_SYS;
}

int qbid_memfd_seal_image(int fd, void *base, size_t bytes, int *ret_ro_fd)
{
    if (munmap(base, bytes) < 0 || fcntl(fd, F_ADD_SEALS, seals_of(QBID_MEMFD_IMAGE)) < 0)
        return QBID_ERR_SYS;
    return qbid_memfd_reopen_ro(fd, ret_ro_fd);
}

int qbid_memfd_reopen_ro(int fd, int *ret_ro_fd)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int ro = open(path, O_RDONLY | O_CLOEXEC);
    if (ro < 0)
        return QBID_ERR_SYS;
    *ret_ro_fd = ro;
    return 0;
}

/* Seals and size of a descriptor that somebody sent. Only memory files can have seals other than
 * SEAL, so the seals are the check of the type as well. */
static int inspect(int fd, enum qbid_memfd_kind kind, size_t min_bytes, size_t max_bytes,
                   size_t *ret_bytes)
{
    struct stat st;
    int want = seals_of(kind), have = fcntl(fd, F_GET_SEALS);
    if (have < 0 || (have & want) != want)
        return QBID_ERR_SEAL;
    if (fstat(fd, &st) < 0)
        return QBID_ERR_SYS;
    if (!S_ISREG(st.st_mode))
        return QBID_ERR_SEAL;
    if (st.st_size < 0 || (size_t)st.st_size < min_bytes || (size_t)st.st_size > max_bytes)
        return QBID_ERR_LIMIT;
    /* A hole would be filled at our cost while we read it: the sender must have paid for it all. */
    if (kind == QBID_MEMFD_IMAGE && st.st_blocks < st.st_size / STAT_BLOCK_BYTES)
        return QBID_ERR_LIMIT;
    *ret_bytes = (size_t)st.st_size;
    return 0;
}

int qbid_memfd_map(int fd, enum qbid_memfd_kind kind, size_t min_bytes, size_t max_bytes,
                   void **ret_base, size_t *ret_bytes)
{
    size_t bytes;
    int rc = inspect(fd, kind, min_bytes, max_bytes, &bytes);
    if (rc < 0)
        return rc;
    int writable = kind == QBID_MEMFD_PAGE;
    void *base = map_shared(fd, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ);
    if (base == MAP_FAILED)
        return QBID_ERR_SYS;
    ask_huge(base, bytes);
    rc = populate(base, bytes, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
    if (rc < 0) {
        unmap_quietly(base, bytes);
        return rc;
    }
    *ret_base = base;
    *ret_bytes = bytes;
    return 0;
}
