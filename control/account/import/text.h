/* SPDX-License-Identifier: Apache-2.0 */
/* What the texts of an account file may hold. */
#ifndef QBID_CONTROL_ACCOUNT_IMPORT_TEXT_H
#define QBID_CONTROL_ACCOUNT_IMPORT_TEXT_H

/** Why a field's text is refused, in words that follow the value; NULL when it is fine. Fields
 *  without rules of their own must be free of control characters. */
const char *qbid_import_text_check(const char *field, const char *text);

#endif
