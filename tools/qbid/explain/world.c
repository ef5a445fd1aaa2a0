/* SPDX-License-Identifier: Apache-2.0 */
/* Maps an image file and makes the pages beside it. */
#include "tools/qbid/explain/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/error.h"

static int map_file(struct qbid_explain_world *world, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return QBID_ERR_SYS;
    int err = fstat(fd, &st) != 0 ? QBID_ERR_SYS : 0;
    if (err == 0 && (!S_ISREG(st.st_mode) || st.st_size == 0))
        err = QBID_ERR_CORRUPT;
    if (err == 0) {
        world->image_bytes = (size_t)st.st_size;
        world->image_base = mmap(NULL, world->image_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        if (world->image_base == MAP_FAILED) {
            world->image_base = NULL;
            err = QBID_ERR_SYS;
        }
    }
    int why = errno;
    close(fd);
    errno = why;
    return err;
}

/* Zeroed memory in whole cache lines; NULL when there is none. */
static void *new_lines(int64_t bytes)
{
    size_t whole = ((size_t)bytes + QBID_CACHE_LINE - 1) / QBID_CACHE_LINE * QBID_CACHE_LINE;
    void *base = bytes > 0 ? aligned_alloc(QBID_CACHE_LINE, whole) : NULL;
    return base ? memset(base, 0, whole) : NULL;
}

static int make_live(void **base, struct qbid_live_shape shape, float pace,
                     struct qbid_live *ret_live)
{
    *base = new_lines(qbid_live_footprint(shape));
    if (!*base)
        return QBID_ERR_NOMEM;
    int err = qbid_live_format(*base, shape, (uint32_t)getpid(), ret_live);
    if (err)
        return err;
    for (uint32_t i = 0; i < shape.line_item_max; i++)
        qbid_live_set_pace(ret_live, i, pace);
    for (uint32_t i = 0; i < shape.budget_max; i++)
        atomic_store_explicit(&ret_live->limit[i], INT64_MAX, memory_order_relaxed);
    atomic_store_explicit(&ret_live->lease[0].valid_until_ns, UINT64_MAX, memory_order_relaxed);
    return 0;
}

static int make_pages(struct qbid_explain_world *world)
{
    struct qbid_live_shape shape = {.line_item_max = world->image.line_item_cnt, .worker_max = 1};
    for (uint32_t i = 0; i < world->image.line_item_cnt; i++) {
        uint32_t budget_idx = world->image.line_items[i].budget_idx;
        if (budget_idx >= shape.budget_max)
            shape.budget_max = budget_idx + 1;
    }
    shape.line_item_max += shape.line_item_max == 0;
    shape.budget_max += shape.budget_max == 0;
    int err = make_live(&world->live_base, shape, 1.0f, &world->live);
    if (err == 0)
        err = make_live(&world->alone_base, shape, 0.0f, &world->alone);
    if (err)
        return err;
    world->assumed = calloc((size_t)world->image.line_item_cnt + 1, sizeof *world->assumed);
    if (!world->assumed)
        return QBID_ERR_NOMEM;
    world->page_base = new_lines(qbid_page_footprint(shape.budget_max, QBID_PAGE_RING_LG_MIN));
    if (!world->page_base)
        return QBID_ERR_NOMEM;
    return qbid_page_format(world->page_base, shape.budget_max, QBID_PAGE_RING_LG_MIN,
                            &world->page);
}

static int by_id(const void *a, const void *b)
{
    const struct qbid_explain_line_item *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int list_line_items(struct qbid_explain_world *world)
{
    world->line_items = calloc((size_t)world->image.line_item_cnt + 1, sizeof *world->line_items);
    if (!world->line_items)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < world->image.line_item_cnt; i++)
        if (world->image.line_items[i].id != 0)
            world->line_items[world->line_item_cnt++] =
                (struct qbid_explain_line_item){world->image.line_items[i].id, i};
    qsort(world->line_items, world->line_item_cnt, sizeof *world->line_items, by_id);
    return 0;
}

int qbid_explain_world_init(struct qbid_explain_world *world, const char *path)
{
    memset(world, 0, sizeof *world);
    int err = map_file(world, path);
    if (err == 0)
        err = qbid_image_attach(world->image_base, world->image_bytes, &world->image);
    if (err == 0)
        err = make_pages(world);
    if (err == 0)
        err = list_line_items(world);
    if (err) {
        int why = errno;
        qbid_explain_world_done(world);
        errno = why;
    }
    return err;
}

void qbid_explain_world_done(struct qbid_explain_world *world)
{
    if (world->image_base)
        munmap(world->image_base, world->image_bytes);
    free(world->live_base);
    free(world->alone_base);
    free(world->page_base);
    free(world->assumed);
    free(world->line_items);
    memset(world, 0, sizeof *world);
}

int64_t qbid_explain_world_find(const struct qbid_explain_world *world, uint32_t line_item_id)
{
    struct qbid_explain_line_item key = {.id = line_item_id};
    const struct qbid_explain_line_item *found =
        bsearch(&key, world->line_items, world->line_item_cnt, sizeof key, by_id);
    return found ? (int64_t)found->idx : QBID_ERR_NOENT;
}

struct qbid_view qbid_explain_world_view(const struct qbid_explain_world *world, bool alone)
{
    return (struct qbid_view){
        .image = &world->image,
        .live = alone ? &world->alone : &world->live,
        .page = &world->page,
        .deadline_ns = UINT64_MAX,
        .assumed = world->assumed,
    };
}

enum qbid_nobid qbid_explain_world_decide(const struct qbid_view *view,
                                          const struct qbid_request *request,
                                          struct qbid_decision *ret_decision,
                                          struct qbid_trace *trace)
{
    enum qbid_nobid nobid =
        qbid_decide_one(view, request, QBID_EXPLAIN_NOW_NS, ret_decision, trace);
    if (nobid == QBID_NOBID_NONE) {
        uint32_t budget_idx = view->image->line_items[ret_decision->line_item_idx].budget_idx;
        atomic_store_explicit(&view->page->committed[budget_idx], 0, memory_order_relaxed);
    }
    return nobid;
}

bool qbid_explain_world_stale(const struct qbid_explain_world *world, const uint64_t *unix_s)
{
    uint64_t boot_ns = qbid_clock_boot_ns();
    if (unix_s) /* no boot has the hash 0: the wall clock is the judge */
        return qbid_image_deadline_ns(world->image.header, boot_ns, *unix_s * QBID_NS_PER_S, 0) <=
               boot_ns;
    return qbid_image_deadline_ns(world->image.header, boot_ns, qbid_clock_unix_ns(),
                                  qbid_clock_boot_hash()) <= boot_ns;
}

bool qbid_explain_world_uses(const struct qbid_explain_world *world, unsigned dim)
{
    const struct qbid_image *image = &world->image;
    for (unsigned level = 0; level < image->level_cnt; level++)
        if (image->header->level_mask[level] & qbid_dim_mask(dim))
            return true;
    const uint64_t *unknown = qbid_image_elig(image, dim, 0);
    for (uint32_t value = 1; value < image->elig_rows[dim].value_cnt; value++)
        if (memcmp(unknown, qbid_image_elig(image, dim, value),
                   image->header->elig_words * sizeof *unknown) != 0)
            return true;
    return false;
}
