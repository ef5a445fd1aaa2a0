/* SPDX-License-Identifier: Apache-2.0 */
/* All bytes to a file, however many calls that takes. */
#ifndef QBID_CONTROL_WRITE_ALL_H
#define QBID_CONTROL_WRITE_ALL_H

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "shm/error.h"

/** Returns: 0; QBID_ERR_SYS with errno, and some of the bytes may be there. */
static inline int qbid_write_all(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = write(fd, data, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return QBID_ERR_SYS;
        data += n;
        bytes -= (size_t)n;
    }
    return 0;
}

#endif
