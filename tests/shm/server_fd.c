/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the descriptors that a test server sends. */
#include "tests/shm/server_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/memfd.h"

void server_must(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "test server: %s: %s\n", what, strerror(errno));
    abort();
}

static int unsealed_file(const void *bytes, size_t len, int seals)
{
    int fd = memfd_create("qbid-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    server_must(fd >= 0 && write(fd, bytes, len) == (ssize_t)len, "memory file");
    server_must(seals == 0 || fcntl(fd, F_ADD_SEALS, seals) == 0, "seals");
    return fd;
}

static int sparse_file(size_t len)
{
    int fd = memfd_create("qbid-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    server_must(ftruncate(fd, (off_t)len) == 0, "sparse file");
    server_must(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) ==
                    0,
                "seals");
    return fd;
}

/* A well-made image file of these bytes, by the functions that control uses. */
static int sealed_file(const void *bytes, size_t len)
{
    int fd, ro;
    void *base;
    server_must(qbid_memfd_make(QBID_MEMFD_IMAGE, len, &fd, &base) == 0, "image file");
    memcpy(base, bytes, len);
    server_must(qbid_memfd_seal_image(fd, base, len, &ro) == 0, "seal");
    close(fd);
    return ro;
}

static int pipe_end(void)
{
    int end[2];
    server_must(pipe(end) == 0, "pipe");
    close(end[1]);
    return end[0];
}

static int regular_file(const void *bytes, size_t len)
{
    FILE *file = tmpfile();
    server_must(file != NULL, "file");
    int fd = dup(fileno(file));
    fclose(file);
    server_must(write(fd, bytes, len) == (ssize_t)len, "file");
    return fd;
}

/* A descriptor with these bytes, spoiled as the fault says; -1 for none. */
int server_fd(enum server_fault fault, unsigned char *bytes, size_t len)
{
    switch (fault) {
    case SERVER_UNSEALED:
        return unsealed_file(bytes, len, 0);
    case SERVER_HALF_SEALED:
        return unsealed_file(bytes, len, F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    case SERVER_SPARSE:
        return sparse_file(len);
    case SERVER_PIPE:
        return pipe_end();
    case SERVER_FILE:
        return regular_file(bytes, len);
    case SERVER_NO_FD:
        return -1;
    case SERVER_SHORT:
        return sealed_file(bytes, len - 64);
    case SERVER_MAGIC:
        bytes[0] ^= 1;
        break;
    case SERVER_VERSION:
        bytes[8] ^= 1;
        break;
    case SERVER_BYTE:
        bytes[len / 2] ^= 1;
        break;
    default:
        break;
    }
    return sealed_file(bytes, len);
}
