/* SPDX-License-Identifier: Apache-2.0 */
/* Byte by byte in network order; nothing of plugin/dpdk/frame.c is used. */
#include "tests/plugin/dpdk/frames.h"

#include <string.h>

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 2}, from_mac[6] = {2, 0, 0, 0, 0, 1};

static void put16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
    put16(at, v >> 16);
    put16(at + 2, v);
}

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) << 16 | get16(at + 2);
}

struct qbid_station frames_station(void)
{
    struct qbid_station s = {.port = FRAMES_PORT, .ip = FRAMES_OUR_IP};
    memcpy(s.mac, our_mac, sizeof s.mac);
    return s;
}

uint16_t frames_checksum(const uint8_t *bytes, size_t len, uint32_t start)
{
    uint32_t sum = start;
    for (; len > 1; len -= 2, bytes += 2) {
        sum += get16(bytes);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    if (len > 0)
        sum += (uint32_t)bytes[0] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint16_t udp_checksum(const uint8_t *frame, size_t udp_len)
{
    uint32_t pseudo = get16(frame + 26) + get16(frame + 28) + get16(frame + 30) +
                      get16(frame + 32) + 17 + (uint32_t)udp_len;
    return frames_checksum(frame + 34, udp_len, pseudo);
}

void frames_seal(uint8_t *frame)
{
    size_t header = (frame[14] & 15u) * 4u, ip_len = get16(frame + 16);
    if (ip_len + 14 > FRAMES_MAX) /* a length that was damaged */
        return;
    put16(frame + 24, 0);
    put16(frame + 24, frames_checksum(frame + 14, header, 0));
    if (frame[23] == 17 && header == 20 && ip_len >= 28) {
        put16(frame + 40, 0);
        uint16_t sum = udp_checksum(frame, ip_len - 20);
        put16(frame + 40, sum ? sum : 0xffff);
    }
    if (frame[23] == 1 && header == 20 && ip_len >= 28) {
        put16(frame + 36, 0);
        put16(frame + 36, frames_checksum(frame + 34, ip_len - 20, 0));
    }
}

static void put_heads(uint8_t *out, uint8_t protocol, size_t ip_len)
{
    memset(out, 0, 42);
    memcpy(out, our_mac, 6);
    memcpy(out + 6, from_mac, 6);
    put16(out + 12, 0x0800);
    out[14] = 0x45;
    put16(out + 16, (uint32_t)ip_len);
    put16(out + 18, 0x1234);
    out[22] = 63;
    out[23] = protocol;
    put32(out + 26, FRAMES_FROM_IP);
    put32(out + 30, FRAMES_OUR_IP);
}

static size_t padded(uint8_t *out, size_t len)
{
    if (len < 60)
        memset(out + len, 0xee, 60 - len); /* padding may be anything */
    return len < 60 ? 60 : len;
}

size_t frames_udp(uint8_t *out, const void *payload, size_t len)
{
    put_heads(out, 17, 28 + len);
    put16(out + 34, FRAMES_FROM_PORT);
    put16(out + 36, FRAMES_PORT);
    put16(out + 38, (uint32_t)(8 + len));
    memcpy(out + 42, payload, len);
    frames_seal(out);
    return padded(out, 42 + len);
}

size_t frames_echo(uint8_t *out, size_t len)
{
    put_heads(out, 1, 28 + len);
    out[34] = 8;
    put32(out + 38, 0x00070001);
    for (size_t i = 0; i < len; i++)
        out[42 + i] = (uint8_t)i;
    frames_seal(out);
    return padded(out, 42 + len);
}

size_t frames_arp(uint8_t *out)
{
    static const uint8_t head[8] = {0, 1, 8, 0, 6, 4, 0, 1};
    memset(out, 0xff, 6);
    memcpy(out + 6, from_mac, 6);
    put16(out + 12, 0x0806);
    memcpy(out + 14, head, 8);
    memcpy(out + 22, from_mac, 6);
    put32(out + 28, FRAMES_FROM_IP);
    memset(out + 32, 0, 6);
    put32(out + 38, FRAMES_OUR_IP);
    return padded(out, 42);
}

bool frames_is_answer(const uint8_t *frame, size_t len, const uint8_t **ret_payload,
                      size_t *ret_len)
{
    if (len < 60 || memcmp(frame, from_mac, 6) != 0 || memcmp(frame + 6, our_mac, 6) != 0 ||
        get16(frame + 12) != 0x0800 || frame[14] != 0x45 || frame[23] != 17 || frame[22] != 64)
        return false;
    size_t ip_len = get16(frame + 16), udp_len = get16(frame + 38);
    if (ip_len + 14 > len || udp_len + 20 != ip_len || frames_checksum(frame + 14, 20, 0) != 0 ||
        get32(frame + 26) != FRAMES_OUR_IP || get32(frame + 30) != FRAMES_FROM_IP ||
        get16(frame + 34) != FRAMES_PORT || get16(frame + 36) != FRAMES_FROM_PORT ||
        get16(frame + 40) == 0 || udp_checksum(frame, udp_len) != 0)
        return false;
    *ret_payload = frame + 42;
    *ret_len = udp_len - 8;
    return true;
}
