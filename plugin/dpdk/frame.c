/* SPDX-License-Identifier: Apache-2.0 */
/* Headers read and written at their offsets; checksums. */
#include "plugin/dpdk/frame.h"

#include <string.h>

#include "plugin/dpdk/bytes.h"

#define ETHER_BYTES 14u
#define ETHER_TYPE 12u
#define TYPE_IPV4 0x0800u
#define TYPE_ARP 0x0806u

#define IP 14u /* offsets in the frame */
#define IP_BYTES 20u
#define IP_LEN 16u
#define IP_ID 18u
#define IP_FRAGMENT 20u
#define IP_TTL 22u
#define IP_PROTOCOL 23u
#define IP_SUM 24u
#define IP_FROM 26u
#define IP_TO 30u
#define PROTOCOL_ICMP 1u
#define PROTOCOL_UDP 17u
#define DONT_FRAGMENT 0x4000u
#define TTL 64u

#define UDP 34u
#define UDP_BYTES 8u
#define UDP_FROM 34u
#define UDP_TO 36u
#define UDP_LEN 38u
#define UDP_SUM 40u

#define ICMP 34u
#define ICMP_BYTES 8u
#define ICMP_SUM 36u

#define ARP 14u
#define ARP_BYTES 28u
#define ARP_OPERATION 20u
#define ARP_FROM_MAC 22u
#define ARP_FROM_IP 28u
#define ARP_TO_MAC 32u
#define ARP_TO_IP 38u

/* Hardware type Ethernet, protocol IPv4, address lengths 6 and 4 */
static const uint8_t arp_head[6] = {0, 1, 8, 0, 6, 4};

/* Less than 8 bytes, the missing ones 0. */
static uint64_t rest_of(const uint8_t *at, uint32_t len)
{
    uint32_t four = 0;
    uint16_t two = 0, one = 0;
    if (len & 4) {
        memcpy(&four, at, sizeof four);
        at += 4;
    }
    if (len & 2) {
        memcpy(&two, at, sizeof two);
        at += 2;
    }
    if (len & 1)
        memcpy(&one, at, 1);
    return (uint64_t)four + two + one;
}

/* Sum of the 16-bit words as they lie in memory: the one's complement sum does not care for byte
 * order, nor for the width of the words that are added (RFC 1071, 2.B and 2.C). What is carried out
 * of 64 bits comes in again; two chains, so that one add need not wait for the other. */
static uint64_t sum_of(const uint8_t *at, uint32_t len)
{
    uint64_t a = 0, b = 0, word[4];
    for (; len >= 32; len -= 32, at += 32) {
        memcpy(word, at, 32);
        a += word[0];
        a += a < word[0];
        b += word[1];
        b += b < word[1];
        a += word[2];
        a += a < word[2];
        b += word[3];
        b += b < word[3];
    }
    for (; len >= 8; len -= 8, at += 8) {
        memcpy(word, at, 8);
        a += word[0];
        a += a < word[0];
    }
    uint64_t rest = rest_of(at, len);
    b += rest;
    b += b < rest;
    /* in 34 bits, so that callers may add some of these */
    return (a & UINT32_MAX) + (a >> 32) + (b & UINT32_MAX) + (b >> 32);
}

/* The same of an IPv4 header without options. */
static uint64_t sum_of_header(const uint8_t *at)
{
    uint32_t word[5];
    memcpy(word, at, sizeof word);
    return (uint64_t)word[0] + word[1] + word[2] + word[3] + word[4];
}

/* Fold to 16 bits, in memory's order. */
static uint16_t fold(uint64_t sum)
{
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t)sum;
}

static void put_memory16(uint8_t *at, uint16_t value)
{
    memcpy(at, &value, sizeof value);
}

/* Addresses, protocol and length, as they would stand in memory. */
static uint64_t pseudo_sum(const uint8_t *frame, uint32_t udp_len)
{
    uint32_t address[2];
    uint16_t len, protocol;
    memcpy(address, frame + IP_FROM, sizeof address);
    qbid_bytes_put16((uint8_t *)&len, (uint16_t)udp_len);
    qbid_bytes_put16((uint8_t *)&protocol, PROTOCOL_UDP);
    return (uint64_t)address[0] + address[1] + len + protocol;
}

static bool source_allowed(const struct qbid_station *self, uint32_t ip)
{
    if (ip == 0 || ip == self->ip || ip >> 28 >= 14) /* multicast, reserved, broadcast */
        return false;
    for (unsigned i = 0; i < self->allowed_cnt; i++)
        if ((ip & self->allowed[i].mask) == self->allowed[i].ip)
            return true;
    return self->allowed_cnt == 0;
}

static enum qbid_frame_kind classify_arp(const struct qbid_station *self, const uint8_t *frame,
                                         uint32_t len)
{
    if (len < ARP + ARP_BYTES)
        return QBID_FRAME_SHORT;
    uint32_t from = qbid_bytes_get32(frame + ARP_FROM_IP);
    if (memcmp(frame + ARP, arp_head, sizeof arp_head) != 0 ||
        qbid_bytes_get16(frame + ARP_OPERATION) != 1 ||
        qbid_bytes_get32(frame + ARP_TO_IP) != self->ip)
        return QBID_FRAME_OTHER_ARP;
    /* from 0 is a probe for an address in use (RFC 5227) and wants an answer; a group has no ARP */
    if (from == self->ip || from >> 28 >= 14 || (frame[6] & 1) || (frame[ARP_FROM_MAC] & 1))
        return QBID_FRAME_SOURCE;
    return QBID_FRAME_ARP;
}

static enum qbid_frame_kind classify_icmp(const uint8_t *frame, uint32_t ip_len)
{
    if (ip_len < IP_BYTES + ICMP_BYTES)
        return QBID_FRAME_SHORT;
    if (fold(sum_of(frame + ICMP, ip_len - IP_BYTES)) != UINT16_MAX)
        return QBID_FRAME_ICMP_CHECKSUM;
    return frame[ICMP] == 8 && frame[ICMP + 1] == 0 ? QBID_FRAME_ECHO : QBID_FRAME_OTHER_ICMP;
}

/* Checksum 0 is one that the sender did not make (RFC 768). */
static enum qbid_frame_kind check_udp(const struct qbid_station *self, const uint8_t *frame,
                                      uint32_t udp_len, unsigned offload)
{
    uint16_t sent;
    memcpy(&sent, frame + UDP_SUM, sizeof sent);
    if (offload & QBID_FRAME_UDP_BAD)
        return QBID_FRAME_UDP_CHECKSUM;
    if ((offload & QBID_FRAME_UDP_DONE) || self->udp_unchecked || sent == 0)
        return QBID_FRAME_REQUEST;
    uint64_t pseudo = pseudo_sum(frame, udp_len);
    if (fold(pseudo + sum_of(frame + UDP, udp_len)) == UINT16_MAX)
        return QBID_FRAME_REQUEST;
    return sent == fold(pseudo) ? QBID_FRAME_UDP_PARTIAL : QBID_FRAME_UDP_CHECKSUM;
}

static enum qbid_frame_kind classify_udp(const struct qbid_station *self, const uint8_t *frame,
                                         uint32_t ip_len, unsigned offload, uint32_t *ret_len)
{
    if (ip_len < IP_BYTES + UDP_BYTES)
        return QBID_FRAME_SHORT;
    uint32_t udp_len = qbid_bytes_get16(frame + UDP_LEN);
    if (udp_len < UDP_BYTES || udp_len > ip_len - IP_BYTES)
        return QBID_FRAME_SHORT;
    if (qbid_bytes_get16(frame + UDP_TO) != self->port)
        return QBID_FRAME_OTHER_PORT;
    /* no answer can reach port 0; one to our own port could start two of us talking for ever */
    uint16_t from = qbid_bytes_get16(frame + UDP_FROM);
    if (from == 0 || from == self->port)
        return QBID_FRAME_SOURCE;
    *ret_len = udp_len - UDP_BYTES;
    return check_udp(self, frame, udp_len, offload);
}

static enum qbid_frame_kind classify_ip(const struct qbid_station *self, const uint8_t *frame,
                                        uint32_t len, unsigned offload, uint32_t *ret_len)
{
    if (len < IP + IP_BYTES)
        return QBID_FRAME_SHORT;
    uint32_t header = (frame[IP] & 15u) * 4;
    if (frame[IP] >> 4 != 4 || header < IP_BYTES)
        return QBID_FRAME_IP_HEADER;
    if (memcmp(frame, self->mac, 6) != 0 || qbid_bytes_get32(frame + IP_TO) != self->ip)
        return QBID_FRAME_OTHER_STATION;
    uint32_t ip_len = qbid_bytes_get16(frame + IP_LEN);
    if (ip_len < header || ip_len > len - IP)
        return QBID_FRAME_SHORT;
    if ((offload & QBID_FRAME_IP_BAD) ||
        (!(offload & QBID_FRAME_IP_DONE) &&
         fold(header == IP_BYTES ? sum_of_header(frame + IP) : sum_of(frame + IP, header)) !=
             UINT16_MAX))
        return QBID_FRAME_IP_CHECKSUM;
    if (header != IP_BYTES)
        return QBID_FRAME_IP_OPTIONS;
    if ((qbid_bytes_get16(frame + IP_FRAGMENT) & ~DONT_FRAGMENT) != 0)
        return QBID_FRAME_IP_FRAGMENT;
    if ((frame[6] & 1) || !source_allowed(self, qbid_bytes_get32(frame + IP_FROM)))
        return QBID_FRAME_SOURCE;
    if (frame[IP_PROTOCOL] == PROTOCOL_UDP)
        return classify_udp(self, frame, ip_len, offload, ret_len);
    return frame[IP_PROTOCOL] == PROTOCOL_ICMP ? classify_icmp(frame, ip_len)
                                               : QBID_FRAME_OTHER_PROTOCOL;
}

enum qbid_frame_kind qbid_frame_classify(const struct qbid_station *self, const uint8_t *frame,
                                         uint32_t len, unsigned offload, uint32_t *ret_len)
{
    if (len < ETHER_BYTES)
        return QBID_FRAME_SHORT;
    uint16_t type = qbid_bytes_get16(frame + ETHER_TYPE);
    if (type == TYPE_IPV4)
        return classify_ip(self, frame, len, offload, ret_len);
    return type == TYPE_ARP ? classify_arp(self, frame, len) : QBID_FRAME_OTHER_PROTOCOL;
}

/* --- answers */

static uint32_t pad(uint8_t *frame, uint32_t len)
{
    if (len >= QBID_FRAME_MIN)
        return len;
    memset(frame + len, 0, QBID_FRAME_MIN - len);
    return QBID_FRAME_MIN;
}

static void turn_ether(const struct qbid_station *self, uint8_t *frame)
{
    memcpy(frame, frame + 6, 6);
    memcpy(frame + 6, self->mac, 6);
}

/* Header of an answer to the datagram in the frame. Its bytes that stay are version, header length
 * and protocol. An identification is needed by fragments only (RFC 6864). */
static void turn_ip(const struct qbid_station *self, uint8_t *frame, uint32_t ip_len,
                    unsigned offload)
{
    turn_ether(self, frame);
    memcpy(frame + IP_TO, frame + IP_FROM, 4);
    qbid_bytes_put32(frame + IP_FROM, self->ip);
    frame[IP + 1] = 0;
    qbid_bytes_put16(frame + IP_LEN, (uint16_t)ip_len);
    qbid_bytes_put16(frame + IP_ID, 0);
    qbid_bytes_put16(frame + IP_FRAGMENT, DONT_FRAGMENT);
    frame[IP_TTL] = TTL;
    put_memory16(frame + IP_SUM, 0);
    if (!(offload & QBID_FRAME_IP_DONE))
        put_memory16(frame + IP_SUM, (uint16_t)~fold(sum_of_header(frame + IP)));
}

uint32_t qbid_frame_answer(const struct qbid_station *self, uint8_t *frame, uint32_t len,
                           unsigned offload)
{
    uint32_t udp_len = UDP_BYTES + len;
    turn_ip(self, frame, IP_BYTES + udp_len, offload);
    memcpy(frame + UDP_TO, frame + UDP_FROM, 2);
    qbid_bytes_put16(frame + UDP_FROM, self->port);
    qbid_bytes_put16(frame + UDP_LEN, (uint16_t)udp_len);
    put_memory16(frame + UDP_SUM, 0);
    uint64_t sum = pseudo_sum(frame, udp_len);
    if (offload & QBID_FRAME_UDP_DONE) {
        put_memory16(frame + UDP_SUM, fold(sum));
    } else {
        uint16_t check = (uint16_t)~fold(sum + sum_of(frame + UDP, udp_len));
        put_memory16(frame + UDP_SUM, check != 0 ? check : UINT16_MAX);
    }
    return pad(frame, IP + IP_BYTES + udp_len);
}

uint32_t qbid_frame_answer_arp(const struct qbid_station *self, uint8_t *frame)
{
    turn_ether(self, frame);
    qbid_bytes_put16(frame + ARP_OPERATION, 2);
    memcpy(frame + ARP_TO_MAC, frame + ARP_FROM_MAC, 10); /* MAC and address */
    memcpy(frame + ARP_FROM_MAC, self->mac, 6);
    qbid_bytes_put32(frame + ARP_FROM_IP, self->ip);
    return pad(frame, ARP + ARP_BYTES);
}

uint32_t qbid_frame_answer_echo(const struct qbid_station *self, uint8_t *frame)
{
    uint32_t ip_len = qbid_bytes_get16(frame + IP_LEN);
    turn_ip(self, frame, ip_len, 0);
    frame[ICMP] = 0;
    put_memory16(frame + ICMP_SUM, 0);
    put_memory16(frame + ICMP_SUM, (uint16_t)~fold(sum_of(frame + ICMP, ip_len - IP_BYTES)));
    return pad(frame, IP + ip_len);
}

uint32_t qbid_frame_announce(const struct qbid_station *self, uint8_t *frame)
{
    memset(frame, 0xff, 6);
    memcpy(frame + 6, self->mac, 6);
    qbid_bytes_put16(frame + ETHER_TYPE, TYPE_ARP);
    memcpy(frame + ARP, arp_head, sizeof arp_head);
    qbid_bytes_put16(frame + ARP_OPERATION, 1);
    memcpy(frame + ARP_FROM_MAC, self->mac, 6);
    qbid_bytes_put32(frame + ARP_FROM_IP, self->ip);
    memset(frame + ARP_TO_MAC, 0, 6);
    qbid_bytes_put32(frame + ARP_TO_IP, self->ip);
    return pad(frame, ARP + ARP_BYTES);
}
