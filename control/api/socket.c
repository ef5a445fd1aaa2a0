/* SPDX-License-Identifier: Apache-2.0 */
/* Names, modes and stale leftovers of Unix sockets. */
#include "control/api/socket.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/error.h"

#define BACKLOG 64
#define FOLDER_MODE 0750

static int address_make(const char *path, struct sockaddr_un *ret_address)
{
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof ret_address->sun_path)
        return QBID_ERR_INVAL;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, path, len);
    return 0;
}

static int close_with(int fd, int err)
{
    int saved = errno;
    close(fd);
    errno = saved;
    return err;
}

int qbid_socket_connect(const char *path, unsigned timeout_ms)
{
    struct sockaddr_un address;
    int err = address_make(path, &address);
    if (err)
        return err;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return QBID_ERR_SYS;
    struct timeval limit = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    if (errno == ENOENT || errno == ECONNREFUSED || errno == EAGAIN || errno == ENOTDIR)
        return close_with(fd, QBID_ERR_NOENT);
    return close_with(fd, errno == EACCES || errno == EPERM ? QBID_ERR_DENIED : QBID_ERR_SYS);
}

static void folder_make(const char *path)
{
    char folder[sizeof((struct sockaddr_un *)0)->sun_path];
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    mkdir(folder, FOLDER_MODE); /* bind says what is wrong with it */
}

int qbid_socket_listen(const char *path, mode_t mode)
{
    struct sockaddr_un address;
    int err = address_make(path, &address);
    if (err)
        return err;
    folder_make(path);
    int other = qbid_socket_connect(path, 100);
    if (other >= 0)
        return close_with(other, QBID_ERR_FULL);
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return QBID_ERR_SYS;
    mode_t before = umask(~mode & 0777); /* never open wider than asked, not for an instant */
    bool bound = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    int saved = errno;
    umask(before);
    errno = saved;
    if (!bound || chmod(path, mode) != 0 || listen(fd, BACKLOG) != 0)
        return close_with(fd, QBID_ERR_SYS);
    return fd;
}
