/* SPDX-License-Identifier: Apache-2.0 */
/* What EAL is told besides what the operator tells it. */
#include <stdio.h>
#include <string.h>

#include "plugin/dpdk/options.h"
#include "shm/error.h"

/* Whether a word is the long option, alone or with its value behind "=". */
static bool is(const char *word, const char *option)
{
    size_t len = strlen(option);
    return strncmp(word, option, len) == 0 && (word[len] == '\0' || word[len] == '=');
}

static bool given(int argc, char *const argv[], const char *option)
{
    for (int i = 1; i < argc; i++)
        if (is(argv[i], option))
            return true;
    return false;
}

/* Ways to keep huge pages that the operator may want for reasons of their own. */
static bool pages_chosen(int argc, char *const argv[])
{
    static const char *const option[] = {"--in-memory", "--legacy-mem", "--huge-dir",
                                         "--huge-unlink", "--single-file-segments"};
    for (unsigned i = 0; i < sizeof option / sizeof option[0]; i++)
        if (given(argc, argv, option[i]))
            return true;
    return false;
}

int qbid_dpdk_eal_args(int argc, char **argv, char *prefix, char **ret_argv,
                       char why[QBID_DPDK_WHY_MAX])
{
    static char in_memory[] = "--in-memory", no_shconf[] = "--no-shconf";
    int n = 0;
    if (given(argc, argv, "--proc-type")) {
        snprintf(why, QBID_DPDK_WHY_MAX,
                 "--proc-type: qbid-dpdk is always a primary process of its own; to look into a "
                 "running one use --ask or DPDK's telemetry socket");
        return QBID_ERR_PARSE;
    }
    ret_argv[n++] = argv[0];
    if (!given(argc, argv, "--file-prefix"))
        ret_argv[n++] = prefix;
    if (given(argc, argv, "--no-huge")) {
        if (!given(argc, argv, "--no-shconf"))
            ret_argv[n++] = no_shconf;
    } else if (!pages_chosen(argc, argv)) {
        ret_argv[n++] = in_memory;
    }
    for (int i = 1; i < argc; i++)
        ret_argv[n++] = argv[i];
    ret_argv[n] = NULL;
    return n;
}
