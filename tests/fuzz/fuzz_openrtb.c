/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a bid request: parse, decide, answer. What is taken must be JSON by a validator of
 * its own, what is answered as well, and what stands behind the body must not
 * matter. */
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/openrtb_seeds.h"
#include "tests/plugin/desk.h"
#include "tests/plugin/openrtb/openrtb_oracle.h"

const unsigned fuzz_replays = 20000;

static struct desk *desk;
static char out[1 << 20];

static void must(int good)
{
    if (!good)
        abort();
}

static int parse_before(const uint8_t *data, size_t size, int fill)
{
    static char *body; /* the texts of a request point here until the next */
    free(body);
    body = malloc(size + QBID_PADDING);
    memcpy(body, data, size);
    memset(body + size, fill, QBID_PADDING);
    return desk_parse(desk, body, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned depth;
    if (!desk)
        desk = desk_new();
    if (size > QBID_OPENRTB_BYTES_MAX)
        return 0;
    int with_braces = parse_before(data, size, '}');
    int err = parse_before(data, size, '"');
    /* of what is too deep and never closed either is said, by what is seen first */
    bool valid = json_oracle_valid((const char *)data, size, &depth);
    must(err == with_braces ||
         (err < 0 && with_braces < 0 && !valid && depth > QBID_OPENRTB_DEPTH_MAX));
    must(err != 0 || (valid && depth <= QBID_OPENRTB_DEPTH_MAX));
    must(err != QBID_ERR_LIMIT || depth > QBID_OPENRTB_DEPTH_MAX || !valid);
    if (err != 0)
        return 0;
    desk_fill(desk);
    for (unsigned i = 0; i < desk->request_cnt; i++)
        must(qbid_request_check(&desk->request[i]) == 0);
    desk_decide(desk);
    size_t len = desk_write(desk, out, sizeof out);
    must(len == 0 || json_oracle_valid(out, len, &depth));
    len = desk_write(desk, out, 2000);
    must(len == 0 || json_oracle_valid(out, len, &depth));
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    openrtb_seeds(fn, context);
}
