/* SPDX-License-Identifier: Apache-2.0 */
/* Bid requests for the OpenRTB benchmarks: a typical one of our own, or the recorded ones in turn.
 */
#ifndef QBID_BENCH_HOSTS_OPENRTB_STAGES_H
#define QBID_BENCH_HOSTS_OPENRTB_STAGES_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench_openrtb;

/* Which requests; the recorded ones are those of ../shared/data/openrtb/requests.ndjson. */
enum bench_openrtb_set {
    BENCH_OPENRTB_TYPICAL,  /* one generated of about 2.4 KB with one banner impression */
    BENCH_OPENRTB_RECORDED, /* all */
    BENCH_OPENRTB_CLASS,    /* those of 1 to 4 KB */
    BENCH_OPENRTB_MEDIAN    /* the 101 around the median size */
};

/** NULL when there is none. */
struct bench_openrtb *bench_openrtb_new(enum bench_openrtb_set set);
void bench_openrtb_free(struct bench_openrtb *b);

/** Bytes of a request, on average. */
double bench_openrtb_bytes(const struct bench_openrtb *b);

/** Step to the next request. */
void bench_openrtb_next(struct bench_openrtb *b);

/* Each does its part of the current request and what it needs of the parts before was done by an
 * earlier call of those. The result keeps the work alive. */
size_t bench_openrtb_memcpy(struct bench_openrtb *b);
size_t bench_openrtb_parse(struct bench_openrtb *b);
size_t bench_openrtb_fill(struct bench_openrtb *b);
size_t bench_openrtb_decide(struct bench_openrtb *b);
size_t bench_openrtb_write(struct bench_openrtb *b);
size_t bench_openrtb_sign(struct bench_openrtb *b);
size_t bench_openrtb_all(struct bench_openrtb *b);

#ifdef __cplusplus
}
#endif

#endif
