/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as hosts hand them over: range check and value indices. */
#include "fastpath/decide.h"

#include <stddef.h>

#include "fastpath/resolve.h"
#include "shm/error.h"
#include "shm/privacy.h"

int qbid_request_check(const struct qbid_request *request)
{
    if (request->slot_cnt > QBID_REQUEST_SLOTS_MAX ||
        request->segment_cnt > QBID_REQUEST_SEGMENTS_MAX ||
        request->deal_cnt > QBID_REQUEST_DEALS_MAX)
        return QBID_ERR_INVAL;
    if ((request->badv_cnt && !request->badv) || (request->bcat_cnt && !request->bcat) ||
        (request->candidate_cnt && !request->candidate))
        return QBID_ERR_INVAL;
    if (request->candidate_cnt > QBID_REQUEST_CANDIDATES_MAX)
        return QBID_ERR_INVAL;
    if (request->auction != QBID_AUCTION_FIRST_PRICE &&
        request->auction != QBID_AUCTION_SECOND_PRICE)
        return QBID_ERR_INVAL;
    if (request->flags &
        ~(uint32_t)(QBID_REQUEST_SECURE | QBID_REQUEST_PRIVATE_ONLY | QBID_REQUEST_TEST))
        return QBID_ERR_INVAL;
    if (request->floor_micros < 0)
        return QBID_ERR_INVAL;
    if (request->privacy >= QBID_PRIVACY_NO_BID)
        return QBID_ERR_INVAL;
    if (!qbid_privacy_ids_allowed(request->privacy) &&
        (request->segment_cnt != 0 || request->user_key != 0))
        return QBID_ERR_INVAL;
    for (unsigned i = 0; i < request->deal_cnt; i++) {
        if (request->deal[i].floor_micros < 0)
            return QBID_ERR_INVAL;
    }
    return QBID_OK;
}

uint64_t qbid_request_resolve(const struct qbid_image *image, const struct qbid_request *request,
                              uint16_t slot_idx[QBID_REQUEST_SLOTS_MAX],
                              uint16_t segment_idx[QBID_REQUEST_SEGMENTS_MAX])
{
    return qbid_place_context(image, request, slot_idx, segment_idx);
}
