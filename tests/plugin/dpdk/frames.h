/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as a test's station sends them, made and checked by the RFCs' own procedures. */
#ifndef QBID_TESTS_PLUGIN_DPDK_FRAMES_H
#define QBID_TESTS_PLUGIN_DPDK_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin/dpdk/frame.h"

#define FRAMES_MAX 2048
#define FRAMES_OUR_IP 0x0a090002u  /* 10.9.0.2 */
#define FRAMES_FROM_IP 0x0a090001u /* 10.9.0.1 */
#define FRAMES_FROM_PORT 40000
#define FRAMES_PORT 7788

/** Us, as the frames below address us. */
struct qbid_station frames_station(void);

/** One's complement checksum by RFC 1071's first listing; `start` is a sum to go on from. */
uint16_t frames_checksum(const uint8_t *bytes, size_t len, uint32_t start);

/** A UDP datagram to us. Returns the frame's bytes. */
size_t frames_udp(uint8_t *out, const void *payload, size_t len);
/** An echo request of len bytes of data to us. */
size_t frames_echo(uint8_t *out, size_t len);
/** An ARP request for our address. */
size_t frames_arp(uint8_t *out);

/** Write the checksums anew after a change of headers or payload, in a buffer of FRAMES_MAX. */
void frames_seal(uint8_t *frame);

/** Whether a frame is a well-formed UDP datagram from us to the station above; then its payload. */
bool frames_is_answer(const uint8_t *frame, size_t len, const uint8_t **ret_payload,
                      size_t *ret_len);

#endif
