/* SPDX-License-Identifier: Apache-2.0 */
/* Reads options with their ranges; every message names the option. */
#include "tools/replay/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "shm/units.h"
#include "tools/replay/http/http.h"
#include "tools/replay/http/pool.h"
#include "tools/replay/text/money.h"

enum option_id {
    OPT_URL = 256,
    OPT_LOG,
    OPT_SKIP_DAMAGED,
    OPT_CAMPAIGN,
    OPT_CTR,
    OPT_SEED,
    OPT_COUNT,
    OPT_DURATION,
    OPT_SPLIT,
    OPT_ORDER,
    OPT_AUCTION,
    OPT_OMIT_TAGS,
    OPT_RATE,
    OPT_CONNECTIONS,
    OPT_TIMEOUT_MS,
    OPT_NOTICE_TIMEOUT_MS,
    OPT_CVR,
    OPT_CONV_VALUE,
    OPT_LOSS_FEEDBACK,
    OPT_NOTICE_HOST,
    OPT_DROP_NOTICES,
    OPT_DUP_NOTICES,
    OPT_LATE,
    OPT_ANSWERS,
    OPT_ANSWERS_EVERY,
    OPT_OUTPUT,
    OPT_QUIET,
    OPT_BASELINES,
    OPT_TUNE_ON,
    OPT_FLAT_BID,
    OPT_HELP,
    OPT_VERSION,
};

static const struct option long_options[] = {
    {"url", required_argument, NULL, OPT_URL},
    {"log", required_argument, NULL, OPT_LOG},
    {"skip-damaged", no_argument, NULL, OPT_SKIP_DAMAGED},
    {"campaign", required_argument, NULL, OPT_CAMPAIGN},
    {"ctr", required_argument, NULL, OPT_CTR},
    {"seed", required_argument, NULL, OPT_SEED},
    {"count", required_argument, NULL, OPT_COUNT},
    {"duration", required_argument, NULL, OPT_DURATION},
    {"split", required_argument, NULL, OPT_SPLIT},
    {"order", required_argument, NULL, OPT_ORDER},
    {"auction", required_argument, NULL, OPT_AUCTION},
    {"omit-tags", no_argument, NULL, OPT_OMIT_TAGS},
    {"rate", required_argument, NULL, OPT_RATE},
    {"connections", required_argument, NULL, OPT_CONNECTIONS},
    {"timeout-ms", required_argument, NULL, OPT_TIMEOUT_MS},
    {"notice-timeout-ms", required_argument, NULL, OPT_NOTICE_TIMEOUT_MS},
    {"cvr", required_argument, NULL, OPT_CVR},
    {"conv-value", required_argument, NULL, OPT_CONV_VALUE},
    {"loss-feedback", required_argument, NULL, OPT_LOSS_FEEDBACK},
    {"notice-host", required_argument, NULL, OPT_NOTICE_HOST},
    {"drop-notices", required_argument, NULL, OPT_DROP_NOTICES},
    {"dup-notices", required_argument, NULL, OPT_DUP_NOTICES},
    {"late", required_argument, NULL, OPT_LATE},
    {"answers", required_argument, NULL, OPT_ANSWERS},
    {"answers-every", required_argument, NULL, OPT_ANSWERS_EVERY},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"baselines", required_argument, NULL, OPT_BASELINES},
    {"tune-on", required_argument, NULL, OPT_TUNE_ON},
    {"flat-bid", required_argument, NULL, OPT_FLAT_BID},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

void qbid_replay_options_help(FILE *out)
{
    fputs(
        "qbid-replay: a test exchange. Sends recorded or generated auctions as OpenRTB 2.6 bid\n"
        "requests over HTTP, runs each auction against its market price, sends the notices, "
        "reports.\n"
        "\n"
        "  --url URL                 where bid requests are posted: http://host[:port]/path\n"
        "\nAuctions\n"
        "  --log PATH                recorded: an iPinYou log file, or a folder of imp*.txt, "
        "clk*.txt,\n"
        "                            train*.txt; may be repeated. Without it auctions are "
        "generated\n"
        "  --skip-damaged            count damaged lines instead of stopping at the first\n"
        "  --campaign ID|all         generated: prices and click rate of this campaign (2997)\n"
        "  --ctr P                   generated: mean click rate instead of the published one\n"
        "  --seed N                  of everything that is drawn (1)\n"
        "  --count N                 at most N auctions\n"
        "  --duration S              begin no auction after S seconds\n"
        "  --split SEED/A|SEED/B     only the half whose XXH3(bidid, SEED) is even (A) or odd (B)\n"
        "  --order time|hash:SEED    of a log (time)\n"
        "  --auction second|first    what a winner pays: max(market, floor) or its bid (second).\n"
        "                            A bid equal to the market price wins\n"
        "  --omit-tags               leave the user's segments out (user.data)\n"
        "\nSending\n"
        "  --rate R                  at most R requests a second; 0: as fast as answers come (0)\n"
        "  --connections N           keep-alive connections, one request at a time on each (8)\n"
        "  --timeout-ms T            an answer after T ms is none (100)\n"
        "  --notice-timeout-ms T     the same for notices (1000)\n"
        "\nNotices\n"
        "  --cvr P                   share of clicks that convert (0)\n"
        "  --conv-value V            value of a conversion, CNY (1)\n"
        "  --loss-feedback MODE      full: losses with the price to win; win-only: without; none "
        "(full)\n"
        "  --notice-host HOST[:PORT] notice URLs of this host are for the bidder too\n"
        "  --drop-notices P          leave out this share of notices (0)\n"
        "  --dup-notices N           send each notice N times (1)\n"
        "  --late MS                 send notices MS ms after they are due (0)\n"
        "\nReports\n"
        "  --output text|json        the report on stdout (text)\n"
        "  --answers FILE            each request, answer and outcome as a line of JSON\n"
        "  --answers-every K         only every K-th (1)\n"
        "  --quiet                   no progress on stderr\n"
        "  --help, --version\n"
        "\nBaselines (no server)\n"
        "  --baselines BUDGET        what fixed strategies reach on the same auctions with this "
        "budget:\n"
        "                            nanos of CNY, or a fraction of the auctions' cost such as "
        "1/4\n"
        "  --tune-on SEED/A|SEED/B   the auctions to tune the constant bid on (those of the run)\n"
        "  --flat-bid CNY            the log's own constant bid, CPM (2.94)\n"
        "\n"
        "Exit: 0, 1 file or memory, 2 command line, 3 server not reachable, 130 interrupted.\n",
        out);
}

/* One option that is being read: what it says and where complaints go. */
struct value {
    const char *name;
    const char *text;
    char *message;
};

static int complain(const struct value *value, const char *takes)
{
    snprintf(value->message, QBID_REPLAY_OPTIONS_MESSAGE_BYTES, "--%s takes %s, not '%.60s'",
             value->name, takes, value->text);
    return QBID_ERR_INVAL;
}

static int read_uint(const struct value *value, uint64_t min, uint64_t max, const char *takes,
                     uint64_t *ret_number)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value->text, &end, 10);
    if (value->text[0] < '0' || value->text[0] > '9' || *end || errno || number < min ||
        number > max)
        return complain(value, takes);
    *ret_number = number;
    return 0;
}

static int read_real(const struct value *value, double min, double max, const char *takes,
                     double *ret_number)
{
    char *end;
    double number = strtod(value->text, &end);
    if (end == value->text || *end || !(number >= min && number <= max))
        return complain(value, takes);
    *ret_number = number;
    return 0;
}

static int read_money(const struct value *value, const char *takes, int64_t *ret_micros)
{
    int64_t micros;
    if (qbid_replay_money_parse(value->text, strlen(value->text), &micros) < 0 || micros < 0 ||
        micros > QBID_PRICE_MICROS_MAX)
        return complain(value, takes);
    *ret_micros = micros;
    return 0;
}

/* Index of the text in a list that ends with NULL, or an error. */
static int read_word(const struct value *value, const char *const *words, const char *takes,
                     int *ret_index)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], value->text) == 0) {
            *ret_index = i;
            return 0;
        }
    return complain(value, takes);
}

static int read_split(const struct value *value, struct qbid_replay_split *ret_split)
{
    static const char takes[] = "SEED/A or SEED/B with a number as seed";
    char *end;
    errno = 0;
    unsigned long long seed = strtoull(value->text, &end, 10);
    if (value->text[0] < '0' || value->text[0] > '9' || errno ||
        (strcmp(end, "/A") != 0 && strcmp(end, "/B") != 0))
        return complain(value, takes);
    ret_split->seed = seed;
    ret_split->half = end[1] == 'A' ? QBID_REPLAY_HALF_A : QBID_REPLAY_HALF_B;
    return 0;
}

static int read_order(const struct value *value, struct qbid_replay_source_terms *source)
{
    struct value seed = *value;
    if (strcmp(value->text, "time") == 0) {
        source->order = QBID_REPLAY_ORDER_TIME;
        return 0;
    }
    if (strncmp(value->text, "hash:", 5) != 0)
        return complain(value, "time or hash:SEED");
    source->order = QBID_REPLAY_ORDER_HASH;
    seed.text += 5;
    return read_uint(&seed, 0, UINT64_MAX, "time or hash:SEED", &source->order_seed);
}

static int read_budget(const struct value *value, struct qbid_replay_options *options)
{
    static const char takes[] = "nanos of CNY above 0, or a fraction such as 1/4";
    char *end;
    errno = 0;
    unsigned long long part = strtoull(value->text, &end, 10);
    if (value->text[0] < '1' || value->text[0] > '9' || errno || part > INT64_MAX)
        return complain(value, takes);
    options->baselines = true;
    options->budget_over = 0;
    options->budget_nanos = (int64_t)part;
    if (*end == '/') {
        const char *over = end + 1;
        options->budget_part = part;
        options->budget_over = strtoull(over, &end, 10);
        if (*over < '1' || *over > '9' || part > 1000000 || options->budget_over > 1000000)
            return complain(value, takes);
    }
    return *end ? complain(value, takes) : 0;
}

static int read_ms(const struct value *value, uint64_t min_ms, uint64_t *ret_ns)
{
    uint64_t ms;
    int err = read_uint(value, min_ms, 3600000, "milliseconds up to 3600000", &ms);
    if (!err)
        *ret_ns = ms * QBID_NS_PER_MS;
    return err;
}

static int read_source_option(int id, const struct value *value,
                              struct qbid_replay_options *options)
{
    switch (id) {
    case OPT_LOG:
        if (options->logs_cnt == QBID_REPLAY_OPTIONS_LOGS_MAX)
            return complain(value, "at most 64 paths");
        options->logs[options->logs_cnt++] = value->text;
        return 0;
    case OPT_SKIP_DAMAGED:
        options->skip_damaged = true;
        return 0;
    case OPT_CAMPAIGN:
        options->campaign = qbid_replay_ipinyou_find(value->text);
        if (!options->campaign && strcmp(value->text, "all") != 0)
            return complain(value, "1458, 2259, 2261, 2821, 2997, 3358, 3386, 3427, 3476 or all");
        return 0;
    case OPT_CTR:
        return read_real(value, 1e-6, 0.5, "a rate from 0.000001 to 0.5", &options->ctr);
    case OPT_SEED:
        return read_uint(value, 0, UINT64_MAX, "a number", &options->seed);
    case OPT_COUNT:
        return read_uint(value, 1, UINT64_MAX, "a number of auctions from 1",
                         &options->source.count_max);
    case OPT_DURATION:
        return read_real(value, 0.001, 1e7, "seconds above 0", &options->duration_s);
    case OPT_SPLIT:
        return read_split(value, &options->source.split);
    case OPT_ORDER:
        return read_order(value, &options->source);
    case OPT_TUNE_ON:
        return read_split(value, &options->tune_split);
    default:
        return QBID_ERR_NOENT;
    }
}

static int read_sending_option(int id, const struct value *value,
                               struct qbid_replay_options *options)
{
    static const char *const auctions[] = {"first", "second", NULL};
    uint64_t number = 0;
    int index = 0, err;
    switch (id) {
    case OPT_URL:
        options->url = value->text;
        return 0;
    case OPT_AUCTION:
        err = read_word(value, auctions, "second or first", &index);
        options->request.auction = index == 0 ? QBID_REPLAY_FIRST_PRICE : QBID_REPLAY_SECOND_PRICE;
        return err;
    case OPT_OMIT_TAGS:
        options->request.omit_tags = true;
        return 0;
    case OPT_RATE:
        return read_real(value, 0, 1e7, "requests a second from 0 to 10000000", &options->rate);
    case OPT_CONNECTIONS:
        err = read_uint(value, 1, QBID_REPLAY_POOL_CONNECTIONS_MAX, "a number from 1 to 1024",
                        &number);
        options->connections = (unsigned)number;
        return err;
    case OPT_TIMEOUT_MS:
        return read_ms(value, 1, &options->timeout_ns);
    case OPT_NOTICE_TIMEOUT_MS:
        return read_ms(value, 1, &options->notice_timeout_ns);
    default:
        return QBID_ERR_NOENT;
    }
}

static int read_notice_option(int id, const struct value *value,
                              struct qbid_replay_options *options)
{
    static const char *const feedbacks[] = {"full", "win-only", "none", NULL};
    struct qbid_replay_notice_terms *notices = &options->notices;
    uint64_t number = 0;
    int index = 0, err;
    switch (id) {
    case OPT_CVR:
        return read_real(value, 0, 1, "a share from 0 to 1", &notices->conversion_rate);
    case OPT_CONV_VALUE:
        return read_money(value, "an amount of CNY", &notices->conversion_micros);
    case OPT_LOSS_FEEDBACK:
        err = read_word(value, feedbacks, "full, win-only or none", &index);
        notices->feedback = (enum qbid_replay_feedback)index;
        return err;
    case OPT_NOTICE_HOST:
        notices->alias_authority = value->text;
        return 0;
    case OPT_DROP_NOTICES:
        return read_real(value, 0, 1, "a share from 0 to 1", &notices->drop_rate);
    case OPT_DUP_NOTICES:
        err = read_uint(value, 1, QBID_REPLAY_NOTICE_COPIES_MAX, "a number from 1 to 8", &number);
        notices->copies = (uint32_t)number;
        return err;
    case OPT_LATE:
        return read_ms(value, 0, &options->late_ns);
    default:
        return QBID_ERR_NOENT;
    }
}

static int read_report_option(int id, const struct value *value,
                              struct qbid_replay_options *options)
{
    static const char *const outputs[] = {"text", "json", NULL};
    int index = 0, err;
    switch (id) {
    case OPT_ANSWERS:
        options->answers = value->text;
        return 0;
    case OPT_ANSWERS_EVERY:
        return read_uint(value, 1, UINT64_MAX, "a number from 1", &options->answers_every);
    case OPT_OUTPUT:
        err = read_word(value, outputs, "text or json", &index);
        options->json = index == 1;
        return err;
    case OPT_QUIET:
        options->quiet = true;
        return 0;
    case OPT_BASELINES:
        return read_budget(value, options);
    case OPT_FLAT_BID:
        return read_money(value, "a price in CNY CPM", &options->flat_bid_micros);
    case OPT_VERSION:
        options->version = true;
        return 0;
    default:
        options->help = true;
        return 0;
    }
}

static int check_url(const struct qbid_replay_options *options, char *message)
{
    struct qbid_replay_url url;
    if (!options->url) {
        snprintf(message, QBID_REPLAY_OPTIONS_MESSAGE_BYTES,
                 "--url is missing: where bid requests are posted (or --baselines, or --help)");
        return QBID_ERR_INVAL;
    }
    if (qbid_replay_url_parse(options->url, strlen(options->url), &url) != 0 || url.host.len == 0 ||
        url.host.len > QBID_REPLAY_HTTP_HOST_MAX - 6 ||
        strncasecmp(options->url, "http:", 5) != 0) {
        snprintf(message, QBID_REPLAY_OPTIONS_MESSAGE_BYTES,
                 "--url takes http://host[:port]/path, not '%.60s'", options->url);
        return QBID_ERR_INVAL;
    }
    return 0;
}

static int check_together(const struct qbid_replay_options *options, char *message)
{
    const char *problem = NULL;
    bool generated = options->logs_cnt == 0;
    bool endless = options->source.count_max == 0 && options->duration_s <= 0;
    int err = options->baselines ? 0 : check_url(options, message);
    if (err)
        return err;
    if (generated && options->source.order == QBID_REPLAY_ORDER_HASH)
        problem = "--order hash needs --log: generated auctions are in random order as they are";
    else if (generated && options->baselines && options->source.count_max == 0)
        problem = "--baselines of generated auctions needs --count";
    else if (generated && endless)
        problem = "--count or --duration is missing: generated auctions have no end";
    else if (options->tune_split.half != QBID_REPLAY_HALF_BOTH && !options->baselines)
        problem = "--tune-on is for --baselines";
    if (problem) {
        snprintf(message, QBID_REPLAY_OPTIONS_MESSAGE_BYTES, "%s", problem);
        return QBID_ERR_INVAL;
    }
    return 0;
}

static struct qbid_replay_options defaults(void)
{
    return (struct qbid_replay_options){
        .campaign = qbid_replay_ipinyou_find("2997"),
        .seed = 1,
        .request = {.auction = QBID_REPLAY_SECOND_PRICE},
        .notices = {.copies = 1, .conversion_micros = QBID_MICROS_PER_UNIT},
        .connections = 8,
        .timeout_ns = 100 * QBID_NS_PER_MS,
        .notice_timeout_ns = QBID_NS_PER_S,
        .answers_every = 1,
        .flat_bid_micros = 294 * QBID_REPLAY_MICROS_PER_FEN,
    };
}

static int read_option(int id, const struct value *value, struct qbid_replay_options *options)
{
    int err = read_source_option(id, value, options);
    if (err == QBID_ERR_NOENT)
        err = read_sending_option(id, value, options);
    if (err == QBID_ERR_NOENT)
        err = read_notice_option(id, value, options);
    if (err == QBID_ERR_NOENT)
        err = read_report_option(id, value, options);
    return err;
}

int qbid_replay_options_parse(int argc, char *const *argv, struct qbid_replay_options *ret_options,
                              char message[QBID_REPLAY_OPTIONS_MESSAGE_BYTES])
{
    struct qbid_replay_options options = defaults();
    int index = 0, id;
    optind = 0; /* begin anew: glibc's way to say that argv is another one */
    opterr = 0;
    while ((id = getopt_long(argc, argv, ":", long_options, &index)) != -1) {
        if (id == '?' || id == ':') {
            snprintf(message, QBID_REPLAY_OPTIONS_MESSAGE_BYTES, "%.60s %s", argv[optind - 1],
                     id == ':' ? "needs a value" : "is not an option; see --help");
            return QBID_ERR_INVAL;
        }
        struct value value = {long_options[index].name, optarg ? optarg : "", message};
        int err = read_option(id, &value, &options);
        if (err)
            return err;
    }
    if (optind < argc) {
        snprintf(message, QBID_REPLAY_OPTIONS_MESSAGE_BYTES,
                 "'%.60s' belongs to no option; logs are named with --log", argv[optind]);
        return QBID_ERR_INVAL;
    }
    int err = options.help || options.version ? 0 : check_together(&options, message);
    if (err)
        return err;
    options.request.tmax_ms = (uint32_t)(options.timeout_ns / QBID_NS_PER_MS);
    options.notices.seed = options.seed;
    *ret_options = options;
    return 0;
}
