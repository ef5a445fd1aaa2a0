/* SPDX-License-Identifier: Apache-2.0 */
/* Options as a table: name, kind, range, where its value goes. */
#include "plugin/dpdk/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/qbid.h"
#include "shm/error.h"

#define UDP_PORT 7788
#define MTU 1500
#define MTU_MIN 576
#define MTU_MAX 9000
#define DESCRIPTORS 1024
#define ERRORS_PER_S 1000
#define CONTROL_PER_S 1000
#define DRAIN_MS 1000
#define PATH_MAX_BYTES 107 /* of a Unix socket */

enum kind { TEXT, PATH, NUMBER, FLAG, ADDRESS, ALLOW };

struct option {
    const char *name;
    enum kind kind;
    size_t off; /* in struct qbid_dpdk_options */
    unsigned min, max;
};

#define AT(field) offsetof(struct qbid_dpdk_options, field)

static const struct option options[] = {
    {"socket", PATH, AT(socket_path), 0, 0},
    {"image", TEXT, AT(image_file), 0, 0},
    {"notice-url", TEXT, AT(notice_url), 0, 0},
    {"exchange", TEXT, AT(exchange), 0, 0},
    {"status", PATH, AT(status_path), 0, 0},
    {"ask", PATH, AT(ask_path), 0, 0},
    {"ip", ADDRESS, 0, 0, 0},
    {"allow", ALLOW, 0, 0, 0},
    {"port", NUMBER, AT(station.port), 1, 65535},
    {"mtu", NUMBER, AT(mtu), MTU_MIN, MTU_MAX},
    {"descriptors", NUMBER, AT(descriptors), 64, 8192},
    {"errors-per-s", NUMBER, AT(errors_per_s), 0, 1000000},
    {"control-per-s", NUMBER, AT(control_per_s), 1, 1000000},
    {"idle-us", NUMBER, AT(idle_us), 0, 10000},
    {"drain-ms", NUMBER, AT(drain_ms), 0, 60000},
    {"tmax-margin-ms", NUMBER, AT(tmax_margin_ms), 0, 10000},
    {"latency-every", NUMBER, AT(latency_every), 0, QBID_LATENCY_EVERY_MAX},
    {"no-rx-checksum", FLAG, AT(station.udp_unchecked), 0, 0},
    {"help", FLAG, AT(help), 0, 0},
    {"version", FLAG, AT(version), 0, 0},
};
#define OPTION_CNT (sizeof options / sizeof options[0])

/* clang-format off */
static const char help[] =
"qbid-dpdk - answers bid requests in UDP datagrams, over DPDK\n"
"\n"
"    qbid-dpdk [EAL options] -- --ip ADDRESS --notice-url URL --socket PATH [options]\n"
"    qbid-dpdk --ask PATH [json|prometheus]\n"
"\n"
"Every lcore that EAL is given (-l) polls one receive queue of every port and answers on the same\n"
"queue; each is a worker of its own towards qbidd. Requests are MessagePack maps or OpenRTB JSON,\n"
"notices are \"/win?t=...\": share/doc/qbid/dpdk/message.h.\n"
"\n"
"  --ip ADDRESS           IPv4 address that we answer for; once a port, in their order\n"
"  --port N               UDP port (7788); a sender must use another one\n"
"  --allow ADDRESS/BITS   networks that may ask (all); up to 16 times. Answers can be longer than\n"
"                         requests: on a network where senders can be forged, name them\n"
"  --socket PATH          of qbidd, to load tables from\n"
"  --image FILE           last published table, used until qbidd answers\n"
"  --notice-url URL       base of notice URLs in OpenRTB answers\n"
"  --exchange NAME        partner that OpenRTB requests come from (none)\n"
"  --tmax-margin-ms N     network time to subtract from a request's tmax (0)\n"
"  --status PATH          Unix socket that tells counters to --ask (none)\n"
"  --latency-every N      time one of so many decisions, answers and notices (0 = none)\n"
"  --mtu N                576 to 9000 (1500); longer answers are left out\n"
"  --descriptors N        of each queue, 64 to 8192 (1024); a driver may use others\n"
"  --errors-per-s N       malformed datagrams that an lcore answers in a second (1000)\n"
"  --control-per-s N      ARP requests, and echo requests, that an lcore answers in a second (1000)\n"
"  --no-rx-checksum       do not verify UDP checksums in software: for virtual links whose senders\n"
"                         leave them to hardware that is not there\n"
"  --idle-us N            sleep so long after 1024 rounds that found nothing (0 = never): gives the\n"
"                         processor away and adds as much latency to the next request\n"
"  --drain-ms N           after SIGTERM, answer what still comes for so long at most (1000)\n"
"  --ask PATH             print the counters of the qbid-dpdk whose --status it is, and end. This\n"
"                         never touches DPDK\n"
"  --help, --version\n"
"\n"
"Added to EAL's options unless given: --file-prefix=qbid-PID, and --in-memory (--no-shconf with\n"
"--no-huge), so that any number can run and none leaves anything behind. qbid-dpdk is a primary\n"
"process; --proc-type is refused.\n"
"\n"
"Signals: SIGTERM and SIGINT drain and end. Exit codes: 0 ended by a signal, 1 failed, 2 usage.\n"
"\n"
"Example, two lcores on a NIC that is bound to vfio-pci:\n"
"    qbid-dpdk -l 2,3 -a 0000:3b:00.0 -- --ip 10.1.0.2 --socket /run/qbid/qbid.sock\n"
"        --notice-url https://ads.example/qbid/notice --status /run/qbid/dpdk.sock\n"
"Without a NIC, on a pair of virtual links:\n"
"    qbid-dpdk --no-huge -m 64 -l 0 --no-pci --vdev=net_af_packet0,iface=veth1 -- --ip 10.1.0.2 ...\n";
/* clang-format on */

const char *qbid_dpdk_help(void)
{
    return help;
}

static int complain(char *why, const char *name, const char *reason)
{
    snprintf(why, QBID_DPDK_WHY_MAX, "--%s: %s", name, reason);
    return QBID_ERR_PARSE;
}

static int read_number(const struct option *o, const char *text, void *base, char *why)
{
    char *end, reason[64];
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value < o->min ||
        value > o->max) {
        snprintf(reason, sizeof reason, "must be a number from %u to %u", o->min, o->max);
        return complain(why, o->name, reason);
    }
    if (o->off == AT(station.port)) {
        uint16_t port = (uint16_t)value;
        memcpy((char *)base + o->off, &port, sizeof port);
    } else {
        unsigned number = (unsigned)value;
        memcpy((char *)base + o->off, &number, sizeof number);
    }
    return 0;
}

/* An address that a host can have. */
static bool read_address(const char *text, uint32_t *ret)
{
    struct in_addr in;
    if (inet_pton(AF_INET, text, &in) != 1)
        return false;
    *ret = ntohl(in.s_addr);
    return true;
}

static int read_ip(const char *text, struct qbid_dpdk_options *o, char *why)
{
    uint32_t ip;
    if (!read_address(text, &ip) || ip == 0 || ip >> 28 >= 14 || ip >> 24 == 127)
        return complain(why, "ip", "must be the IPv4 address of a host, like 10.1.0.2");
    if (o->ip_cnt == QBID_DPDK_PORTS_MAX)
        return complain(why, "ip", "at most 8 ports");
    o->ip[o->ip_cnt++] = ip;
    return 0;
}

static int read_allow(const char *text, struct qbid_dpdk_options *o, char *why)
{
    char address[16], *end;
    const char *slash = strchr(text, '/');
    uint32_t ip = 0;
    long bits = slash ? strtol(slash + 1, &end, 10) : -1;
    bool good = slash && slash[1] >= '0' && slash[1] <= '9' && *end == '\0' && bits >= 0 &&
                bits <= 32 && slash - text < (long)sizeof address;
    if (good) {
        memcpy(address, text, (size_t)(slash - text));
        address[slash - text] = '\0';
        good = read_address(address, &ip);
    }
    uint32_t mask = bits > 0 && bits <= 32 ? UINT32_MAX << (32 - bits) : 0;
    if (!good || (ip & ~mask) != 0)
        return complain(why, "allow", "must be a network, like 10.1.0.0/16");
    if (o->station.allowed_cnt == QBID_FRAME_ALLOWED_MAX)
        return complain(why, "allow", "at most 16 networks");
    o->station.allowed[o->station.allowed_cnt].ip = ip;
    o->station.allowed[o->station.allowed_cnt++].mask = mask;
    return 0;
}

static int read_value(const struct option *o, const char *text, struct qbid_dpdk_options *out,
                      char *why)
{
    if (*text == '\0')
        return complain(why, o->name, "must not be empty");
    switch (o->kind) {
    case NUMBER:
        return read_number(o, text, out, why);
    case ADDRESS:
        return read_ip(text, out, why);
    case ALLOW:
        return read_allow(text, out, why);
    case PATH:
        if (strlen(text) > PATH_MAX_BYTES)
            return complain(why, o->name, "a socket's path has at most 107 bytes");
        break;
    default:
        break;
    }
    memcpy((char *)out + o->off, &text, sizeof text);
    return 0;
}

static const struct option *find(const char *word, size_t len)
{
    for (unsigned i = 0; i < OPTION_CNT; i++)
        if (strlen(options[i].name) == len && memcmp(options[i].name, word, len) == 0)
            return &options[i];
    return NULL;
}

/* One option at argv[i]; returns the words that it took. */
static int read_option(int argc, char *const argv[], int i, struct qbid_dpdk_options *out,
                       char *why)
{
    const char *word = argv[i] + 2, *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    const struct option *o = find(word, len);
    if (!o) {
        snprintf(why, QBID_DPDK_WHY_MAX, "%.200s: no such option; see --help", argv[i]);
        return QBID_ERR_PARSE;
    }
    if (o->kind == FLAG) {
        const bool yes = true;
        if (equals)
            return complain(why, o->name, "takes no value");
        memcpy((char *)out + o->off, &yes, sizeof yes);
        return 1;
    }
    if (!equals && i + 1 >= argc)
        return complain(why, o->name, "needs a value");
    int err = read_value(o, equals ? equals + 1 : argv[i + 1], out, why);
    return err != 0 ? err : equals ? 1 : 2;
}

/* What belongs together. */
static int check(const struct qbid_dpdk_options *o, char *why)
{
    if (o->help || o->version)
        return 0;
    if (o->ask_path) {
        if (o->ask_what && strcmp(o->ask_what, "json") != 0 &&
            strcmp(o->ask_what, "prometheus") != 0)
            return complain(why, "ask", "json or prometheus may follow the path");
        return 0;
    }
    if (o->ip_cnt == 0)
        return complain(why, "ip", "is required");
    if (!o->notice_url)
        return complain(why, "notice-url", "is required");
    if (!o->socket_path && !o->image_file)
        return complain(why, "socket", "is required, or --image");
    for (unsigned i = 0; i < o->ip_cnt; i++)
        for (unsigned j = 0; j < i; j++)
            if (o->ip[i] == o->ip[j])
                return complain(why, "ip", "two ports have the same address");
    return 0;
}

int qbid_dpdk_options_read(int argc, char *const argv[], struct qbid_dpdk_options *ret_options,
                           char why[QBID_DPDK_WHY_MAX])
{
    struct qbid_dpdk_options out = {.station.port = UDP_PORT,
                                    .mtu = MTU,
                                    .descriptors = DESCRIPTORS,
                                    .errors_per_s = ERRORS_PER_S,
                                    .control_per_s = CONTROL_PER_S,
                                    .drain_ms = DRAIN_MS};
    for (int i = 1; i < argc;) {
        if (out.ask_path && !out.ask_what && argv[i][0] != '-') {
            out.ask_what = argv[i++];
            continue;
        }
        if (strncmp(argv[i], "--", 2) != 0) {
            snprintf(why, QBID_DPDK_WHY_MAX, "%.200s: is no option; see --help", argv[i]);
            return QBID_ERR_PARSE;
        }
        int took = read_option(argc, argv, i, &out, why);
        if (took < 0)
            return took;
        i += took;
    }
    int err = check(&out, why);
    if (err == 0)
        *ret_options = out;
    return err;
}
