/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of partners as they come in, one at a time. */
#include "shm/partner.h"

#include <string.h>

#include "shm/error.h"

static struct qbid_partner_keys *place_of(struct qbid_partner_keys *list, uint8_t id)
{
    for (unsigned i = 0; i < QBID_PARTNERS_MAX; i++)
        if (list[i].id == id)
            return &list[i];
    return NULL;
}

int qbid_partner_keys_put(struct qbid_partner_keys *list, const struct qbid_partner_key *key)
{
    if (key->partner == 0 || key->part > 1 || key->len > QBID_PARTNER_KEY_BYTES)
        return QBID_ERR_PEER;
    struct qbid_partner_keys *keys = place_of(list, key->partner);
    if (!keys)
        keys = place_of(list, 0);
    if (!keys)
        return QBID_ERR_FULL;
    explicit_bzero(keys->secret[key->part], QBID_PARTNER_KEY_BYTES);
    memcpy(keys->secret[key->part], key->secret, key->len);
    keys->len[key->part] = key->len;
    keys->id = keys->len[0] == 0 && keys->len[1] == 0 ? 0 : key->partner;
    return 0;
}
