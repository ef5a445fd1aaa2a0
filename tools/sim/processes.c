/* SPDX-License-Identifier: Apache-2.0 */
/* Forked, and waited for. */
#include "tools/sim/processes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/sim/command.h"

int qbid_sim_processes(const char *command, uint32_t cnt, qbid_sim_share_fn *play, void *context)
{
    int failed = 0, status;
    uint32_t started = 0;
    fflush(NULL);
    for (; started < cnt; started++) {
        pid_t pid = fork();
        if (pid < 0) {
            fprintf(stderr, "qbid-sim %s: fork: %s\n", command, strerror(errno));
            failed = 1;
            break;
        }
        if (pid == 0)
            _exit(play(context, started) ? QBID_SIM_FAILED : QBID_SIM_OK);
    }
    for (uint32_t i = 0; i < started; i++)
        failed |= wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    return failed ? QBID_SIM_FAILED : QBID_SIM_OK;
}
