/* SPDX-License-Identifier: Apache-2.0 */
/* Redis over a Unix socket: a server of our own, started here and ended with us; GETs one at a time
 * and in pipelines. The requests are written as bytes, so the client costs as little as it can. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "bench/index/lookup.h"

#define PIPELINE_FILL 1000
#define START_TRIES 500
#define START_PAUSE_US 10000

static const char get_head[] = "*2\r\n$3\r\nGET\r\n$8\r\n";
static const char set_head[] = "*3\r\n$3\r\nSET\r\n$8\r\n";

static size_t put(char *out, const void *bytes, size_t len)
{
    memcpy(out, bytes, len);
    return len;
}

static void append_get(redisContext *redis, uint64_t key)
{
    char text[sizeof get_head + 10];
    size_t n = put(text, get_head, sizeof get_head - 1);
    n += put(text + n, &key, sizeof key);
    n += put(text + n, "\r\n", 2);
    lookup_must(redisAppendFormattedCommand(redis, text, n) == REDIS_OK, "GET");
}

static void append_set(redisContext *redis, uint64_t key, uint64_t value)
{
    char text[sizeof set_head + 30];
    size_t n = put(text, set_head, sizeof set_head - 1);
    n += put(text + n, &key, sizeof key);
    n += put(text + n, "\r\n$8\r\n", 6);
    n += put(text + n, &value, sizeof value);
    n += put(text + n, "\r\n", 2);
    lookup_must(redisAppendFormattedCommand(redis, text, n) == REDIS_OK, "SET");
}

static uint64_t take(redisContext *redis)
{
    void *got = NULL;
    uint64_t value = 0;
    lookup_must(redisGetReply(redis, &got) == REDIS_OK, "the Redis server is gone");
    redisReply *reply = got;
    lookup_must(reply->type != REDIS_REPLY_ERROR, "the Redis server refuses");
    if (reply->type == REDIS_REPLY_STRING && reply->len == sizeof value)
        memcpy(&value, reply->str, sizeof value);
    freeReplyObject(reply);
    return value;
}

static uint64_t run_pipeline(redisContext *redis, const uint64_t *keys, size_t n, size_t deep)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i += deep) {
        for (size_t k = 0; k < deep; k++)
            append_get(redis, keys[i + k]);
        for (size_t k = 0; k < deep; k++)
            sum += lookup_digest(take(redis));
    }
    return sum;
}

static uint64_t run_1(void *peer, const uint64_t *keys, size_t n)
{
    return run_pipeline(peer, keys, n, 1);
}

static uint64_t run_32(void *peer, const uint64_t *keys, size_t n)
{
    return run_pipeline(peer, keys, n, 32);
}

static uint64_t run_128(void *peer, const uint64_t *keys, size_t n)
{
    return run_pipeline(peer, keys, n, 128);
}

/* The kernel ends the server with this thread. */
static void serve(const char *folder, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || chdir(folder) != 0 || !freopen("/dev/null", "w", stdout))
        _exit(1);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", "s", "--save", "",
           "--appendonly", "no", "--daemonize", "no", (char *)NULL);
    _exit(1);
}

static redisContext *connect_to(const char *path)
{
    for (int i = 0; i < START_TRIES; i++) {
        redisContext *redis = redisConnectUnix(path);
        if (redis && redis->err == 0)
            return redis;
        if (redis)
            redisFree(redis);
        usleep(START_PAUSE_US);
    }
    lookup_must(0, "redis-server does not start");
    return NULL;
}

static void fill(redisContext *redis, const struct lookup_world *world)
{
    for (uint32_t i = 0; i < LOOKUP_KEYS; i += PIPELINE_FILL) {
        for (uint32_t k = 0; k < PIPELINE_FILL; k++)
            append_set(redis, world->key[i + k], world->value[i + k]);
        for (uint32_t k = 0; k < PIPELINE_FILL; k++)
            (void)take(redis);
    }
}

void lookup_redis_add(struct lookup_bench *bench)
{
    char folder[] = "/tmp/qbid-lookup-XXXXXX", path[64];
    lookup_must(mkdtemp(folder) != NULL, "no temporary folder for Redis");
    snprintf(path, sizeof path, "%s/s", folder);
    pid_t parent = getpid(), server = fork();
    if (server == 0)
        serve(folder, parent);
    lookup_must(server > 0, "no process for Redis");
    redisContext *redis = connect_to(path);
    unlink(path); /* connected: the names are not needed any more */
    rmdir(folder);
    fill(redis, &bench->world);
    const struct lookup_design designs[] = {
        {.name = "redis", .slice = 512, .run = run_1, .peer = redis, .wall = 1},
        {.name = "redis_32", .slice = 4096, .run = run_32, .peer = redis, .wall = 1},
        {.name = "redis_128", .slice = 4096, .run = run_128, .peer = redis, .wall = 1},
    };
    for (size_t i = 0; i < sizeof designs / sizeof *designs; i++)
        lookup_design_add(bench, designs[i]);
}
