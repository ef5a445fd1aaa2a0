/* SPDX-License-Identifier: Apache-2.0 */
/* Ethernet frames as a station on an IPv4 network takes and answers them: ARP, ICMP echo, UDP.
 * Bytes only: nothing here knows DPDK.
 *
 * Nothing is guessed about a frame: what is not exactly what a station must take is dropped, under
 * a reason of its own. Answers go back where the frame came from, in the same buffer, so that no
 * table of neighbours is needed.
 *
 * Source: RFC 826 (ARP), 791 (IPv4), 792 (ICMP), 768 (UDP), 1071 and 1624 (checksum), 1122 (what a
 *         host must not answer).
 */
#ifndef QBID_PLUGIN_DPDK_FRAME_H
#define QBID_PLUGIN_DPDK_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define QBID_FRAME_HEADERS 42 /* Ethernet, IPv4 without options, UDP */
#define QBID_FRAME_MIN 60     /* of an Ethernet frame, without its check sequence */
#define QBID_FRAME_ALLOWED_MAX 16

/* What became of a frame that was received; each is counted. */
/* clang-format off */
#define QBID_FRAME_LIST(X)                                                                  \
    X(REQUEST,         request,         "UDP datagrams for us")                             \
    X(ARP,             arp,             "ARP requests for our address")                     \
    X(ECHO,            echo,            "ICMP echo requests")                               \
    X(OTHER_ARP,       other_arp,       "ARP for others, replies")                          \
    X(OTHER_ICMP,      other_icmp,      "other ICMP")                                       \
    X(OTHER_PROTOCOL,  other_protocol,  "neither IPv4 nor ARP, neither UDP nor ICMP")       \
    X(OTHER_STATION,   other_station,   "for another MAC or IPv4 address")                  \
    X(OTHER_PORT,      other_port,      "UDP to another port")                              \
    X(SHORT,           short,           "cut off, or lengths that contradict each other")   \
    X(SEGMENTED,       segmented,       "in several buffers: longer than the MTU")          \
    X(IP_HEADER,       ip_header,       "IPv4: version or header length")                   \
    X(IP_OPTIONS,      ip_options,      "IPv4 with options")                                \
    X(IP_FRAGMENT,     ip_fragment,     "IPv4 fragments")                                   \
    X(IP_CHECKSUM,     ip_checksum,     "IPv4 header checksum")                             \
    X(UDP_CHECKSUM,    udp_checksum,    "UDP checksum")                                     \
    X(UDP_PARTIAL,     udp_partial,     "UDP checksum that the sender left to its hardware")\
    X(ICMP_CHECKSUM,   icmp_checksum,   "ICMP checksum")                                    \
    X(SOURCE,          source,          "source no host can have, or that is not allowed")
/* clang-format on */

enum qbid_frame_kind {
#define X(upper, lower, text) QBID_FRAME_##upper,
    QBID_FRAME_LIST(X)
#undef X
        QBID_FRAME_KIND_CNT
};

/* Who we are, and who may ask. Addresses in host order. */
struct qbid_station {
    uint8_t mac[6];
    uint16_t port;
    uint32_t ip;
    bool udp_unchecked;   /* take UDP checksums as they come */
    unsigned allowed_cnt; /* 0 = anybody */
    struct {
        uint32_t ip, mask;
    } allowed[QBID_FRAME_ALLOWED_MAX];
};

/* What hardware has done about the checksums of a frame, or will. */
enum qbid_frame_offload {
    QBID_FRAME_IP_DONE = 1u << 0,  /* IPv4 header checksum is right / will be filled in */
    QBID_FRAME_UDP_DONE = 1u << 1, /* UDP checksum is right / will be filled in */
    QBID_FRAME_IP_BAD = 1u << 2,   /* received only */
    QBID_FRAME_UDP_BAD = 1u << 3   /* received only */
};

/**
 * What a frame is.
 *
 * Shapes:  len bytes, nothing behind them is read; offload is what the driver said.
 * Returns: its kind; for QBID_FRAME_REQUEST *ret_len is the payload's, which starts at
 *          QBID_FRAME_HEADERS.
 * Cost:    some 10 ns, and 10 ns for 300 bytes when the UDP checksum is ours to verify.
 */
enum qbid_frame_kind qbid_frame_classify(const struct qbid_station *self, const uint8_t *frame,
                                         uint32_t len, unsigned offload, uint32_t *ret_len);

/**
 * Make the answer of a frame that was QBID_FRAME_REQUEST: its payload of len bytes lies at
 * QBID_FRAME_HEADERS already.
 *
 * Shapes:  offload says which checksums the hardware fills in (the UDP one then gets its pseudo
 *          header, as hardware wants it).
 * Returns: bytes of the frame, at least QBID_FRAME_MIN: the buffer must have these.
 */
uint32_t qbid_frame_answer(const struct qbid_station *self, uint8_t *frame, uint32_t len,
                           unsigned offload);

/** Make the answer of a frame of len bytes that was QBID_FRAME_ARP or QBID_FRAME_ECHO. Returns the
 *  frame's bytes. */
uint32_t qbid_frame_answer_arp(const struct qbid_station *self, uint8_t *frame);
uint32_t qbid_frame_answer_echo(const struct qbid_station *self, uint8_t *frame);

/** Write an ARP announcement of ours (RFC 5227): QBID_FRAME_MIN bytes. */
uint32_t qbid_frame_announce(const struct qbid_station *self, uint8_t *frame);

#endif
