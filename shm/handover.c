/* SPDX-License-Identifier: Apache-2.0 */
/* The hand-over's messages and sockets; who says what when is in watcher_link.c and in control. */
#include "shm/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/error.h"
#include "shm/image.h"

#define BACKLOG 64
#define PARENT_MODE 0750
/* A peer may send more descriptors than it should: these are received and closed, what does not
 * fit the kernel closes. */
#define FDS_MAX 8

/* Closes without touching the errno that the caller is about to report. */
static void close_quietly(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
}

struct qbid_msg qbid_handover_msg(enum qbid_msg_type type)
{
    return (struct qbid_msg){
        .magic = QBID_HANDOVER_MAGIC, .abi_major = QBID_ABI_MAJOR, .type = (uint16_t)type};
}

int qbid_handover_send(int sock, const struct qbid_msg *msg, int fd)
{
    struct iovec part = {(void *)(uintptr_t)msg, sizeof *msg};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof fd)];
    } control = {0};
    if (fd >= 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof control.bytes;
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(cmsg), &fd, sizeof fd);
    }
    ssize_t n;
    do
        n = sendmsg(sock, &header, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)sizeof *msg)
        return 0;
    return n < 0 && (errno == EPIPE || errno == ECONNRESET) ? QBID_ERR_CLOSED : QBID_ERR_SYS;
}

/* All descriptors of a message: the first into *ret_fd, the others are closed. Their number. */
static unsigned take_fds(struct msghdr *header, int *ret_fd)
{
    unsigned cnt = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len; at += sizeof(int)) {
            int fd;
            memcpy(&fd, (char *)c + at, sizeof fd);
            if (cnt++ == 0)
                *ret_fd = fd;
            else
                close(fd);
        }
    }
    return cnt;
}

/* Every version of the protocol has messages of this size and begins them like this. */
static int check_version(const struct qbid_msg *msg)
{
    if ((msg->magic & QBID_HANDOVER_MAGIC_NAME) != (QBID_HANDOVER_MAGIC & QBID_HANDOVER_MAGIC_NAME))
        return QBID_ERR_PEER;
    bool same = msg->magic == QBID_HANDOVER_MAGIC && msg->abi_major == QBID_ABI_MAJOR;
    return same ? 1 : QBID_ERR_VERSION;
}

int qbid_handover_recv(int sock, struct qbid_msg *ret_msg, int *ret_fd)
{
    struct qbid_msg msg[2]; /* room to see that a message is too long */
    struct iovec part = {msg, sizeof msg};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control;
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do
        n = recvmsg(sock, &header, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    if (n < 0)
        return errno == ECONNRESET ? QBID_ERR_CLOSED : QBID_ERR_SYS;

    int fd = -1;
    unsigned fds = take_fds(&header, &fd);
    int rc = 1;
    if (n == 0)
        rc = QBID_ERR_CLOSED; /* a hang-up, or an empty message, which nobody sends */
    else if (n != (ssize_t)sizeof *msg || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || fds > 1)
        rc = QBID_ERR_PEER;
    else
        rc = check_version(msg);
    if (rc < 0) {
        if (fd >= 0)
            close(fd);
        return rc;
    }
    *ret_msg = *msg;
    *ret_fd = fd;
    return 1;
}

static int address_of(const char *path, struct sockaddr_un *ret_address)
{
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof ret_address->sun_path)
        return QBID_ERR_INVAL;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, path, len);
    return 0;
}

/* The folder of the socket, made when missing, locked: of two servers that start at once the second
 * waits until it can see the first one's socket. */
static int lock_parent(const char *path)
{
    char parent[sizeof((struct sockaddr_un *)0)->sun_path] = "."; /* address_of() was content */
    const char *slash = strrchr(path, '/');
    if (slash != NULL) /* "/" itself keeps its slash */
        memcpy(parent, path, slash == path ? 1 : (size_t)(slash - path));
    if (mkdir(parent, PARENT_MODE) < 0 && errno != EEXIST && errno != EISDIR)
        return QBID_ERR_SYS;
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return QBID_ERR_SYS;
    if (flock(fd, LOCK_EX) < 0) {
        close_quietly(fd);
        return QBID_ERR_SYS;
    }
    return fd;
}

/* Remove a socket on which nobody answers. */
static int remove_stale(const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(address->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : QBID_ERR_SYS;
    if (!S_ISSOCK(st.st_mode)) {
        errno = EEXIST;
        return QBID_ERR_SYS;
    }
    int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sock < 0)
        return QBID_ERR_SYS;
    int rc = connect(sock, (const void *)address, sizeof *address);
    int refused = rc < 0 && errno == ECONNREFUSED;
    close_quietly(sock);
    if (!refused)
        return QBID_ERR_FULL;
    return unlink(address->sun_path) < 0 && errno != ENOENT ? QBID_ERR_SYS : 0;
}

int qbid_handover_listen(const char *path, mode_t mode)
{
    struct sockaddr_un address;
    int rc = address_of(path, &address);
    if (rc < 0)
        return rc;
    int parent = lock_parent(path);
    if (parent < 0)
        return parent;
    int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    rc = sock < 0 ? QBID_ERR_SYS : remove_stale(&address);
    /* fchmod sets what bind may give at most; chmod then undoes the umask's part. */
    if (rc == 0 && (fchmod(sock, mode) < 0 || bind(sock, (void *)&address, sizeof address) < 0 ||
                    chmod(path, mode) < 0 || listen(sock, BACKLOG) < 0))
        rc = QBID_ERR_SYS;
    close_quietly(parent);
    if (rc < 0 && sock >= 0)
        close_quietly(sock);
    return rc < 0 ? rc : sock;
}

int qbid_handover_connect(const char *path, unsigned timeout_ms)
{
    struct sockaddr_un address;
    struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    int rc = address_of(path, &address);
    if (rc < 0)
        return rc;
    int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return QBID_ERR_SYS;
    /* the send time-out holds for a connect that waits for room in the backlog as well */
    if (setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) < 0 ||
        setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0)
        rc = QBID_ERR_SYS;
    else if (connect(sock, (const void *)&address, sizeof address) < 0)
        rc = errno == ENOENT || errno == ECONNREFUSED ? QBID_ERR_NOENT : QBID_ERR_SYS;
    if (rc < 0)
        close_quietly(sock);
    return rc < 0 ? rc : sock;
}

int qbid_handover_peer(int sock, pid_t *ret_pid, uid_t *ret_uid, gid_t *ret_gid)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return QBID_ERR_SYS;
    *ret_pid = peer.pid;
    *ret_uid = peer.uid;
    *ret_gid = peer.gid;
    return 0;
}
