/* SPDX-License-Identifier: Apache-2.0 */
/* What a process holds, for tests that nothing may leak: descriptors and mappings of memory files.
 */
#ifndef QBID_TESTS_SHM_PROCESS_H
#define QBID_TESTS_SHM_PROCESS_H

#include <dirent.h>
#include <stdio.h>
#include <string.h>

/** Open descriptors of this process. */
static inline unsigned process_fds(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir != NULL && readdir(dir) != NULL)
        n++;
    if (dir != NULL)
        closedir(dir);
    return n;
}

/** Mappings of memory files in this process. */
static inline unsigned process_maps(void)
{
    unsigned n = 0;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
        n += strstr(line, "/memfd:") != NULL;
    if (maps != NULL)
        fclose(maps);
    return n;
}

#endif
