/* SPDX-License-Identifier: Apache-2.0 */
/* From strata to the library: effects of values by exchange and by campaign. */
#ifndef QBID_CONTROL_AGENTS_SYNTHESISER_EFFECTS_H
#define QBID_CONTROL_AGENTS_SYNTHESISER_EFFECTS_H

#include "control/agents/synthesiser.h"
#include "control/agents/synthesiser_cells.h"

#define QBID_SYNTHESISER_VALUES_MAX 32  /* of a tenant and dimension: those with the most clicks */
#define QBID_SYNTHESISER_CLICKS_MIN 30  /* of a value, before it is looked at */
#define QBID_SYNTHESISER_EVENTS_MIN 5   /* on each side of an effect */
#define QBID_SYNTHESISER_REFITS_MAX 512 /* patterns in one run; the others wait for the next */

/** Tell the library every effect that the cells show, in one transaction, and refit it. Looks at
 * the search's store, dictionary and time. Errors: NOMEM, STORE. */
int qbid_synthesiser_tell(const struct qbid_gains_search *search,
                          const struct qbid_synthesiser_cells *cells);

/** "slot=banner:300x250". */
void qbid_synthesiser_subject(const struct qbid_dictionary *dictionary, unsigned dim,
                              uint32_t value, char out[QBID_PATTERN_SUBJECT_MAX]);

#endif
