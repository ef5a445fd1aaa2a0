/* SPDX-License-Identifier: Apache-2.0 */
/* Four characters. */
#include "plugin/privacy/us_privacy.h"

#include "shm/error.h"

int qbid_us_privacy_read(struct qbid_text text)
{
    if (text.len != 4 || text.at[0] != '1')
        return QBID_ERR_PARSE;
    for (unsigned i = 1; i < 4; i++) {
        char c = qbid_text_upper(text.at[i]);
        if (c != 'Y' && c != 'N' && c != '-')
            return QBID_ERR_PARSE;
    }
    return qbid_text_upper(text.at[2]) == 'Y';
}
