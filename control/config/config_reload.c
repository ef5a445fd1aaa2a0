/* SPDX-License-Identifier: Apache-2.0 */
/* Which values live as long as the process, and which a reload takes over. */
#include <stddef.h>
#include <string.h>

#include "control/config/config.h"

const char *qbid_config_fixed(const struct qbid_config *from, const struct qbid_config *to)
{
    if (strcmp(from->state_dir, to->state_dir) != 0)
        return "state_dir";
    if (memcmp(&from->handover, &to->handover, sizeof from->handover) != 0)
        return "handover";
    if (memcmp(&from->control, &to->control, sizeof from->control) != 0)
        return "control";
    if (strcmp(from->audit.key_file, to->audit.key_file) != 0)
        return "audit.key_file";
    if (strcmp(from->http.address, to->http.address) != 0 || from->http.port != to->http.port ||
        from->http.connections != to->http.connections || from->http.idle_s != to->http.idle_s)
        return "http.address, http.port, http.connections or http.idle_s";
    if (memcmp(&from->capacity, &to->capacity, sizeof from->capacity) != 0)
        return "capacity";
    if (from->currency != to->currency)
        return "currency";
    if (memcmp(from->level_mask, to->level_mask, sizeof from->level_mask) != 0)
        return "levels";
    if (from->segment_mask != to->segment_mask)
        return "market_segments";
    if (memcmp(&from->learning.explore, &to->learning.explore,
               sizeof from->learning - offsetof(struct qbid_config, learning.explore) +
                   offsetof(struct qbid_config, learning)) != 0)
        return "learning, but for learning.enabled";
    if (memcmp(&from->models, &to->models, sizeof from->models) != 0)
        return "models";
    if (memcmp(&from->agents, &to->agents, sizeof from->agents) != 0)
        return "agents";
    if (from->notice_ttl_ms != to->notice_ttl_ms || from->event_ttl_ms != to->event_ttl_ms ||
        from->lease_ms != to->lease_ms)
        return "notice_ttl_ms, event_ttl_ms or lease_ms";
    if (from->grant_ppm != to->grant_ppm || from->grant_min != to->grant_min)
        return "grant_ppm or grant_min";
    if (strcmp(from->log.target, to->log.target) != 0)
        return "log.target";
    return from->durability != to->durability ? "durability" : NULL;
}

void qbid_config_take(struct qbid_config *config, const struct qbid_config *next)
{
    config->log.level = next->log.level;
    memcpy(config->time_zone, next->time_zone, sizeof config->time_zone);
    config->ticks = next->ticks;
    config->keys = next->keys;
    config->execution = next->execution;
    config->access = next->access;
    config->http.body_kb = next->http.body_kb;
    config->http.timeout_s = next->http.timeout_s;
    config->http.rate = next->http.rate;
    config->http.burst = next->http.burst;
    memcpy(config->rate, next->rate, sizeof config->rate);
    config->rate_cnt = next->rate_cnt;
    memcpy(config->partner, next->partner, sizeof config->partner);
    memcpy(config->partner_key_file, next->partner_key_file, sizeof config->partner_key_file);
    config->partner_cnt = next->partner_cnt;
    config->price_ceiling_cpm = next->price_ceiling_cpm;
    config->image_valid_ms = next->image_valid_ms;
    config->stale_factor = next->stale_factor;
    config->privacy = next->privacy;
    config->images_kept = next->images_kept;
    config->history_days = next->history_days;
    config->seed = next->seed;
}
