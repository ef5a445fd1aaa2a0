/* SPDX-License-Identifier: Apache-2.0 */
/* Reads options with their ranges; every message names the option. */
#include "tools/qbid/explain/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shm/error.h"
#include "shm/qtable.h"

enum option_id {
    OPT_IMAGE = 256,
    OPT_EXCHANGE,
    OPT_PACE,
    OPT_PACE_TERMS,
    OPT_QSTATE,
    OPT_EXPOSURES,
    OPT_NOW,
    OPT_OUTPUT,
    OPT_STRICT,
    OPT_CHECK,
    OPT_IMAGES,
    OPT_BID,
    OPT_LOG,
    OPT_SAMPLE,
    OPT_HELP
};

static const struct option long_options[] = {
    {"image", required_argument, NULL, OPT_IMAGE},
    {"exchange", required_argument, NULL, OPT_EXCHANGE},
    {"pace", required_argument, NULL, OPT_PACE},
    {"pace-terms", required_argument, NULL, OPT_PACE_TERMS},
    {"qstate", required_argument, NULL, OPT_QSTATE},
    {"exposures", required_argument, NULL, OPT_EXPOSURES},
    {"now", required_argument, NULL, OPT_NOW},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"strict", no_argument, NULL, OPT_STRICT},
    {"check", required_argument, NULL, OPT_CHECK},
    {"images", required_argument, NULL, OPT_IMAGES},
    {"bid", required_argument, NULL, OPT_BID},
    {"log", required_argument, NULL, OPT_LOG},
    {"sample", required_argument, NULL, OPT_SAMPLE},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

void qbid_explain_options_help(FILE *out)
{
    fputs("Usage: qbid explain REQUEST.json [--image FILE]\n"
          "  or:  qbid explain --bid N [--log DIR] [--images DIR]\n"
          "  or:  qbid explain --check ANSWERS --images DIR\n"
          "Why a saved bid request is answered as it is; a bid of the decision log, term\n"
          "by term; whether answers follow from their generation.\n"
          "\n"
          "One request (\"-\": stdin), decided again with the server's own parser and fast\n"
          "path:\n"
          "  --image FILE         the generation, as qbidd keeps it (GEN.qbi); without:\n"
          "  --generation N       of a running qbidd, the image that it keeps of generation\n"
          "                       N (the last one)\n"
          "  --live               with its pace factors and Q states of now\n"
          "  --exchange X         the exchange that asks, as the host names it (none)\n"
          "  --pace ID=X          live pace of line item ID; below 0 a fixed price of\n"
          "                       -X micros; may be repeated (1)\n"
          "  --pace-terms ID=F,.. what the pace of line item ID is made of, factors in the\n"
          "                       order of qbid live; may be repeated\n"
          "  --qstate ID=N        live Q state of line item ID, 0 to 99; may be repeated\n"
          "                       (0)\n"
          "  --exposures ID=K     how often this user saw line item ID; may be repeated\n"
          "                       (0)\n"
          "  --now TIME           RFC 3339 or seconds since 1970: hour of the week, age of\n"
          "                       the image\n"
          "  --strict             a stale image is not used: exit 6\n"
          "\n"
          "A bid of the decision log, made again from its event and its generation:\n"
          "  --bid N              its nonce; last: the latest one\n"
          "  --log DIR            the decision log (with a running qbidd: its own)\n"
          "  --images DIR         generations (with a running qbidd: those that it keeps)\n"
          "\n"
          "Answers as qbid-replay --answers writes them, of a server that traces. Each bid\n"
          "is made again with the generation, pace, Q state and time that it carries:\n"
          "  --images DIR         generations, GEN.qbi or with zeros in front\n"
          "  --sample N           only N answers with a bid, spread evenly over the file\n"
          "                       (all)\n"
          "  --exchange X         where a line does not name it\n"
          "  --pace ID=X          of line items beside the one that bids (1)\n"
          "  --now TIME           instead of each answer's own time\n"
          "\n"
          "  --socket PATH, --config FILE, --token-file FILE: of a running qbidd\n"
          "  --output table|json  (table)\n"
          "\n"
          "Exit: 0, 1 a file is bad or an answer differs, 2 command line, 6 stale image.\n",
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
    snprintf(value->message, QBID_EXPLAIN_MESSAGE_BYTES, "--%s takes %s, not '%.60s'", value->name,
             takes, value->text);
    return QBID_ERR_INVAL;
}

static bool read_uint(const char *text, char stop, uint64_t max, uint64_t *ret_number,
                      const char **ret_end)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != stop || errno || number > max)
        return false;
    *ret_number = number;
    *ret_end = end;
    return true;
}

static bool read_pace(const char *text, float *ret_pace)
{
    char *end;
    float pace = strtof(text, &end);
    char first = text[*text == '-'];
    if (((first < '0' || first > '9') && first != '.') || *end || !isfinite(pace))
        return false;
    *ret_pace = pace;
    return true;
}

static int read_pace_option(const struct value *value, struct qbid_explain_options *options)
{
    struct qbid_explain_setting setting = {0};
    uint64_t id;
    const char *end;
    if (!read_uint(value->text, '=', UINT32_MAX, &id, &end) || id == 0 ||
        !read_pace(end + 1, &setting.pace))
        return complain(value, "ID=X with a line item and a number");
    if (options->pace_cnt == QBID_EXPLAIN_SETTINGS_MAX)
        return complain(value, "at most 1024 line items");
    setting.line_item_id = (uint32_t)id;
    options->pace[options->pace_cnt++] = setting;
    return 0;
}

static int read_terms_option(const struct value *value, struct qbid_explain_options *options)
{
    struct qbid_explain_setting setting = {0};
    uint64_t id;
    const char *end;
    bool ok = read_uint(value->text, '=', UINT32_MAX, &id, &end) && id > 0;
    for (unsigned i = 0; i < QBID_PACE_TERM_CNT && ok; i++) {
        char *next;
        setting.terms.factor[i] = strtof(++end, &next);
        ok = next > end && isfinite(setting.terms.factor[i]) &&
             *next == (i + 1 < QBID_PACE_TERM_CNT ? ',' : '\0');
        end = next;
    }
    if (!ok)
        return complain(value, "ID=F,F,... with a line item and ten numbers");
    if (options->pace_terms_cnt == QBID_EXPLAIN_SETTINGS_MAX)
        return complain(value, "at most 1024 line items");
    setting.line_item_id = (uint32_t)id;
    options->pace_terms[options->pace_terms_cnt++] = setting;
    return 0;
}

static int read_qstate_option(const struct value *value, struct qbid_explain_options *options)
{
    uint64_t id, state;
    const char *end;
    if (!read_uint(value->text, '=', UINT32_MAX, &id, &end) || id == 0 ||
        !read_uint(end + 1, '\0', QBID_QSTATES - 1, &state, &end))
        return complain(value, "ID=N with a line item and a state from 0 to 99");
    if (options->qstate_cnt == QBID_EXPLAIN_SETTINGS_MAX)
        return complain(value, "at most 1024 line items");
    options->qstate[options->qstate_cnt++] =
        (struct qbid_explain_setting){.line_item_id = (uint32_t)id, .qstate = (uint32_t)state};
    return 0;
}

static int read_exposures_option(const struct value *value, struct qbid_explain_options *options)
{
    uint64_t id, cnt;
    const char *end;
    if (!read_uint(value->text, '=', UINT32_MAX, &id, &end) || id == 0 ||
        !read_uint(end + 1, '\0', UINT8_MAX, &cnt, &end))
        return complain(value, "ID=K with a line item and a number from 0 to 255");
    if (options->exposures_cnt == QBID_EXPLAIN_SETTINGS_MAX)
        return complain(value, "at most 1024 line items");
    options->exposures[options->exposures_cnt++] =
        (struct qbid_explain_setting){.line_item_id = (uint32_t)id, .exposures = (uint8_t)cnt};
    return 0;
}

/* "Z", "+08:00" or "-05:30" behind a time: seconds to subtract. */
static int zone_parse(const char *text, long *ret_offset_s)
{
    unsigned hours, minutes;
    int used = 0;
    *ret_offset_s = 0;
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
        return 0;
    if ((text[0] != '+' && text[0] != '-') || strspn(text + 1, "0123456789:") != 5 ||
        sscanf(text + 1, "%2u:%2u%n", &hours, &minutes, &used) != 2 || text[1 + used] != '\0' ||
        hours > 23 || minutes > 59)
        return QBID_ERR_PARSE;
    *ret_offset_s = (long)(hours * 3600 + minutes * 60) * (text[0] == '-' ? -1 : 1);
    return 0;
}

int qbid_explain_time_parse(const char *text, uint64_t *ret_unix_s)
{
    const char *end;
    if (read_uint(text, '\0', UINT32_MAX, ret_unix_s, &end))
        return 0;
    struct tm tm = {0};
    long offset_s;
    end = text[0] >= '0' && text[0] <= '9' ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    if (!end)
        return QBID_ERR_PARSE;
    if (*end == '.')
        end += 1 + strspn(end + 1, "0123456789");
    int day = tm.tm_mday;
    time_t seconds = timegm(&tm);
    if (tm.tm_mday != day || zone_parse(end, &offset_s) != 0 || seconds - offset_s < 0)
        return QBID_ERR_PARSE;
    *ret_unix_s = (uint64_t)(seconds - offset_s);
    return 0;
}

static int read_now(const struct value *value, struct qbid_explain_options *options)
{
    if (qbid_explain_time_parse(value->text, &options->now_unix_s) != 0)
        return complain(value, "RFC 3339 or seconds since 1970");
    options->has_now = true;
    return 0;
}

static int read_option(int id, const struct value *value, struct qbid_explain_options *options)
{
    const char *end;
    switch (id) {
    case OPT_IMAGE:
        options->image = value->text;
        return 0;
    case OPT_EXCHANGE:
        options->exchange = value->text;
        return 0;
    case OPT_PACE:
        return read_pace_option(value, options);
    case OPT_PACE_TERMS:
        return read_terms_option(value, options);
    case OPT_QSTATE:
        return read_qstate_option(value, options);
    case OPT_EXPOSURES:
        return read_exposures_option(value, options);
    case OPT_NOW:
        return read_now(value, options);
    case OPT_OUTPUT:
        options->json = strcmp(value->text, "json") == 0;
        return options->json || strcmp(value->text, "table") == 0
                   ? 0
                   : complain(value, "table or json");
    case OPT_CHECK:
        options->check = value->text;
        return 0;
    case OPT_IMAGES:
        options->images = value->text;
        return 0;
    case OPT_BID:
        options->by_bid = true;
        return strcmp(value->text, "last") == 0 ||
                       (read_uint(value->text, '\0', UINT64_MAX, &options->bid, &end) &&
                        options->bid != 0)
                   ? 0
                   : complain(value, "the nonce of a bid, or last");
    case OPT_LOG:
        options->log = value->text;
        return 0;
    case OPT_SAMPLE:
        return read_uint(value->text, '\0', UINT64_MAX, &options->sample, &end) &&
                       options->sample != 0
                   ? 0
                   : complain(value, "a number of answers from 1");
    case OPT_STRICT:
        options->strict = true;
        return 0;
    default:
        options->help = true;
        return 0;
    }
}

static int check_together(const struct qbid_explain_options *options, char *message)
{
    const char *problem = NULL;
    if (options->by_bid) {
        if (options->request || options->check || options->image)
            problem = "--bid takes no REQUEST, --check or --image: the log has what was bid";
        else if (!options->log || !options->images)
            problem = options->log ? "--images is missing: the folder of the generations"
                                   : "--log is missing: the folder of the decision log";
    } else if (options->log) {
        problem = "--log is for --bid only";
    } else if (options->check) {
        if (options->request)
            problem = "--check takes no REQUEST: each line of its file has one";
        else if (!options->images)
            problem = "--images is missing: the folder of the generations";
        else if (options->image || options->strict || options->qstate_cnt != 0)
            problem = "--image, --qstate and --strict are not for --check: answers carry their own";
    } else if (!options->request) {
        problem = "REQUEST.json is missing (or --check, --bid or --help)";
    } else if (!options->image) {
        problem = "--image is missing: the generation to decide with";
    } else if (options->images || options->sample != 0) {
        problem = "--images and --sample are for --check only";
    }
    if (!problem)
        return 0;
    snprintf(message, QBID_EXPLAIN_MESSAGE_BYTES, "%s", problem);
    return QBID_ERR_INVAL;
}

int qbid_explain_options_parse(int argc, char **argv, struct qbid_explain_options *ret_options,
                               char message[QBID_EXPLAIN_MESSAGE_BYTES])
{
    int id, index = 0;
    memset(ret_options, 0, sizeof *ret_options);
    optind = 0; /* the program may have read options of its own before */
    opterr = 0;
    while ((id = getopt_long(argc, argv, ":", long_options, &index)) != -1) {
        if (id == '?' || id == ':') {
            snprintf(message, QBID_EXPLAIN_MESSAGE_BYTES, "%s '%.60s'",
                     id == '?' ? "unknown option" : "a value is missing behind", argv[optind - 1]);
            return QBID_ERR_INVAL;
        }
        struct value value = {long_options[index].name, optarg, message};
        int err = read_option(id, &value, ret_options);
        if (err)
            return err;
    }
    if (ret_options->help)
        return 0;
    if (argc - optind > 1) {
        snprintf(message, QBID_EXPLAIN_MESSAGE_BYTES, "one REQUEST at a time, not also '%.60s'",
                 argv[optind + 1]);
        return QBID_ERR_INVAL;
    }
    ret_options->request = optind < argc ? argv[optind] : NULL;
    return check_together(ret_options, message);
}

void qbid_explain_options_split(const struct qbid_explain_options *options,
                                const struct qbid_decision *decision,
                                struct qbid_explain_terms *terms)
{
    for (unsigned i = 0; i < options->pace_terms_cnt; i++)
        if (options->pace_terms[i].line_item_id == decision->line_item_id)
            qbid_explain_terms_split(terms, decision, &options->pace_terms[i].terms);
}
