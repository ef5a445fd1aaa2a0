/* SPDX-License-Identifier: Apache-2.0 */
/* One blocking connection to the control socket. */
#include "control/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/api/socket.h"
#include "shm/error.h"

#define FIRST_BYTES 65536

struct qbid_client {
    int fd;
};

int qbid_client_new(const char *path, unsigned timeout_ms, struct qbid_client **ret_client)
{
    int fd = qbid_socket_connect(path, timeout_ms);
    if (fd < 0)
        return fd;
    struct qbid_client *client = malloc(sizeof *client);
    if (!client) {
        close(fd);
        return QBID_ERR_NOMEM;
    }
    client->fd = fd;
    *ret_client = client;
    return 0;
}

void qbid_client_free(struct qbid_client *client)
{
    if (!client)
        return;
    close(client->fd);
    free(client);
}

static int error_of(void)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return QBID_ERR_EXPIRED;
    return errno == EPIPE || errno == ECONNRESET ? QBID_ERR_CLOSED : QBID_ERR_SYS;
}

static int send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_of();
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

static int answer_read(int fd, char **ret_answer)
{
    size_t len = 0, max = FIRST_BYTES;
    char *text = malloc(max);
    int err = text ? 0 : QBID_ERR_NOMEM;
    while (!err) {
        if (len + 1 == max) {
            char *more = realloc(text, max * 2);
            if (!more) {
                err = QBID_ERR_NOMEM;
                break;
            }
            text = more;
            max *= 2;
        }
        ssize_t n = recv(fd, text + len, max - len - 1, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            err = n == 0 ? QBID_ERR_CLOSED : error_of();
            break;
        }
        len += (size_t)n;
        if (text[len - 1] == '\n') {
            text[len - 1] = '\0';
            *ret_answer = text;
            return 0;
        }
    }
    free(text);
    return err;
}

int qbid_client_call(struct qbid_client *client, const char *request, char **ret_answer)
{
    if (strchr(request, '\n'))
        return QBID_ERR_INVAL;
    int err = send_all(client->fd, request, strlen(request));
    if (!err)
        err = send_all(client->fd, "\n", 1);
    return err ? err : answer_read(client->fd, ret_answer);
}
