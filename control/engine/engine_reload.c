/* SPDX-License-Identifier: Apache-2.0 */
/* New values for a running engine: the signing keys first, for they may be refused. */
#include <stdio.h>
#include <string.h>

#include "control/config/partners.h"
#include "control/engine/engine_state.h"
#include "shm/error.h"

int qbid_engine_reload(struct qbid_engine *engine, const struct qbid_config *config,
                       char why[QBID_ENGINE_WHY_MAX])
{
    char reason[QBID_KEY_FILE_WHY_MAX];
    struct qbid_keys keys;
    int err = qbid_key_file_load(config->keys.file, &keys, reason);
    if (err) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "keys.file: %s", reason);
        return err;
    }
    struct qbid_partner_keys partner_keys[QBID_PARTNERS_MAX];
    err = qbid_partner_keys_load(config, partner_keys, why);
    if (err) {
        explicit_bzero(&keys, sizeof keys);
        return err;
    }
    qbid_publisher_set_partner_keys(engine->publisher, partner_keys);
    explicit_bzero(partner_keys, sizeof partner_keys);
    err = qbid_publisher_set_keys(engine->publisher, &keys);
    explicit_bzero(&keys, sizeof keys);
    if (err) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "keys.file: %s", qbid_strerror(err));
        return err;
    }
    qbid_config_take(&engine->config, config);
    qbid_learner_set_zone(engine->learner, engine->config.time_zone);
    engine->publish_wanted = true;
    return 0;
}
