/* SPDX-License-Identifier: Apache-2.0 */
/* Lists the files of a log; names decide, as in the published data set. */
#include "tools/replay/source/log_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shm/error.h"
#include "tools/replay/source/log.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool qbid_replay_log_folder_is_click(const char *path)
{
    return strncmp(base_name(path), "clk", 3) == 0;
}

static int is_log_file(const struct dirent *file)
{
    return fnmatch("imp*.txt", file->d_name, 0) == 0 || fnmatch("clk*.txt", file->d_name, 0) == 0 ||
           fnmatch("train*.txt", file->d_name, 0) == 0;
}

static int add_path(struct qbid_replay_log_folder *folder, char *path, char *message)
{
    if (!path || folder->paths_cnt == QBID_REPLAY_LOG_FILES_MAX) {
        snprintf(message, QBID_REPLAY_LOG_MESSAGE_BYTES, "%s",
                 path ? "over 256 files in one log" : "out of memory");
        int err = path ? QBID_ERR_LIMIT : QBID_ERR_NOMEM;
        free(path);
        return err;
    }
    folder->paths[folder->paths_cnt++] = path;
    return 0;
}

static int add_folder(struct qbid_replay_log_folder *folder, const char *path, char *message)
{
    struct dirent **files;
    int err = 0;
    int cnt = scandir(path, &files, is_log_file, alphasort);
    if (cnt <= 0) {
        snprintf(message, QBID_REPLAY_LOG_MESSAGE_BYTES, "%s: %s", path,
                 cnt < 0 ? strerror(errno) : "no imp*.txt, clk*.txt or train*.txt in this folder");
        if (cnt == 0)
            free(files);
        return cnt < 0 ? QBID_ERR_SYS : QBID_ERR_NOENT;
    }
    for (int i = 0; i < cnt; i++) {
        char *joined = NULL;
        if (!err) {
            if (asprintf(&joined, "%s/%s", path, files[i]->d_name) < 0)
                joined = NULL;
            err = add_path(folder, joined, message);
        }
        free(files[i]);
    }
    free(files);
    return err;
}

int qbid_replay_log_folder_init(struct qbid_replay_log_folder *folder, const char *const *paths,
                                size_t paths_cnt, char *message)
{
    int err = 0;
    *folder = (struct qbid_replay_log_folder){0};
    folder->paths = calloc(QBID_REPLAY_LOG_FILES_MAX, sizeof *folder->paths);
    if (!folder->paths) {
        snprintf(message, QBID_REPLAY_LOG_MESSAGE_BYTES, "out of memory");
        return QBID_ERR_NOMEM;
    }
    for (size_t i = 0; i < paths_cnt && !err; i++) {
        struct stat status;
        if (stat(paths[i], &status) != 0) {
            snprintf(message, QBID_REPLAY_LOG_MESSAGE_BYTES, "%s: %s", paths[i], strerror(errno));
            err = QBID_ERR_SYS;
        } else if (S_ISDIR(status.st_mode)) {
            err = add_folder(folder, paths[i], message);
        } else {
            err = add_path(folder, strdup(paths[i]), message);
        }
    }
    if (err)
        qbid_replay_log_folder_done(folder);
    return err;
}

void qbid_replay_log_folder_done(struct qbid_replay_log_folder *folder)
{
    for (size_t i = 0; i < folder->paths_cnt; i++)
        free(folder->paths[i]);
    free(folder->paths);
    *folder = (struct qbid_replay_log_folder){0};
}

int qbid_replay_log_folder_read(const char *path, char **ret_text, size_t *ret_len)
{
    char *text = NULL;
    size_t len = 0, cap = 0;
    FILE *file = fopen(path, "rb");
    if (!file)
        return QBID_ERR_SYS;
    for (;;) {
        if (cap - len < 2) {
            size_t grown = cap ? cap * 2 : (size_t)1 << 16;
            char *bigger = realloc(text, grown);
            if (!bigger)
                break;
            text = bigger;
            cap = grown;
        }
        size_t got = fread(text + len, 1, cap - len - 1, file);
        len += got;
        if (got == 0)
            break;
    }
    bool ok = feof(file) && !ferror(file);
    int saved_errno = errno;
    fclose(file);
    if (!ok) {
        free(text);
        errno = saved_errno;
        return QBID_ERR_SYS;
    }
    text[len] = '\0';
    *ret_text = text;
    *ret_len = len;
    return 0;
}
