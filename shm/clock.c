/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the clocks of the host. */
#include "shm/clock.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "shm/hash.h"
#include "shm/units.h"

static uint64_t read_ns(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now); /* cannot fail for these two clocks */
    return (uint64_t)now.tv_sec * QBID_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t qbid_clock_boot_ns(void)
{
    return read_ns(CLOCK_BOOTTIME);
}

uint64_t qbid_clock_unix_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

uint64_t qbid_clock_boot_hash(void)
{
    char id[64];
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 1;
    ssize_t len = read(fd, id, sizeof id);
    close(fd);
    return len > 0 ? qbid_hash_name(id, (size_t)len) : 1;
}
