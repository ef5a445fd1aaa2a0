/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of the OpenRTB targets; recorded requests are read where they lie and never kept. */
#include "tests/fuzz/openrtb_seeds.h"

#include <stdlib.h>
#include <string.h>

#include "tests/conformance/generator.h"
#include "tests/plugin/lines.h"

#define RANDOM_REQUESTS 200
#define RECORDED_EVERY 7 /* of requests.ndjson, so that the replay stays short */

static void recorded(fuzz_seed_fn *fn, void *context, const char *name, unsigned every)
{
    struct lines lines;
    if (!lines_open(&lines, name))
        return;
    while (lines_next(&lines))
        if (lines.number % every == 0)
            fn(context, lines.text, lines.len);
    lines_close(&lines);
}

void openrtb_seeds(fuzz_seed_fn *fn, void *context)
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
        /* numbers that a double makes whole: found by fuzz_openrtb_differ */
        "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":301e-703,\"h\":250}}]}",
        "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":300,\"h\":250.00000000000000000001}"
        "}]}",
        "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":300,\"h\":250.00000000000001}}]}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    };
    struct generator *generator = malloc(sizeof *generator);
    for (size_t i = 0; i < sizeof seed / sizeof seed[0]; i++)
        fn(context, seed[i], strlen(seed[i]));
    if (!generator)
        abort();
    generator_init(generator, 8);
    for (unsigned i = 0; i < RANDOM_REQUESTS; i++) {
        generator_next(generator);
        fn(context, generator->text, generator->len);
    }
    free(generator);
    recorded(fn, context, "requests.ndjson", RECORDED_EVERY);
    recorded(fn, context, "adx_2016_captured.ndjson", RECORDED_EVERY);
    recorded(fn, context, "malformed.ndjson", 1);
}
