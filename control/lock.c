/* SPDX-License-Identifier: Apache-2.0 */
/* The lock file of a state folder. */
#include "control/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "shm/error.h"

#define RETRIES 50
#define RETRY_NS 20000000

int qbid_lock_take(const char *state_dir, const char *who, char holder[QBID_LOCK_HOLDER_MAX])
{
    char path[4096];
    holder[0] = '\0';
    if (snprintf(path, sizeof path, "%s/qbidd.lock", state_dir) >= (int)sizeof path)
        return QBID_ERR_INVAL;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return QBID_ERR_SYS;
    int taken = flock(fd, LOCK_EX | LOCK_NB);
    for (int i = 0; i < RETRIES && taken != 0 && errno == EWOULDBLOCK; i++) {
        struct timespec wait = {0, RETRY_NS}; /* a killed one takes a while to be gone */
        nanosleep(&wait, NULL);
        taken = flock(fd, LOCK_EX | LOCK_NB);
    }
    if (taken != 0) {
        int err = errno == EWOULDBLOCK ? QBID_ERR_FULL : QBID_ERR_SYS;
        ssize_t n = err == QBID_ERR_FULL ? read(fd, holder, QBID_LOCK_HOLDER_MAX - 1) : 0;
        holder[n > 0 ? n : 0] = '\0';
        holder[strcspn(holder, "\n")] = '\0';
        close(fd);
        return err;
    }
    size_t len = strlen(who);
    if (ftruncate(fd, 0) != 0 || write(fd, who, len) != (ssize_t)len || write(fd, "\n", 1) != 1) {
        close(fd);
        return QBID_ERR_SYS;
    }
    return fd;
}
