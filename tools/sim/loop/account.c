/* SPDX-License-Identifier: Apache-2.0 */
/* Files as text. */
#include "tools/sim/loop/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shm/units.h"

void qbid_loop_platform_name(uint32_t platform, char ret_name[QBID_LOOP_NAME_MAX])
{
    snprintf(ret_name, QBID_LOOP_NAME_MAX, "%u", platform + 1);
}

void qbid_loop_audience_name(uint32_t line_item, char ret_name[QBID_LOOP_NAME_MAX])
{
    snprintf(ret_name, QBID_LOOP_NAME_MAX, "audience-%u", line_item + 1);
}

/* Periods are thinned: qbidd looks every second where minutes pass here, so leases and images
 * are made to last. Everything else is what stands without a word. */
char *qbid_loop_config_text(const char *settings)
{
    char *text = NULL;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    if (!f)
        return NULL;
    fprintf(f,
            "state_dir: state\n"
            "privacy: {gdpr_unknown: applies_not}\n"
            "handover: {path: qbid.sock}\n"
            "control: {path: control.sock}\n"
            "keys: {file: keys, create: true}\n"
            "currency: EUR\n"
            "price_ceiling_cpm: 10000\n"
            "notice_ttl_ms: 600000\n"
            "event_ttl_ms: 259200000\n"
            "lease_ms: 3600000\n"
            "image_valid_ms: 86400000\n"
            "images_kept: 2\n"
            "levels: [[exchange, segment], [exchange]]\n"
            "market_segments: [exchange]\n"
            "learning: {pace_period_ms: 600000, price_samples: 256}\n"
            "models: {ftrl: false}\n"
            "ticks: {ingest_ms: 1000, live_ms: 10000, learn_ms: 3600000, snapshot_ms: 3600000}\n"
            "capacity: {line_items: 256, budgets: 256, workers: 4, ring_lg_events: 14, contexts: "
            "4096, pending_bids: 16384, seen_notices: 65536, frequency_lg: 10, "
            "frequency_lg_bids: 10}\n"
            "%s",
            settings);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

char *qbid_loop_account_text(const struct qbid_loop_world *world)
{
    char *text = NULL, platform[QBID_LOOP_NAME_MAX], audience[QBID_LOOP_NAME_MAX];
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    if (!f)
        return NULL;
    fputs("currency: EUR\ncampaigns:\n", f);
    for (uint32_t i = 0; i < world->params.line_items; i++) {
        const struct qbid_loop_line_item *li = &world->line_item[i];
        int64_t micros = world->budget_micros / world->params.line_items;
        qbid_loop_platform_name(li->platform, platform);
        qbid_loop_audience_name(i, audience);
        fprintf(f,
                "  - {id: %u, tenant: 1, name: platform %s %s, budget: \"%" PRId64 ".%06" PRId64
                "\", period: daily, start: now, end: +%ud, goal: max_value, pacing: even,\n"
                "     line_items: [{id: %u, name: %s, ceiling: 1000, adomain: shop.example,\n"
                "       order_value: %.6f, prior_ctr: 0.2, prior_cvr: 0.25,\n"
                "       targeting: {exchange: [\"%s\"], segment: [%s]},\n"
                "       creatives: [{id: %u, size: 300x250, landing: \"https://shop.example/\",\n"
                "         markup: '<a href=\"{{click_url}}\">shop</a>'}]}]}\n",
                i + 1, platform, audience, micros / QBID_MICROS_PER_UNIT,
                micros % QBID_MICROS_PER_UNIT, world->params.days + 1, i + 1, audience,
                li->order_micros / (double)QBID_MICROS_PER_UNIT, platform, audience, i + 1);
    }
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}
