/* SPDX-License-Identifier: Apache-2.0 */
/* Options, their ranges, and the errors that name them. */
#include "tools/blast/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/version.h"

#define EXIT_USAGE 2
#define SECONDS 5.0
#define WINDOW 64
#define TIMEOUT_MS 1000

/* clang-format off */
static const char help[] =
"qbid-blast - load for qbid-dpdk: bid requests in UDP datagrams, every answer checked\n"
"\n"
"    qbid-blast --to ADDRESS:PORT [options]\n"
"    qbid-blast --serve ADDRESS:PORT          a plain socket echo, to compare with\n"
"\n"
"  --format F          msgpack (default), json, mixed\n"
"  --rate N            requests a second, sent on time whatever comes back; latency counts from the\n"
"                      time at which a request was due. 0 (default): whenever the window has room\n"
"  --window N          requests under way at most, 1 to 16384 (64)\n"
"  --seconds S         how long (5)\n"
"  --count N           how many requests, in place of how long\n"
"  --timeout-ms N      an answer after that counts as lost (1000)\n"
"  --slots A,B         formats asked for, one a request (those of a small test account)\n"
"  --sites A,B         sites asked for\n"
"  --malformed-every N cut one of N datagrams: it must get an error or nothing (0 = none)\n"
"  --seed N            of what is asked (1)\n"
"  --bind ADDRESS      send from this address\n"
"  --no-checksum       send without UDP checksums\n"
"  --spin              never sleep: a steadier clock, a whole processor\n"
"  --echo              the other side is an echo: each answer must be its request\n"
"  --answers FILE      write request and answer of every decision there, each as a 32-bit length in\n"
"                      network order and its bytes\n"
"  --output json       one JSON object in place of the text\n"
"  --help, --version\n"
"\n"
"Exit codes: 0 every answer came and was right, 1 some did not or were not, 2 usage.\n";
/* clang-format on */

enum key {
    KEY_TO = 256,
    KEY_SERVE,
    KEY_FORMAT,
    KEY_RATE,
    KEY_WINDOW,
    KEY_SECONDS,
    KEY_COUNT,
    KEY_TIMEOUT,
    KEY_SLOTS,
    KEY_SITES,
    KEY_MALFORMED,
    KEY_SEED,
    KEY_BIND,
    KEY_NO_CHECKSUM,
    KEY_SPIN,
    KEY_ECHO,
    KEY_ANSWERS,
    KEY_OUTPUT,
    KEY_HELP,
    KEY_VERSION
};

static const struct option names[] = {{"to", 1, NULL, KEY_TO},
                                      {"serve", 1, NULL, KEY_SERVE},
                                      {"format", 1, NULL, KEY_FORMAT},
                                      {"rate", 1, NULL, KEY_RATE},
                                      {"window", 1, NULL, KEY_WINDOW},
                                      {"seconds", 1, NULL, KEY_SECONDS},
                                      {"count", 1, NULL, KEY_COUNT},
                                      {"timeout-ms", 1, NULL, KEY_TIMEOUT},
                                      {"slots", 1, NULL, KEY_SLOTS},
                                      {"sites", 1, NULL, KEY_SITES},
                                      {"malformed-every", 1, NULL, KEY_MALFORMED},
                                      {"seed", 1, NULL, KEY_SEED},
                                      {"bind", 1, NULL, KEY_BIND},
                                      {"no-checksum", 0, NULL, KEY_NO_CHECKSUM},
                                      {"spin", 0, NULL, KEY_SPIN},
                                      {"echo", 0, NULL, KEY_ECHO},
                                      {"answers", 1, NULL, KEY_ANSWERS},
                                      {"output", 1, NULL, KEY_OUTPUT},
                                      {"help", 0, NULL, KEY_HELP},
                                      {"version", 0, NULL, KEY_VERSION},
                                      {0}};

static int complain(const char *name, const char *reason)
{
    fprintf(stderr, "qbid-blast: --%s: %s\n", name, reason);
    return EXIT_USAGE;
}

static int read_number(const char *name, const char *text, uint64_t min, uint64_t max,
                       uint64_t *ret)
{
    char *end, reason[80];
    errno = 0;
    *ret = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *ret >= min && *ret <= max)
        return -1;
    snprintf(reason, sizeof reason, "must be a number from %lu to %lu", min, max);
    return complain(name, reason);
}

static int read_number32(const char *name, const char *text, uint32_t min, uint32_t max,
                         uint32_t *ret)
{
    uint64_t wide;
    int rc = read_number(name, text, min, max, &wide);
    *ret = (uint32_t)wide;
    return rc;
}

static int read_address(const char *name, const char *text, bool with_port, struct sockaddr_in *ret)
{
    char address[INET_ADDRSTRLEN];
    const char *colon = with_port ? strchr(text, ':') : text + strlen(text);
    uint64_t port = 0;
    *ret = (struct sockaddr_in){.sin_family = AF_INET};
    if (!colon || (size_t)(colon - text) >= sizeof address)
        return complain(name, with_port ? "must be ADDRESS:PORT" : "must be an IPv4 address");
    memcpy(address, text, (size_t)(colon - text));
    address[colon - text] = '\0';
    if (inet_pton(AF_INET, address, &ret->sin_addr) != 1)
        return complain(name, "must be an IPv4 address");
    int rc = with_port ? read_number(name, colon + 1, 1, 65535, &port) : -1;
    ret->sin_port = htons((uint16_t)port);
    return rc;
}

static int read_list(const char *name, char *text, unsigned max, const char **out, unsigned *ret)
{
    *ret = 0;
    for (char *save, *item = strtok_r(text, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
        if (*ret == max || strlen(item) > 64)
            return complain(name, "too many names, or one of more than 64 bytes");
        out[(*ret)++] = item;
    }
    return *ret != 0 ? -1 : complain(name, "needs a name");
}

static int read_format(const char *text, enum qbid_blast_format *ret)
{
    static const char *const word[] = {"msgpack", "json", "mixed"};
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(text, word[i]) == 0) {
            *ret = (enum qbid_blast_format)i;
            return -1;
        }
    return complain("format", "must be msgpack, json or mixed");
}

static int read_seconds(const char *text, double *ret)
{
    char *end;
    *ret = strtod(text, &end);
    return *end == '\0' && *ret > 0 && *ret <= 86400
               ? -1
               : complain("seconds", "must be a number above 0, at most 86400");
}

static int read_option(int key, char *arg, struct qbid_blast_options *o)
{
    switch (key) {
    case KEY_TO:
        return read_address("to", arg, true, &o->to);
    case KEY_SERVE:
        o->serve = true;
        return read_address("serve", arg, true, &o->to);
    case KEY_FORMAT:
        return read_format(arg, &o->format);
    case KEY_RATE:
        return read_number32("rate", arg, 0, 100000000, &o->rate);
    case KEY_WINDOW:
        return read_number32("window", arg, 1, QBID_BLAST_WINDOW_MAX, &o->window);
    case KEY_SECONDS:
        return read_seconds(arg, &o->seconds);
    case KEY_COUNT:
        return read_number("count", arg, 1, UINT64_C(1) << 40, &o->count);
    case KEY_TIMEOUT:
        return read_number32("timeout-ms", arg, 1, 60000, &o->timeout_ms);
    case KEY_SLOTS:
        return read_list("slots", arg, QBID_BLAST_SLOTS_MAX, o->slots, &o->slots_cnt);
    case KEY_SITES:
        return read_list("sites", arg, QBID_BLAST_NAMES_MAX, o->sites, &o->sites_cnt);
    case KEY_MALFORMED:
        return read_number32("malformed-every", arg, 0, UINT32_MAX, &o->malformed_every);
    case KEY_SEED:
        return read_number("seed", arg, 0, UINT64_MAX, &o->seed);
    case KEY_BIND:
        return read_address("bind", arg, false, &o->bind);
    case KEY_ANSWERS:
        o->answers_path = arg;
        return -1;
    case KEY_OUTPUT:
        o->json_output = strcmp(arg, "json") == 0;
        return o->json_output ? -1 : complain("output", "must be json");
    case KEY_HELP:
        fputs(help, stdout);
        return 0;
    case KEY_VERSION:
        puts("qbid-blast " QBID_VERSION);
        return 0;
    case KEY_NO_CHECKSUM:
        o->no_checksum = true;
        return -1;
    case KEY_SPIN:
        o->spin = true;
        return -1;
    case KEY_ECHO:
        o->echo = true;
        return -1;
    default: /* getopt has said what it was */
        return EXIT_USAGE;
    }
}

int qbid_blast_options_read(int argc, char **argv, struct qbid_blast_options *ret_options)
{
    struct qbid_blast_options o = {
        .bind.sin_family = AF_INET,
        .window = WINDOW,
        .seconds = SECONDS,
        .timeout_ms = TIMEOUT_MS,
        .seed = 1,
        .slots = {"banner:300x250", "banner:728x90", "video:640x360", "banner:160x600",
                  "banner:336x280", "banner:1x1"},
        .slots_cnt = 6,
        .sites = {"news.example", "shop.example", "sport.example", "a-rather-long-name.example"},
        .sites_cnt = 4,
    };
    for (int key; (key = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        int rc = read_option(key, optarg, &o);
        if (rc >= 0)
            return rc;
    }
    if (optind < argc) {
        fprintf(stderr, "qbid-blast: %s: is no option; see --help\n", argv[optind]);
        return EXIT_USAGE;
    }
    if (o.to.sin_port == 0)
        return complain("to", "is required, or --serve");
    *ret_options = o;
    return -1;
}
