/* SPDX-License-Identifier: Apache-2.0 */
/* The audit's key, from its file into the store; and its head to the log, which is the one place
 * outside the store that a running program has anyway. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "control/config/audit_key_file.h"
#include "control/engine/engine_state.h"
#include "shm/clock.h"
#include "shm/error.h"

#define SAY_S 3600
#define REASON_MAX 400 /* at least QBID_KEY_FILE_WHY_MAX */

/* The key is missing: a new one, but not behind records that need the old one, unless told so. */
static int key_begin(struct qbid_engine *e, char *why)
{
    const char *path = e->config.audit.key_file;
    struct qbid_audit_head last;
    enum qbid_audit_seal seal;
    if (qbid_store_audit_head(e->store, &last) != 0 ||
        qbid_store_audit_sealed(e->store, NULL, &seal) != 0) {
        snprintf(why, REASON_MAX, "%.150s", qbid_store_why(e->store));
        return QBID_ERR_STORE;
    }
    if (seal == QBID_AUDIT_OTHER && !e->config.audit.begin_anew) {
        snprintf(why, REASON_MAX,
                 "is missing, and record %" PRIu64 " was made with it: put its copy back. If there "
                 "is none, start qbidd with --new-audit-key: what is recorded so far cannot be "
                 "verified then",
                 last.id);
        return QBID_ERR_NOENT;
    }
    int err = qbid_audit_key_file_create(path, last.id + 1, why);
    if (!err && last.id > 0)
        qbid_engine_say(e, QBID_LOG_WARNING,
                        "audit: no key at %s: a new one was made, for record %" PRIu64
                        " and later ones",
                        path, last.id + 1);
    return err;
}

static int key_open(struct qbid_engine *e, struct qbid_audit_key_file *file, char *why)
{
    const char *path = e->config.audit.key_file;
    int err = qbid_audit_key_file_load(path, file, why);
    if (err != QBID_ERR_NOENT)
        return err;
    err = key_begin(e, why);
    return err ? err : qbid_audit_key_file_load(path, file, why);
}

/* A key that did not make the last record would spoil the chain from here on. */
static int key_check(struct qbid_engine *e, const struct qbid_audit_key *key, char *why)
{
    struct qbid_audit_head last;
    enum qbid_audit_seal seal;
    int err = qbid_store_audit_head(e->store, &last);
    if (!err)
        err = qbid_store_audit_sealed(e->store, key, &seal);
    if (err) {
        snprintf(why, REASON_MAX, "%.150s", qbid_store_why(e->store));
    } else if (last.id >= key->from && seal != QBID_AUDIT_OURS) {
        snprintf(why, REASON_MAX,
                 "has not made record %" PRIu64 ", or that was changed: put the right key there, "
                 "or move this one away and start qbidd with --new-audit-key",
                 last.id);
        err = QBID_ERR_DENIED;
    }
    return err;
}

int qbid_engine_audit_open(struct qbid_engine *engine, char *why)
{
    struct qbid_audit_key_file file;
    struct qbid_audit_key key;
    char reason[REASON_MAX] = "";
    int err = key_open(engine, &file, reason);
    if (!err) {
        qbid_audit_key_derive(file.seed, file.from, &key);
        err = key_check(engine, &key, reason);
    }
    if (err) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "audit.key_file %s: %s", engine->config.audit.key_file,
                 reason);
    } else {
        err = qbid_store_audit_key(engine->store, &key, qbid_clock_unix_ns());
        if (err)
            snprintf(why, QBID_ENGINE_WHY_MAX, "audit: %s", qbid_store_why(engine->store));
    }
    sodium_memzero(&file, sizeof file);
    sodium_memzero(&key, sizeof key);
    if (!err)
        qbid_engine_audit_say(engine);
    return err;
}

void qbid_engine_audit_say(struct qbid_engine *engine)
{
    char line[QBID_AUDIT_CHECKPOINT_MAX];
    struct qbid_audit_head head;
    int64_t unix_s = (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S);
    if (qbid_store_audit_checkpoint(engine->store, unix_s, line, &head) != 0 ||
        head.id == engine->audit_said)
        return;
    engine->audit_said = head.id;
    engine->audit_said_s = unix_s;
    qbid_engine_say(engine, QBID_LOG_INFO, "%s", line);
}

void qbid_engine_audit_tick(struct qbid_engine *engine, int64_t unix_s)
{
    if (unix_s - engine->audit_said_s >= SAY_S)
        qbid_engine_audit_say(engine);
}
