/* SPDX-License-Identifier: Apache-2.0 */
/* A real qbidd in a folder of its own, for tests. */
#ifndef QBID_TESTS_CONTROL_RUNNING_H
#define QBID_TESTS_CONTROL_RUNNING_H

#include <stdbool.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

struct running {
    char folder[32];
    char config[64], socket[64], state[64], log[64];
    char program[512]; /* the qbidd beside the running test */
    pid_t pid;         /* 0 = not running */
};

/** Make the folder and a configuration; `more` is added to it. */
int running_setup(struct running *r, const char *more);
void running_config(struct running *r, const char *more);

/** Start and wait until it answers. */
void running_start(struct running *r);
/** End it by a signal and return the wait status. */
int running_end(struct running *r, int signal);

/** Run the program with arguments to its end; what it said on standard error goes to out. */
int running_command(const struct running *r, char *out, size_t max, char *const argv[]);

/** Ask one thing; the answer is the caller's. NULL when nobody answers. */
cJSON *running_ask(const struct running *r, const char *request);
/** Ask, and demand ok. */
cJSON *running_ask_ok(const struct running *r, const char *request);

/** A number of the answer to a request, by a path like "a.b". */
double running_number(const struct running *r, const char *request, const char *path);

/** Whether the log holds a text; waits up to two seconds for it. */
bool running_logged(const struct running *r, const char *text);

/** End it if it runs, remove the folder. 0 when nothing unknown was left in it. */
int running_teardown(struct running *r);

#endif
