/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a bid, called as the worker calls them. */
#include "bench/hosts/openrtb_stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/plugin/desk.h"

#define RECORDED "../shared/data/openrtb/requests.ndjson"
#define REQUESTS_MAX 8192
#define MEDIAN_CNT 101
#define CLASS_LEAST 1000
#define CLASS_MOST 4096
#define OUT_MAX 262144

struct bench_openrtb {
    struct desk *desk;
    char *body[REQUESTS_MAX];
    size_t len[REQUESTS_MAX];
    size_t cnt, at;
    char copy[QBID_OPENRTB_BYTES_MAX + QBID_PADDING];
    char out[OUT_MAX];
};

/* It gets a bid: the account's creatives name no content type, so its list is one that nobody
 * reads.
 */
static const char typical[] =
    "{\"id\":\"7f3c2b1a-9d8e-4f60-a1b2-c3d4e5f60718\",\"at\":1,\"tmax\":120,\"cur\":[\"USD\","
    "\"CNY\"],"
    "\"imp\":[{\"id\":\"1\",\"tagid\":\"homepage-top-right\",\"bidfloor\":0.12,\"bidfloorcur\":"
    "\"USD\","
    "\"secure\":1,\"instl\":0,\"displaymanager\":\"exchange-js\",\"displaymanagerver\":\"6.18.0\","
    "\"banner\":{\"id\":\"b1\",\"w\":300,\"h\":250,\"pos\":1,\"topframe\":1,\"btype\":[3,4],"
    "\"battr\":[1,2,"
    "3,6,9,10,14],\"api\":[3,5,6,7],\"ext\":{\"mimes\":[\"image/jpeg\",\"image/png\",\"image/"
    "gif\",\"text/"
    "html\"]},"
    "\"format\":[{\"w\":300,\"h\":250},{\"w\":336,\"h\":280},{\"w\":300,\"h\":600},{\"w\":250,"
    "\"h\":250}]},"
    "\"pmp\":{\"private_auction\":0,\"deals\":[{\"id\":\"DX-100231\",\"bidfloor\":2.5,"
    "\"bidfloorcur\":"
    "\"USD\",\"at\":1},{\"id\":\"DX-100877\",\"bidfloor\":1.75,\"bidfloorcur\":\"USD\",\"at\":1}]},"
    "\"exp\":"
    "300,\"metric\":[{\"type\":\"viewability\",\"value\":0.72,\"vendor\":\"EXCHANGE\"}]}],\"site\":"
    "{\"id\":"
    "\"site-40182\",\"name\":\"Example "
    "News\",\"domain\":\"news.example\",\"cat\":[\"IAB12\",\"IAB12-1\"],"
    "\"sectioncat\":[\"IAB12-2\"],\"pagecat\":[\"IAB12-2\"],\"page\":\"https://news.example/2024/"
    "03/17/"
    "politics/"
    "a-rather-long-headline-that-somebody-wrote-for-search-engines.html?utm_source=mail&utm_"
    "campaign=weekly\",\"ref\":\"https://search.example/"
    "?q=a+rather+long+headline\",\"mobile\":1,\"publisher\":"
    "{\"id\":\"pub-2211\",\"name\":\"Example "
    "Media\",\"domain\":\"media.example\"},\"content\":{\"language\":"
    "\"en\",\"keywords\":\"politics,weekly,opinion,world\",\"title\":\"A rather long "
    "headline\"}},\"device\":{"
    "\"ua\":\"Mozilla/5.0 (Linux; Android 13; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/"
    "116.0.0.0 Mobile "
    "Safari/537.36\",\"ip\":\"203.0.113.77\",\"devicetype\":4,\"make\":\"Google\",\"model\":"
    "\"Pixel "
    "7\",\"os\":\"Android\",\"osv\":\"13\",\"h\":915,\"w\":412,\"pxratio\":2.625,\"js\":1,"
    "\"language\":"
    "\"en\",\"carrier\":\"Example "
    "Mobile\",\"connectiontype\":6,\"ifa\":\"00000000-89ab-cdef-0123-456789abcdef"
    "\",\"lmt\":0,\"dnt\":0,\"geo\":{\"lat\":39.95,\"lon\":-75.16,\"type\":2,\"country\":\"USA\","
    "\"region\":\"PA\","
    "\"city\":\"Philadelphia\",\"zip\":\"19103\",\"utcoffset\":-300}},\"user\":{\"id\":\"u-"
    "5f1c9a7e2b\","
    "\"buyeruid\":\"b-77aa12c0\",\"data\":[{\"id\":\"prov1\",\"name\":\"Provider "
    "One\",\"segment\":[{\"id\":\"vip"
    "\"},{\"id\":\"travel-77\"},{\"id\":\"auto-12\"},{\"id\":\"home-3\"}]}]},\"bcat\":[\"IAB7-39\","
    "\"IAB8-5\","
    "\"IAB8-18\",\"IAB9-9\",\"IAB14-1\",\"IAB23\",\"IAB24\",\"IAB25\",\"IAB26\"],\"badv\":["
    "\"casino.example\","
    "\"loans.example\",\"rival.example\"],\"regs\":{\"coppa\":0,\"ext\":{\"gdpr\":0,\"us_privacy\":"
    "\"1YNN\"}},"
    "\"source\":{\"fd\":0,\"tid\":\"7f3c2b1a-9d8e-4f60-a1b2-c3d4e5f60718\",\"ext\":{\"schain\":{"
    "\"ver\":\"1.0\","
    "\"complete\":1,\"nodes\":[{\"asi\":\"exchange.example\",\"sid\":\"2211\",\"hp\":1}]}}}}";

static void add(struct bench_openrtb *b, const char *text, size_t len)
{
    char *body = calloc(1, len + QBID_PADDING);
    if (!body)
        abort();
    memcpy(body, text, len);
    if (desk_parse(b->desk, body, len) != 0) { /* the few that are malformed have no stages */
        free(body);
        return;
    }
    b->body[b->cnt] = body;
    b->len[b->cnt++] = len;
}

/* Lines of `least` to `most` bytes. */
static void add_recorded(struct bench_openrtb *b, size_t least, size_t most)
{
    FILE *file = fopen(RECORDED, "r");
    char *line = NULL;
    size_t max = 0;
    ssize_t n;
    if (!file)
        return;
    while (b->cnt < REQUESTS_MAX && (n = getline(&line, &max, file)) > 1)
        if ((size_t)n - 1 >= least && (size_t)n - 1 <= most)
            add(b, line, (size_t)n - 1);
    free(line);
    fclose(file);
}

static int by_size(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Keep the MEDIAN_CNT whose sizes are nearest to the median. */
static void keep_median(struct bench_openrtb *b)
{
    size_t size[REQUESTS_MAX], kept = 0,
                               first = b->cnt > MEDIAN_CNT ? (b->cnt - MEDIAN_CNT) / 2 : 0;
    memcpy(size, b->len, b->cnt * sizeof *size);
    qsort(size, b->cnt, sizeof *size, by_size);
    size_t least = size[first], most = size[b->cnt - 1 - first];
    for (size_t i = 0; i < b->cnt; i++) {
        if (b->len[i] < least || b->len[i] > most || kept == MEDIAN_CNT) {
            free(b->body[i]);
            continue;
        }
        b->body[kept] = b->body[i];
        b->len[kept++] = b->len[i];
    }
    b->cnt = kept;
}

struct bench_openrtb *bench_openrtb_new(enum bench_openrtb_set set)
{
    struct bench_openrtb *b = calloc(1, sizeof *b);
    if (!b)
        abort();
    b->desk = desk_new();
    if (set == BENCH_OPENRTB_TYPICAL)
        add(b, typical, sizeof typical - 1);
    else if (set == BENCH_OPENRTB_CLASS)
        add_recorded(b, CLASS_LEAST, CLASS_MOST);
    else
        add_recorded(b, 1, SIZE_MAX);
    if (b->cnt == 0) {
        bench_openrtb_free(b);
        return NULL;
    }
    if (set == BENCH_OPENRTB_MEDIAN)
        keep_median(b);
    bench_openrtb_all(b);
    return b;
}

void bench_openrtb_free(struct bench_openrtb *b)
{
    for (size_t i = 0; i < b->cnt; i++)
        free(b->body[i]);
    desk_free(b->desk);
    free(b);
}

double bench_openrtb_bytes(const struct bench_openrtb *b)
{
    double sum = 0;
    for (size_t i = 0; i < b->cnt; i++)
        sum += (double)b->len[i];
    return sum / (double)b->cnt;
}

void bench_openrtb_next(struct bench_openrtb *b)
{
    b->at = b->at + 1 < b->cnt ? b->at + 1 : 0;
}

size_t bench_openrtb_memcpy(struct bench_openrtb *b)
{
    memcpy(b->copy, b->body[b->at], b->len[b->at] + QBID_PADDING);
    return (size_t)(unsigned char)b->copy[b->len[b->at] / 2];
}

size_t bench_openrtb_parse(struct bench_openrtb *b)
{
    return (size_t)desk_parse(b->desk, b->body[b->at], b->len[b->at]);
}

size_t bench_openrtb_fill(struct bench_openrtb *b)
{
    desk_fill(b->desk);
    return b->desk->request_cnt;
}

size_t bench_openrtb_decide(struct bench_openrtb *b)
{
    desk_decide(b->desk);
    return b->desk->bid_cnt;
}

size_t bench_openrtb_write(struct bench_openrtb *b)
{
    return desk_write(b->desk, b->out, sizeof b->out);
}

size_t bench_openrtb_sign(struct bench_openrtb *b)
{
    const struct qbid_token token = {.nonce = b->at, .bid_nanos = 5000000, .line_item_id = 1};
    return (size_t)qbid_token_sign(&b->desk->keys, &token, b->out) + (size_t)b->out[95];
}

size_t bench_openrtb_all(struct bench_openrtb *b)
{
    size_t sum = bench_openrtb_parse(b);
    sum += bench_openrtb_fill(b);
    sum += bench_openrtb_decide(b);
    return sum + bench_openrtb_write(b);
}
