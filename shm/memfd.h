/* SPDX-License-Identifier: Apache-2.0 */
/* Memory files: made, sealed, checked and mapped; the only place that knows the seals. */
#ifndef QBID_SHM_MEMFD_H
#define QBID_SHM_MEMFD_H

#include <stddef.h>
#include <stdint.h>

enum qbid_memfd_kind {
    QBID_MEMFD_IMAGE, /* seals WRITE GROW SHRINK SEAL: immutable */
    QBID_MEMFD_LIVE,  /* seals GROW SHRINK FUTURE_WRITE SEAL: only the maker's mapping writes */
    QBID_MEMFD_PAGE   /* seals GROW SHRINK SEAL: both sides write their words */
};

/**
 * A memory file of `bytes` zero bytes with a writable shared mapping, pages allocated (so that a
 * full memory is an error here and not a SIGBUS later), in huge pages where that can be had.
 *
 * Errors: QBID_ERR_SYS. LIVE and PAGE are sealed on return; IMAGE by qbid_memfd_seal_image().
 */
int qbid_memfd_make(enum qbid_memfd_kind kind, size_t bytes, int *ret_fd, void **ret_base);

/** End the writable mapping of an image, seal it, and give a read-only descriptor of it. fd stays
 *  the caller's; the mapping is gone even on failure. QBID_ERR_SYS. */
int qbid_memfd_seal_image(int fd, void *base, size_t bytes, int *ret_ro_fd);

/** A read-only descriptor of the same file (through /proc/self/fd). QBID_ERR_SYS. */
int qbid_memfd_reopen_ro(int fd, int *ret_ro_fd);

/**
 * Check a received descriptor and map it: a memory file with at least the kind's seals, a size in
 * [min_bytes, max_bytes], an image without holes; images and live pages are mapped read-only. Files
 * of 2 MiB and more are mapped at a multiple of that and huge pages asked for (MADV_HUGEPAGE,
 * MADV_COLLAPSE; refusal of these is not an error). All pages are touched.
 *
 * Errors: QBID_ERR_SEAL, QBID_ERR_LIMIT, QBID_ERR_SYS. The descriptor stays the caller's.
 * Cost:   of 85 MB 0.5 ms where its maker got huge pages, else 10-15 ms.
 */
int qbid_memfd_map(int fd, enum qbid_memfd_kind kind, size_t min_bytes, size_t max_bytes,
                   void **ret_base, size_t *ret_bytes);

#endif
