/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a bid request, read twice: by the fast parser and, slowly, out of a Jansson tree.
 * Both must take it, refuse it or decline it for a wrong type, and have every field alike. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/openrtb/openrtb.h"
#include "shm/error.h"
#include "tests/conformance/rtb_differ.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/openrtb_seeds.h"

const unsigned fuzz_replays = 20000;

static struct qbid_openrtb *parser;
static struct qbid_openrtb_request *request;

static void agree(int good, const char *what, const uint8_t *data, size_t size)
{
    if (good)
        return;
    fprintf(stderr, "read differently: %s\n%.*s\n", what, (int)size, (const char *)data);
    abort();
}

static int parse_padded(const uint8_t *data, size_t size)
{
    static char *body; /* the texts of a request point here until the next */
    free(body);
    body = malloc(size + QBID_PADDING);
    memcpy(body, data, size);
    memset(body + size, '"', QBID_PADDING);
    return qbid_openrtb_parse(parser, body, size, request);
}

/* Of a request that is too deep and malformed too, either may be said. */
static void compare(const json_t *root, int err, const uint8_t *data, size_t size)
{
    enum rtb_sound sound = rtb_sound(root);
    if (rtb_depth(root) > QBID_OPENRTB_DEPTH_MAX) {
        agree(err == QBID_ERR_LIMIT || err == QBID_ERR_PARSE, "depth", data, size);
        return;
    }
    agree((err == QBID_ERR_PARSE) == (sound == RTB_MALFORMED), "malformed", data, size);
    if (err != 0)
        return;
    agree(request->wrong_type == (sound == RTB_WRONG_TYPE), "wrong type", data, size);
    if (sound != RTB_SOUND)
        return;
    const char *field = rtb_differ(root, request);
    agree(field == NULL, field, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_error_t error;
    bool beyond;
    if (!parser) {
        request = malloc(sizeof *request);
        agree(request && qbid_openrtb_new(&parser) == 0, "no memory", data, 0);
    }
    if (size > QBID_OPENRTB_BYTES_MAX)
        return 0;
    int err = parse_padded(data, size);
    json_t *root = rtb_load((const char *)data, size, &error, &beyond);
    if (root)
        compare(root, err, data, size);
    else
        agree(beyond || err != 0, error.text, data, size);
    json_decref(root);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    openrtb_seeds(fn, context);
}
