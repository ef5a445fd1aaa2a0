/* SPDX-License-Identifier: Apache-2.0 */
/* One run of the synthesiser: cells, library, proposals. */
#include "control/agents/synthesiser.h"

#include "control/agents/synthesiser_propose.h"

static int find(const struct qbid_gains_search *search)
{
    struct qbid_synthesiser_cells cells;
    int err =
        qbid_synthesiser_cells_new(search->inputs->account, search->inputs->snapshot, 0, &cells);
    if (err)
        return err;
    err = qbid_synthesiser_tell(search, &cells);
    if (!err)
        err = qbid_synthesiser_propose(search, &cells);
    qbid_synthesiser_cells_done(&cells);
    return err;
}

const struct qbid_gains_kind qbid_synthesiser_kind = {"synthesiser", QBID_SYNTHESISER_PERIOD_NS,
                                                      find};
