/* SPDX-License-Identifier: Apache-2.0 */
/* Lines with time and level; each is one write, so that lines never mix. */
#include "control/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "control/account/written/instant.h"
#include "shm/clock.h"
#include "shm/error.h"

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const int level_syslog[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

struct qbid_log {
    enum qbid_log_level level;
    int fd; /* -1 = syslog */
    char *path;
};

static int file_open(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

int qbid_log_new(enum qbid_log_level level, const char *target, struct qbid_log **ret_log)
{
    struct qbid_log *log = calloc(1, sizeof *log);
    if (!log)
        return QBID_ERR_NOMEM;
    log->level = level;
    log->fd = STDERR_FILENO;
    if (strcmp(target, "syslog") == 0) {
        log->fd = -1;
        openlog("qbidd", LOG_PID, LOG_DAEMON);
    } else if (strcmp(target, "stderr") != 0) {
        log->path = strdup(target);
        log->fd = log->path ? file_open(target) : -1;
        if (log->fd < 0) {
            int saved = errno;
            free(log->path);
            free(log);
            errno = saved;
            return QBID_ERR_SYS;
        }
    }
    *ret_log = log;
    return 0;
}

void qbid_log_free(struct qbid_log *log)
{
    if (!log)
        return;
    if (log->path)
        close(log->fd);
    else if (log->fd < 0)
        closelog();
    free(log->path);
    free(log);
}

int qbid_log_reopen(struct qbid_log *log)
{
    if (!log->path)
        return 0;
    int fd = file_open(log->path);
    if (fd < 0)
        return QBID_ERR_SYS;
    close(log->fd);
    log->fd = fd;
    return 0;
}

void qbid_log_set_level(struct qbid_log *log, enum qbid_log_level level)
{
    log->level = level;
}

void qbid_log_write(struct qbid_log *log, enum qbid_log_level level, const char *format, ...)
{
    if (level > log->level)
        return;
    char text[QBID_LOG_LINE_MAX], time[QBID_INSTANT_TEXT_MAX];
    char line[QBID_LOG_LINE_MAX + QBID_INSTANT_TEXT_MAX + 32];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *s = text; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = ' ';
    if (log->fd < 0) {
        syslog(level_syslog[level], "%s", text);
        return;
    }
    uint64_t now_ns = qbid_clock_unix_ns();
    qbid_instant_format((int64_t)(now_ns / QBID_NS_PER_S), time);
    time[strlen(time) - 1] = '\0'; /* the Z goes behind the milliseconds */
    int len =
        snprintf(line, sizeof line, "%s.%03uZ %s %s\n", time,
                 (unsigned)(now_ns % QBID_NS_PER_S / QBID_NS_PER_MS), level_names[level], text);
    if (write(log->fd, line, (size_t)len) < 0)
        return; /* a log that cannot be written has nowhere to say so */
}
