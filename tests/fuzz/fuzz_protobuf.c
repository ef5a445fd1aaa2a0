/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a bid request in protobuf: parse, decide, answer. What is answered must be protobuf,
 * and a second reading the same as the first. */
#include <stdlib.h>
#include <string.h>

#include "plugin/openrtb/openrtb.pb-c.h"
#include "shm/error.h"
#include "tests/fuzz/fuzz.h"
#include "tests/plugin/desk.h"
#include "tests/plugin/openrtb/openrtb_oracle.h"
#include "tests/plugin/openrtb/protobuf_encode.h"

const unsigned fuzz_replays = 20000;

static struct desk *desk;
static struct qbid_openrtb_request *first;
static struct qbid_protobuf *second;
static char out[1 << 20];

static void must(int good)
{
    if (!good)
        abort();
}

static void answers_in(size_t room)
{
    out[room] = '#';
    size_t len = desk_write_protobuf(desk, out, room);
    must(len <= room && out[room] == '#');
    Pb__Response *response = pb__response__unpack(NULL, len, (const uint8_t *)out);
    must(response != NULL);
    must((response->n_seatbid > 0) == (len > 0));
    pb__response__free_unpacked(response, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!desk) {
        desk = desk_new();
        first = malloc(sizeof *first);
        must(first != NULL && qbid_protobuf_new(desk->parser, &second) == 0);
    }
    char *exact = malloc(size ? size : 1);
    memcpy(exact, data, size);
    int err = desk_parse_protobuf(desk, exact, size);
    must(err == 0 || err == QBID_ERR_PARSE || err == QBID_ERR_LIMIT);
    must(qbid_protobuf_parse(second, exact, size, first) == err);
    free(exact);
    if (err != 0)
        return 0;
    must(openrtb_oracle_differ(first, &desk->openrtb) == NULL);
    desk_fill(desk);
    for (unsigned i = 0; i < desk->request_cnt; i++)
        must(qbid_request_check(&desk->request[i]) == 0);
    desk_decide(desk);
    answers_in(sizeof out - 1);
    answers_in(2000);
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
        "\"bidfloor\":1e-1,\"bidfloorcur\":\"EUR\",\"wseat\":[\"2\"]}]}}]}",
        "{\"imp\":[{\"video\":{\"w\":640,\"h\":360,\"pos\":7},\"id\":\"v\",\"audio\":{},\"native\":"
        "{}}],"
        "\"id\":\"b\",\"site\":{\"id\":\"s1\",\"domain\":\"Ex.com\"},\"app\":{\"bundle\":12345,"
        "\"id\":\"a1\"},\"dooh\":{\"id\":\"d\"}}",
        "{\"id\":\"c\",\"device\":{\"devicetype\":2,\"os\":\"iOS\",\"lmt\":0,\"dnt\":1,\"geo\":{"
        "\"country\":\"USA\",\"region\":\"CA\",\"utcoffset\":-60}},\"user\":{\"consent\":\"CO\","
        "\"ext\":{"
        "\"consent\":\"CP\"},\"geo\":{},\"data\":[{\"segment\":[{\"id\":\"vip\"}]}]},\"regs\":{"
        "\"coppa\":0,\"gdpr\":1,\"us_privacy\":\"1YNN\",\"gpp_sid\":[2],\"ext\":{\"gdpr\":0,"
        "\"gpc\":"
        "\"1\"}},\"imp\":[{\"id\":\"1\"}]}",
    };
    static struct pb pb;
    for (size_t i = 0; i < sizeof seed / sizeof seed[0]; i++) {
        must(pb_from_json(seed[i], strlen(seed[i]), &pb));
        fn(context, pb.at, pb.len);
    }
}
