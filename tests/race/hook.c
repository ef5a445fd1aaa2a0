/* SPDX-License-Identifier: Apache-2.0 */
/* The armed points of a forced order. */
#include "tests/race/hook.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define POINTS_MAX 4

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    const char *point;
    race_hook_fn *fn;
    void *context;
    int times;
} armed[POINTS_MAX];

void race_hook_arm(const char *point, race_hook_fn *fn, void *context, int times)
{
    int i = 0;
    pthread_mutex_lock(&lock);
    while (i < POINTS_MAX && armed[i].point != NULL && strcmp(armed[i].point, point) != 0)
        i++;
    if (i == POINTS_MAX)
        abort();
    armed[i].point = point;
    armed[i].fn = fn;
    armed[i].context = context;
    armed[i].times = times;
    pthread_mutex_unlock(&lock);
}

void qbid_race_hook(const char *point)
{
    race_hook_fn *fn = NULL;
    void *context = NULL;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < POINTS_MAX; i++) {
        if (armed[i].point != NULL && armed[i].times > 0 && strcmp(armed[i].point, point) == 0) {
            armed[i].times--;
            fn = armed[i].fn;
            context = armed[i].context;
        }
    }
    pthread_mutex_unlock(&lock);
    if (fn != NULL)
        fn(context); /* without the lock: it may arrive at another point itself */
}
