/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of an allocation: what is wrong is said by name and in money. */
#include "control/models/allocate/allocation_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "shm/error.h"
#include "shm/units.h"

#define NAME_MAX_SHOWN 64

__attribute__((format(printf, 3, 4))) static int refuse(char *why, int err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, QBID_ALLOCATION_WHY_MAX, format, arguments);
    va_end(arguments);
    return err;
}

/* "campaign 'x'", or by index. */
static const char *named(const char *kind, const char *name, uint32_t idx, char *out)
{
    if (name)
        snprintf(out, NAME_MAX_SHOWN, "%s '%.48s'", kind, name);
    else
        snprintf(out, NAME_MAX_SHOWN, "%s %" PRIu32, kind, idx);
    return out;
}

static double units(int64_t micros)
{
    return (double)micros / 1e6;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int check_box(const char *kind, const char *name, uint32_t idx, int64_t least, int64_t most,
                     char *why)
{
    char shown[NAME_MAX_SHOWN];
    if (least >= 0 && least <= QBID_ALLOCATION_MICROS_MAX && least <= most)
        return 0; /* no text is written for what is right */
    named(kind, name, idx, shown);
    if (least < 0)
        return refuse(why, QBID_ERR_INVAL, "%s: least_micros is negative", shown);
    if (least > QBID_ALLOCATION_MICROS_MAX)
        return refuse(why, QBID_ERR_INVAL, "%s: least_micros is above %" PRId64, shown,
                      QBID_ALLOCATION_MICROS_MAX);
    return refuse(why, QBID_ERR_LIMIT, "%s: its least %.6f is above its most %.6f", shown,
                  units(least), units(most));
}

static int check_item(const struct qbid_allocation *a, uint32_t i, char *why)
{
    const struct qbid_allocation_item *item = &a->items[i];
    const char *fault = qbid_curve_fault(&item->curve);
    char shown[NAME_MAX_SHOWN];
    if (fault)
        return refuse(why, QBID_ERR_INVAL, "%s: its curve %s",
                      named("campaign", item->name, i, shown), fault);
    if (a->groups && item->group >= a->group_cnt)
        return refuse(why, QBID_ERR_INVAL, "%s: platform %" PRIu32 " is not there",
                      named("campaign", item->name, i, shown), item->group);
    return check_box("campaign", item->name, i, item->least_micros, item->most_micros, why);
}

/* Capped one above the budget, so that sums neither overflow nor hide that they are too large. */
static int64_t add(int64_t sum, int64_t more, int64_t budget)
{
    return smaller(sum + smaller(more, budget + 1), budget + 1);
}

static int check_room(const struct qbid_allocation *a, uint32_t g,
                      struct qbid_allocation_room *room, char *why)
{
    const struct qbid_allocation_group *group = &a->groups[g];
    int err = check_box("platform", group->name, g, group->least_micros, group->most_micros, why);
    char shown[NAME_MAX_SHOWN];
    named("platform", group->name, g, shown);
    if (err)
        return err;
    if (room->items_least_micros > group->most_micros)
        return refuse(
            why, QBID_ERR_LIMIT,
            "%s: the least spends of its campaigns come to %.6f or more, its most is %.6f", shown,
            units(room->items_least_micros), units(group->most_micros));
    if (room->items_most_micros < group->least_micros &&
        room->items_most_micros <= a->budget_micros)
        return refuse(why, QBID_ERR_LIMIT,
                      "%s: the most spends of its campaigns come to %.6f, its least is %.6f", shown,
                      units(room->items_most_micros), units(group->least_micros));
    if (room->least_micros < group->least_micros)
        room->least_micros = group->least_micros;
    if (room->most_micros > group->most_micros)
        room->most_micros = group->most_micros;
    return 0;
}

static int check_total(const struct qbid_allocation *a, int64_t least, int64_t most, char *why)
{
    if (least > a->budget_micros)
        return refuse(why, QBID_ERR_LIMIT, "budget: the least spends come to more than its %.6f",
                      units(a->budget_micros));
    if (most < a->budget_micros)
        return refuse(why, QBID_ERR_LIMIT, "budget: the most spends come to %.6f of its %.6f",
                      units(most), units(a->budget_micros));
    return 0;
}

int qbid_allocation_check(const struct qbid_allocation *a, struct qbid_allocation_room *rooms,
                          char why[QBID_ALLOCATION_WHY_MAX])
{
    uint32_t room_cnt = a->groups ? a->group_cnt : 1;
    int64_t budget = a->budget_micros, least = 0, most = 0;
    if (a->item_cnt == 0 || a->item_cnt > QBID_ALLOCATION_ITEMS_MAX)
        return refuse(why, QBID_ERR_INVAL, "item_cnt: %" PRIu32 " campaigns", a->item_cnt);
    if (budget < 0 || budget > QBID_ALLOCATION_MICROS_MAX)
        return refuse(why, QBID_ERR_INVAL, "budget_micros: %" PRId64 " is out of range", budget);
    for (uint32_t g = 0; g < room_cnt; g++)
        rooms[g] = (struct qbid_allocation_room){0};
    for (uint32_t i = 0; i < a->item_cnt; i++) {
        int err = check_item(a, i, why);
        if (err)
            return err;
        struct qbid_allocation_room *room = &rooms[a->groups ? a->items[i].group : 0];
        room->items_least_micros = add(room->items_least_micros, a->items[i].least_micros, budget);
        room->items_most_micros = add(room->items_most_micros, a->items[i].most_micros, budget);
        room->item_cnt++;
    }
    for (uint32_t g = 0; g < room_cnt; g++) {
        rooms[g].least_micros = rooms[g].items_least_micros;
        rooms[g].most_micros = rooms[g].items_most_micros;
        int err = a->groups ? check_room(a, g, &rooms[g], why) : 0;
        if (err)
            return err;
        least = add(least, rooms[g].least_micros, budget);
        most = add(most, rooms[g].most_micros, budget);
    }
    return check_total(a, least, most, why);
}
