/* SPDX-License-Identifier: Apache-2.0 */
/* One parser and the request that it read last, for the parser's tests. */
#ifndef QBID_TESTS_PLUGIN_OPENRTB_PARSING_H
#define QBID_TESTS_PLUGIN_OPENRTB_PARSING_H

#include "plugin/openrtb/openrtb.h"

extern struct qbid_openrtb *parser;
extern struct qbid_openrtb_request *request;

/** cmocka group fixtures. */
int parsing_setup(void **state);
int parsing_teardown(void **state);

/** Parse text; it stays until the next call. Behind it lie closing braces, before it in *request
 *  lies rubbish. */
int parse_bytes(const char *text, size_t len);
int parse(const char *text);

/** A request with these fields besides its id and an impression, and one with them inside it. */
int parse_with(const char *fields);
int parse_imp_with(const char *fields);

#endif
