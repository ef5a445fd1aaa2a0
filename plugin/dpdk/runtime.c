/* SPDX-License-Identifier: Apache-2.0 */
/* A folder's owner is alive when its telemetry socket answers: pids mean nothing between
 * containers, and are used again. */
#include "plugin/dpdk/runtime.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TELEMETRY "dpdk_telemetry.v2"

/* Whether something listens, or nothing can be said about it. */
static bool answers(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return true;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    bool refused = connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
                   errno == ECONNREFUSED;
    close(fd);
    return !refused;
}

static bool is_ours(const char *name)
{
    size_t len = strlen(QBID_RUNTIME_PREFIX);
    return strncmp(name, QBID_RUNTIME_PREFIX, len) == 0 && name[len] != '\0' &&
           strspn(name + len, "0123456789") == strlen(name + len);
}

static bool sweep_one(const char *parent, const char *name)
{
    char folder[PATH_MAX], socket_path[PATH_MAX + sizeof TELEMETRY];
    if ((size_t)snprintf(folder, sizeof folder, "%s/%s", parent, name) >= sizeof folder)
        return false;
    snprintf(socket_path, sizeof socket_path, "%s/" TELEMETRY, folder);
    if (access(socket_path, F_OK) == 0) {
        if (answers(socket_path))
            return false;
        (void)unlink(socket_path);
    }
    return rmdir(folder) == 0; /* refused when there is anything else in it */
}

unsigned qbid_runtime_sweep(const char *own)
{
    char parent[PATH_MAX];
    unsigned n = 0;
    const char *slash = strrchr(own, '/');
    if (!slash || (size_t)(slash - own) >= sizeof parent)
        return 0;
    memcpy(parent, own, (size_t)(slash - own));
    parent[slash - own] = '\0';
    DIR *dir = opendir(parent);
    if (!dir)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (is_ours(entry->d_name) && strcmp(entry->d_name, slash + 1) != 0)
            n += sweep_one(parent, entry->d_name);
    closedir(dir);
    return n;
}

void qbid_runtime_remove(const char *own)
{
    char path[PATH_MAX];
    const char *slash = strrchr(own, '/');
    if (!slash || !is_ours(slash + 1)) /* the operator's own prefix is the operator's */
        return;
    snprintf(path, sizeof path, "%s/" TELEMETRY, own);
    (void)unlink(path);
    (void)rmdir(own);
}
