/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a bid request: parse, decide, answer. What is taken must be JSON by a validator of
 * its own, what is answered as well, and what stands behind the body must not
 * matter. */
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "tests/fuzz/fuzz.h"
#include "tests/plugin/desk.h"
#include "tests/plugin/openrtb_oracle.h"

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
    static const char *const seed[] = {
        "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":300,\"h\":250}}]}",
        "{\"id\":\"a\",\"at\":1,\"tmax\":120,\"test\":0,\"cur\":[\"USD\",\"EUR\"],\"bcat\":["
        "\"IAB1\",7],"
        "\"badv\":[\"x.com\"],\"wseat\":[\"1\",\"22\"],\"bseat\":[\"3\"],\"imp\":[{\"id\":\"1\","
        "\"bidfloor\":0.25,\"bidfloorcur\":\"USD\",\"secure\":1,\"banner\":{\"pos\":1,\"format\":[{"
        "\"w\":"
        "300,\"h\":250}]},\"pmp\":{\"private_auction\":1,\"deals\":[{\"id\":\"deal-3\","
        "\"bidfloor\":1e-1,"
        "\"bidfloorcur\":\"EUR\",\"wseat\":[\"2\"]}]}}]}",
        "{\"imp\":[{\"video\":{\"w\":640,\"h\":360,\"pos\":7},\"id\":\"v\",\"audio\":{},\"native\":"
        "{"
        "\"request\":\"{\\\"a\\\":1}\"}}],\"id\":\"\\u0062\\ud83d\\ude00\",\"site\":{\"id\":\"s1\","
        "\"domain\":"
        "\"Ex.com\"},\"app\":{\"bundle\":12345,\"id\":\"a1\"},\"dooh\":{\"id\":\"d\"},\"ext\":{"
        "\"x\":[1,{}]}}",
        "{\"id\":\"c\",\"device\":{\"devicetype\":2,\"os\":\"iOS\",\"lmt\":0,\"dnt\":1,\"geo\":{"
        "\"country\":"
        "\"USA\",\"region\":\"CA\",\"utcoffset\":-60}},\"user\":{\"consent\":\"CO\",\"ext\":{"
        "\"consent\":"
        "\"CP\"},\"geo\":{},\"data\":[{\"segment\":[{\"id\":\"vip\"}]}]},\"regs\":{\"coppa\":0,"
        "\"gdpr\":1,"
        "\"us_privacy\":\"1YNN\",\"gpp_sid\":[2],\"ext\":{\"gdpr\":0,\"gpc\":\"1\"}},\"imp\":[{"
        "\"id\":\"1\"}]}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    };
    for (size_t i = 0; i < sizeof seed / sizeof seed[0]; i++)
        fn(context, seed[i], strlen(seed[i]));
}
