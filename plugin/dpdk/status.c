/* SPDX-License-Identifier: Apache-2.0 */
/* The status socket, both ends. */
#include "plugin/dpdk/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/error.h"

#define CLIENT_S 1 /* that a client may take for a step */

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

int qbid_status_listen(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int other = connect_to(path);
    if (other >= 0) {
        close(other);
        errno = EADDRINUSE;
        return QBID_ERR_SYS;
    }
    struct stat st;
    if (errno == ECONNREFUSED && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        (void)unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return QBID_ERR_SYS;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    mode_t mask = umask(0117); /* owner and group */
    int err = bind(fd, (const struct sockaddr *)&address, sizeof address);
    int saved = errno;
    umask(mask);
    if (err == 0 && listen(fd, 8) == 0)
        return fd;
    errno = err != 0 ? saved : errno;
    saved = errno;
    close(fd);
    errno = saved;
    return QBID_ERR_SYS;
}

static void be_patient(int fd)
{
    const struct timeval wait = {.tv_sec = CLIENT_S};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

/* What a client asks, up to its line end; what comes behind is read so that hanging up does not
 * throw our answer away. */
static bool read_ask(int fd, char *out, size_t max)
{
    size_t len = 0;
    while (len < max - 1) {
        ssize_t n = recv(fd, out + len, max - 1 - len, 0);
        if (n < 0)
            return false;
        len += (size_t)n;
        if (n == 0 || memchr(out, '\n', len))
            break;
    }
    out[len] = '\0';
    return true;
}

void qbid_status_serve(int listener, const struct qbid_dpdk *dpdk)
{
    char ask[32], *text = NULL;
    size_t len = 0;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    be_patient(fd);
    if (read_ask(fd, ask, sizeof ask)) {
        bool prometheus = strncmp(ask, "prometheus", strlen("prometheus")) == 0;
        text = qbid_status_text(dpdk, prometheus ? QBID_STATUS_PROMETHEUS : QBID_STATUS_JSON, &len);
    }
    if (text)
        (void)write_all(fd, text, len);
    free(text);
    close(fd);
}

int qbid_status_ask(const char *path, const char *what)
{
    char text[4096];
    ssize_t n;
    int fd = connect_to(path);
    if (fd < 0) {
        fprintf(stderr, "qbid-dpdk: %s: %s\n", path, strerror(errno));
        return 1;
    }
    be_patient(fd);
    snprintf(text, sizeof text, "%s\n", what);
    bool good = write_all(fd, text, strlen(text));
    while (good && (n = recv(fd, text, sizeof text, 0)) != 0) {
        good = n > 0 && fwrite(text, 1, (size_t)n, stdout) == (size_t)n;
    }
    close(fd);
    if (!good || fflush(stdout) != 0)
        fprintf(stderr, "qbid-dpdk: %s: no whole answer\n", path);
    return good ? 0 : 1;
}
