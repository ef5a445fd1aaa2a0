/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: a few stores into the datagram that goes back. */
#include "plugin/dpdk/message.h"
#include "plugin/dpdk/pack.h"

static uint8_t *put_field(uint8_t *at, unsigned key, uint64_t value)
{
    *at++ = (uint8_t)key;
    return qbid_pack_put_uint(at, value);
}

/* The map's head, version, id and imp; `more` pairs follow. */
static uint8_t *put_head(uint8_t *at, const struct qbid_message *message, unsigned more)
{
    unsigned pairs = 1u + (message->id_len != 0) + (message->imp_len != 0) + more;
    at = qbid_pack_put_map(at, pairs);
    at = put_field(at, QBID_MESSAGE_VERSION_KEY, QBID_MESSAGE_VERSION);
    if (message->id_len != 0) {
        *at++ = QBID_MESSAGE_ID;
        at = qbid_pack_put_str(at, message->id, message->id_len);
    }
    if (message->imp_len != 0) {
        *at++ = QBID_MESSAGE_IMP;
        at = qbid_pack_put_str(at, message->imp, message->imp_len);
    }
    return at;
}

/* map; version; id; imp; five ids and numbers, a deal's index, price and bid; token */
_Static_assert(1 + 2 + (1 + 2 + QBID_MESSAGE_ID_MAX) + (1 + 2 + QBID_MESSAGE_IMP_MAX) + 3 * 6 + 2 +
                       3 * 10 + (1 + 2 + QBID_NOTICE_TOKEN_CHARS) <=
                   QBID_MESSAGE_ANSWER_MAX,
               "any answer fits");

uint32_t qbid_message_bid(const struct qbid_message *message, const struct qbid_decision *decision,
                          const char *token, void *out)
{
    uint8_t *at = put_head(out, message, decision->deal != 0 ? 8 : 7);
    at = put_field(at, QBID_MESSAGE_PRICE, (uint64_t)decision->bid_micros);
    at = put_field(at, QBID_MESSAGE_CREATIVE, decision->creative_id);
    at = put_field(at, QBID_MESSAGE_LINE_ITEM, decision->line_item_id);
    at = put_field(at, QBID_MESSAGE_CAMPAIGN, decision->campaign_id);
    if (decision->deal != 0)
        at = put_field(at, QBID_MESSAGE_DEAL, decision->deal - 1u);
    at = put_field(at, QBID_MESSAGE_BID, decision->nonce);
    *at++ = QBID_MESSAGE_TOKEN;
    at = qbid_pack_put_str(at, token, QBID_NOTICE_TOKEN_CHARS);
    at = put_field(at, QBID_MESSAGE_GENERATION, decision->gen);
    return (uint32_t)(at - (uint8_t *)out);
}

unsigned qbid_message_nbr(enum qbid_nobid nobid)
{
    static const uint16_t nbr[QBID_NOBID_CNT] = {
#define X(name, number, word, text) [QBID_NOBID_##name] = (number),
        QBID_NOBID_LIST(X)
#undef X
    };
    return nbr[nobid];
}

uint32_t qbid_message_nobid(const struct qbid_message *message, enum qbid_nobid nobid, void *out)
{
    uint8_t *at = put_head(out, message, 1);
    at = put_field(at, QBID_MESSAGE_NBR, qbid_message_nbr(nobid));
    return (uint32_t)(at - (uint8_t *)out);
}

uint32_t qbid_message_error(const struct qbid_message *message, enum qbid_message_error error,
                            void *out)
{
    uint8_t *at = put_head(out, message, 1);
    at = put_field(at, QBID_MESSAGE_ERROR, error);
    return (uint32_t)(at - (uint8_t *)out);
}
