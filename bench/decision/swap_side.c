/* SPDX-License-Identifier: Apache-2.0 */
/* Publishes generations of the benchmark's world as qbidd does. */
#include "bench/decision/swap_side.h"

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

#include "bench/control/ticks.h"
#include "control/publish/publisher.h"
#include "shm/clock.h"
#include "shm/memfd.h"

#define SWAP_PERIOD_NS (100 * QBID_NS_PER_MS)
#define POLL_MS 5

void swap_require(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench: %s failed\n", what);
        exit(1);
    }
}

void swap_pin(bool helper)
{
    cpu_set_t allowed, one;
    size_t cpus = (size_t)sysconf(_SC_NPROCESSORS_CONF), cpu = cpus;
    CPU_ZERO(&allowed);
    for (size_t i = 0; i < cpus && i < CPU_SETSIZE; i++)
        CPU_SET(i, &allowed);
    (void)sched_setaffinity(0, sizeof allowed, &allowed); /* the kernel leaves what is allowed */
    swap_require(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "affinity");
    for (size_t i = 0; i < cpus && i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &allowed) && (helper || cpu == cpus))
            cpu = i;
    }
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    (void)sched_setaffinity(0, sizeof one, &one); /* refused: slower, still right */
}

int swap_image_make(const struct bench_world *world, const void *content, uint64_t gen)
{
    int fd, ro;
    void *base;
    swap_require(qbid_memfd_make(QBID_MEMFD_IMAGE, world->image_bytes, &fd, &base) == 0, "memory");
    memcpy(base, content, world->image_bytes);
    struct qbid_image_header *header = base;
    header->gen = gen;
    header->checksum = qbid_image_checksum(base, world->image_bytes);
    swap_require(qbid_memfd_seal_image(fd, base, world->image_bytes, &ro) == 0, "seal");
    close(fd);
    return ro;
}

static int no_worker(void *context, uint16_t slot, uint16_t uid, const struct qbid_page *page)
{
    (void)context, (void)slot, (void)uid, (void)page;
    return 0;
}

static void no_leaver(void *context, uint16_t slot, uint16_t uid, const struct qbid_page *page)
{
    (void)context, (void)slot, (void)uid, (void)page;
}

/* Images that are ready to be published, oldest first. */
struct pool {
    int fd[SWAP_POOL];
    uint64_t next_gen; /* of the next one that is made */
};

static void make_next(struct pool *pool, const struct bench_world *world, const void *content,
                      struct swap_shared *shared)
{
    uint32_t cnt = atomic_load(&shared->pool);
    uint64_t start_ns = ticks_clock_ns(CLOCK_MONOTONIC);
    swap_require(pool->next_gen < SWAP_GENS_MAX, "fewer generations");
    pool->fd[cnt] = swap_image_make(world, content, pool->next_gen++);
    atomic_store(&shared->fill_ns, ticks_clock_ns(CLOCK_MONOTONIC) - start_ns);
    atomic_store(&shared->pool, cnt + 1);
}

static void publish_next(struct qbid_publisher *publisher, struct pool *pool,
                         const struct bench_world *world, struct swap_shared *shared)
{
    uint32_t cnt = atomic_load(&shared->pool);
    uint64_t gen = pool->next_gen - cnt;
    if (cnt == 0 || qbid_publisher_publish(publisher, pool->fd[0], gen, world->image_bytes) != 0)
        return; /* the reader holds too many: it is tried again */
    memmove(pool->fd, pool->fd + 1, (cnt - 1) * sizeof *pool->fd);
    atomic_store(&shared->pool, cnt - 1);
}

/* The commit is in a tick (or, without readers, in the publish before): its time is that before. */
static void tick(struct qbid_publisher *publisher, struct swap_shared *shared)
{
    uint64_t before_ns = ticks_clock_ns(CLOCK_MONOTONIC);
    uint64_t staged = qbid_publisher_counters_load(publisher).staged_gen;
    atomic_store(&shared->commit_ns[staged % SWAP_GENS_MAX], before_ns);
    qbid_publisher_tick(publisher);
    struct qbid_publisher_counters c = qbid_publisher_counters_load(publisher);
    atomic_store(&shared->gen, c.gen);
    atomic_store(&shared->late, c.late);
}

static void run(const struct bench_world *world, const char *path, struct swap_shared *shared)
{
    struct qbid_publisher_params params = {.socket_path = path,
                                           .socket_mode = 0600,
                                           .shape = {BENCH_LINE_ITEMS, BENCH_BUDGETS, 4},
                                           .page_lg_events = 10,
                                           .first_uid = 1,
                                           .attached = no_worker,
                                           .detached = no_leaver};
    struct qbid_publisher *publisher;
    struct pool pool = {.next_gen = 1};
    uint64_t next_ns = 0;
    swap_pin(true);
    void *content = mmap(NULL, world->image_bytes, PROT_READ, MAP_SHARED, world->image_fd[0], 0);
    swap_require(content != MAP_FAILED, "map");
    swap_require(qbid_publisher_new(&params, &publisher) == 0, "publisher");
    make_next(&pool, world, content, shared);
    publish_next(publisher, &pool, world, shared);
    while (!atomic_load(&shared->stop)) {
        struct pollfd p = {qbid_publisher_fd(publisher), POLLIN, 0};
        (void)poll(&p, 1, POLL_MS);
        tick(publisher, shared);
        if (atomic_load(&shared->filling) && atomic_load(&shared->pool) < SWAP_POOL)
            make_next(&pool, world, content, shared);
        uint64_t now_ns = ticks_clock_ns(CLOCK_MONOTONIC);
        if (!atomic_load(&shared->swapping) || now_ns < next_ns ||
            qbid_publisher_counters_load(publisher).staged_gen != 0)
            continue;
        next_ns = now_ns + SWAP_PERIOD_NS;
        publish_next(publisher, &pool, world, shared);
    }
    qbid_publisher_free(publisher);
}

pid_t swap_side_start(const struct bench_world *world, const char *path, struct swap_shared *shared)
{
    pid_t pid = fork();
    swap_require(pid >= 0, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(world, path, shared);
        _exit(0);
    }
    return pid;
}
