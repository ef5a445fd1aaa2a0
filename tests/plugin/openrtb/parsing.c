/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's tests share one parser, as a worker's requests do. */
#include "tests/plugin/openrtb/parsing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/plugin/lines.h"

struct qbid_openrtb *parser;
struct qbid_openrtb_request *request;
static char *body; /* of the last parse: its texts point there */

int parse_bytes(const char *text, size_t len)
{
    free(body);
    body = lines_padded(text, len, '}');
    memset(request, 0x5a, sizeof *request);
    return qbid_openrtb_parse(parser, body, len, request);
}

int parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static int parse_format(const char *head, const char *fields, const char *tail)
{
    char text[4096];
    snprintf(text, sizeof text, "%s%s%s%s", head, *fields ? "," : "", fields, tail);
    return parse(text);
}

int parse_with(const char *fields)
{
    return parse_format("{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}]", fields, "}");
}

int parse_imp_with(const char *fields)
{
    return parse_format("{\"id\":\"r\",\"imp\":[{\"id\":\"1\"", fields, "}]}");
}

int parsing_setup(void **state)
{
    (void)state;
    request = malloc(sizeof *request);
    return request ? qbid_openrtb_new(&parser) : 1;
}

int parsing_teardown(void **state)
{
    (void)state;
    qbid_openrtb_free(parser);
    free(request);
    free(body);
    return 0;
}
