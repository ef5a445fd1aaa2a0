/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of qbid-blast. */
#ifndef QBID_TOOLS_BLAST_OPTIONS_H
#define QBID_TOOLS_BLAST_OPTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define QBID_BLAST_WINDOW_MAX 16384
#define QBID_BLAST_SLOTS_MAX 16
#define QBID_BLAST_NAMES_MAX 64

enum qbid_blast_format { QBID_BLAST_MSGPACK, QBID_BLAST_JSON, QBID_BLAST_MIXED };

struct qbid_blast_options {
    struct sockaddr_in to, bind; /* bind: port 0 and any address unless given */
    bool serve;                  /* be the plain echo server */
    bool echo;                   /* the other side is one: the answer is the request */
    bool json_output, no_checksum, spin;
    enum qbid_blast_format format;
    uint32_t rate;   /* requests a second, 0 = as the window allows */
    uint32_t window; /* requests under way at most */
    uint32_t timeout_ms;
    uint64_t count; /* requests, 0 = by time */
    double seconds;
    uint64_t seed;
    uint32_t malformed_every; /* one of so many datagrams is cut, 0 = none */
    unsigned slots_cnt, sites_cnt;
    const char *slots[QBID_BLAST_SLOTS_MAX];
    const char *sites[QBID_BLAST_NAMES_MAX];
    const char *answers_path;
};

/** Read the command line; prints help or what is wrong. Returns -1 to go on, else an exit code. */
int qbid_blast_options_read(int argc, char **argv, struct qbid_blast_options *ret_options);

#endif
