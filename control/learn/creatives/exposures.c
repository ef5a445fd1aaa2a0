/* SPDX-License-Identifier: Apache-2.0 */
/* Follows users through their windows, and fits what their clicks tell. */
#include "control/learn/creatives/exposures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/written/frequency.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "shm/units.h"

#define USERS_LG 16 /* places; filled to three quarters */
#define SHOWN_LG 16
#define FOLD_NS (10 * QBID_NS_PER_S)
#define USERS (1u << USERS_LG)
#define SHOWN (1u << SHOWN_LG)

struct qbid_exposures_user {
    uint64_t key; /* 0 = free */
    uint64_t until_ns;
    uint32_t line_item_id;
    uint16_t clicked; /* bit k: exposure k */
    uint8_t cnt;
};

/* One place for each hash of a nonce: a later impression takes it over. */
struct qbid_exposures_shown {
    uint64_t nonce;
    uint64_t key;
    uint8_t k;
};

void qbid_exposures_learned_done(struct qbid_exposures_learned *e)
{
    free(e->item);
    free(e->user);
    free(e->shown);
    qbid_keymap_done(&e->map);
    *e = (struct qbid_exposures_learned){0};
}

struct qbid_exposures_item *qbid_exposures_learned_touch(struct qbid_exposures_learned *e,
                                                         uint32_t line_item_id)
{
    uint32_t i = qbid_keymap_find(&e->map, 0, line_item_id);
    if (i != QBID_KEYMAP_NONE)
        return &e->item[i];
    if (e->cnt == e->max) {
        uint32_t max = e->max ? e->max * 2 : 16;
        struct qbid_exposures_item *more = realloc(e->item, max * sizeof *more);
        if (!more)
            return NULL;
        e->item = more;
        e->max = max;
    }
    if (qbid_keymap_add(&e->map, 0, line_item_id, e->cnt))
        return NULL;
    e->item[e->cnt] = (struct qbid_exposures_item){.line_item_id = line_item_id};
    return &e->item[e->cnt++];
}

/* --- users */

static bool places_made(struct qbid_exposures_learned *e)
{
    if (!e->user)
        e->user = calloc(USERS, sizeof *e->user);
    if (!e->shown)
        e->shown = calloc(SHOWN, sizeof *e->shown);
    return e->user && e->shown;
}

/* Not the bits that say the place. */
static bool followed(const struct qbid_exposures_learned *e, uint64_t key)
{
    return (qbid_mix64(key) >> 32 & ((UINT64_C(1) << e->shift) - 1)) == 0;
}

/* The user's place, or the free one where it would be. */
static struct qbid_exposures_user *place_of(struct qbid_exposures_user *user, uint64_t key)
{
    uint32_t at = (uint32_t)key & (USERS - 1);
    while (user[at].key != 0 && user[at].key != key)
        at = (at + 1) & (USERS - 1);
    return &user[at];
}

/* Count those whose time is over, keep the others that are followed: the array is made anew. */
static void users_sift(struct qbid_exposures_learned *e, uint64_t now_ns)
{
    struct qbid_exposures_user *kept = calloc(USERS, sizeof *kept);
    if (!kept)
        return;
    e->user_cnt = 0;
    for (uint32_t i = 0; i < USERS; i++) {
        const struct qbid_exposures_user *u = &e->user[i];
        if (u->key == 0 || !followed(e, u->key))
            continue;
        if (now_ns < u->until_ns) {
            *place_of(kept, u->key) = *u;
            e->user_cnt++;
            continue;
        }
        struct qbid_exposures_item *item = qbid_exposures_learned_touch(e, u->line_item_id);
        if (item) {
            qbid_fatigue_see(&item->fatigue, u->cnt, u->clicked);
            item->dirty = 1;
        }
    }
    free(e->user);
    e->user = kept;
}

void qbid_exposures_learned_tick(struct qbid_exposures_learned *e, uint64_t now_ns)
{
    if (!e->user || e->user_cnt == 0 || now_ns < e->folded_ns + FOLD_NS)
        return;
    e->folded_ns = now_ns;
    users_sift(e, now_ns);
}

static void shown_post(struct qbid_exposures_learned *e, const struct qbid_outcome *o,
                       uint32_t minutes)
{
    if (!followed(e, o->exposure_key))
        return;
    struct qbid_exposures_user *u = place_of(e->user, o->exposure_key);
    if (u->key == 0 && e->user_cnt >= USERS / 4 * 3) {
        users_sift(e, o->time_ns);
        if (e->user_cnt >= USERS / 2 && e->shift < 32) {
            e->shift++;
            users_sift(e, o->time_ns);
        }
        if (!followed(e, o->exposure_key) || e->user_cnt >= USERS / 4 * 3)
            return;
        u = place_of(e->user, o->exposure_key);
    }
    if (u->key == 0) {
        *u = (struct qbid_exposures_user){.key = o->exposure_key,
                                          .until_ns = o->time_ns + minutes * 60 * QBID_NS_PER_S +
                                                      QBID_EXPOSURES_GRACE_NS,
                                          .line_item_id = o->line_item_id};
        e->user_cnt++;
    }
    e->shown[qbid_mix64(o->nonce) & (SHOWN - 1)] =
        (struct qbid_exposures_shown){o->nonce, u->key, u->cnt};
    u->cnt = (uint8_t)(u->cnt < UINT8_MAX ? u->cnt + 1 : UINT8_MAX);
}

static void click_post(struct qbid_exposures_learned *e, const struct qbid_outcome *o)
{
    const struct qbid_exposures_shown *s = &e->shown[qbid_mix64(o->nonce) & (SHOWN - 1)];
    if (s->nonce != o->nonce || s->k >= QBID_FATIGUE_MAX)
        return;
    struct qbid_exposures_user *u = place_of(e->user, s->key);
    if (u->key != 0 && s->k < u->cnt)
        u->clicked |= (uint16_t)(1u << s->k);
}

void qbid_exposures_learned_post(struct qbid_exposures_learned *e, const struct qbid_outcome *o,
                                 const struct qbid_line_item_def *li)
{
    struct qbid_frequency_rule rule;
    bool shown = o->kind == QBID_EVENT_IMP && o->exposure_key != 0;
    if ((!shown && o->kind != QBID_EVENT_CLICK) || !li->frequency || !*li->frequency ||
        qbid_frequency_rule_parse(li->frequency, &rule) || !rule.learned || !places_made(e))
        return;
    qbid_exposures_learned_tick(e, o->time_ns);
    if (shown)
        shown_post(e, o, rule.minutes);
    else
        click_post(e, o);
}

/* --- curves */

static bool rule_learned(const struct qbid_line_item_def *li)
{
    struct qbid_frequency_rule rule;
    return li->frequency && *li->frequency && !qbid_frequency_rule_parse(li->frequency, &rule) &&
           rule.learned;
}

static const struct qbid_fatigue *counts_of(const struct qbid_exposures_learned *e, uint32_t id)
{
    static const struct qbid_fatigue none;
    uint32_t i = qbid_keymap_find(&e->map, 0, id);
    return i == QBID_KEYMAP_NONE ? &none : &e->item[i].fatigue;
}

static void row_fill(const double value[QBID_FATIGUE_MAX], float row[QBID_FREQUENCY_VALUES_MAX])
{
    for (uint32_t k = 0; k < QBID_FREQUENCY_VALUES_MAX; k++)
        row[k] = (float)(nearbyint(value[k] * 1000) / 1000);
}

static int by_campaign(const void *a, const void *b)
{
    const struct qbid_line_item_def *const *x = a, *const *y = b;
    if ((*x)->campaign_id != (*y)->campaign_id)
        return (*x)->campaign_id > (*y)->campaign_id ? 1 : -1;
    return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

/* One campaign's line items, from the first on; returns how many they are. */
static uint32_t campaign_fit(const struct qbid_exposures_learned *e,
                             const struct qbid_line_item_def *const *li, uint32_t cnt,
                             const double all[QBID_FATIGUE_MAX],
                             float (*ret_value)[QBID_FREQUENCY_VALUES_MAX])
{
    double campaign[QBID_FATIGUE_MAX], own[QBID_FATIGUE_MAX];
    struct qbid_fatigue sum = {{0}, {{0}}};
    uint32_t n = 0;
    for (; n < cnt && li[n]->campaign_id == li[0]->campaign_id; n++)
        qbid_fatigue_add(&sum, counts_of(e, li[n]->id));
    qbid_fatigue_fit(&sum, all, QBID_EXPOSURES_STRENGTH, campaign);
    for (uint32_t i = 0; i < n; i++) {
        qbid_fatigue_fit(counts_of(e, li[i]->id), campaign, QBID_EXPOSURES_STRENGTH, own);
        row_fill(own, ret_value[li[i]->idx]);
    }
    return n;
}

int qbid_exposures_learned_fit(const struct qbid_exposures_learned *e,
                               const struct qbid_account *account,
                               float (**ret_value)[QBID_FREQUENCY_VALUES_MAX])
{
    const struct qbid_line_item_def **li = calloc(account->line_item_cnt + 1, sizeof *li);
    float(*value)[QBID_FREQUENCY_VALUES_MAX] = NULL;
    struct qbid_fatigue sum = {{0}, {{0}}};
    double all[QBID_FATIGUE_MAX];
    uint32_t cnt = 0;
    *ret_value = NULL;
    for (uint32_t i = 0; li && i < account->line_item_cnt; i++)
        if (rule_learned(&account->line_items[i]))
            li[cnt++] = &account->line_items[i];
    if (cnt > 0)
        value = malloc(account->line_item_max * sizeof *value);
    if (!li || (cnt > 0 && !value)) {
        free(li);
        return QBID_ERR_NOMEM;
    }
    for (uint32_t i = 0; i < cnt; i++)
        qbid_fatigue_add(&sum, counts_of(e, li[i]->id));
    for (uint32_t i = 0; value && i < account->line_item_max; i++)
        for (uint32_t k = 0; k < QBID_FREQUENCY_VALUES_MAX; k++)
            value[i][k] = 1;
    qsort(li, cnt, sizeof *li, by_campaign);
    qbid_fatigue_fit(&sum, NULL, QBID_EXPOSURES_STRENGTH, all);
    for (uint32_t i = 0; i < cnt;)
        i += campaign_fit(e, li + i, cnt - i, all, value);
    free(li);
    *ret_value = value;
    return 0;
}
