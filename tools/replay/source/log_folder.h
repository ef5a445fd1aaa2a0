/* SPDX-License-Identifier: Apache-2.0 */
/* Which files a log consists of, and their text. */
#ifndef QBID_TOOLS_REPLAY_SOURCE_LOG_FOLDER_H
#define QBID_TOOLS_REPLAY_SOURCE_LOG_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

struct qbid_replay_log_folder {
    char **paths;
    size_t paths_cnt;
};

/**
 * List the files that paths stand for: a file is itself, a folder its imp*.txt, clk*.txt and
 * train*.txt by name.
 *
 * Shapes:  message of QBID_REPLAY_LOG_MESSAGE_BYTES.
 * Errors:  QBID_ERR_SYS; QBID_ERR_NOENT (a folder without such a file); QBID_ERR_LIMIT (over
 *          QBID_REPLAY_LOG_FILES_MAX files); QBID_ERR_NOMEM. The message says what.
 */
int qbid_replay_log_folder_init(struct qbid_replay_log_folder *folder, const char *const *paths,
                                size_t paths_cnt, char *message);

void qbid_replay_log_folder_done(struct qbid_replay_log_folder *folder);

/** Whether the file holds clicked rows only, by its name: clk*. */
bool qbid_replay_log_folder_is_click(const char *path);

/**
 * Read a whole file.
 *
 * Returns: 0; *ret_text is to be freed and has a zero after its last byte.
 * Errors:  QBID_ERR_SYS, errno says why.
 */
int qbid_replay_log_folder_read(const char *path, char **ret_text, size_t *ret_len);

#endif
