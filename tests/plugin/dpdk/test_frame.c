/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of a station by the RFCs, taken and answered; every reason to drop one, each by one
 * change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/control/models/rng.h"
#include "tests/plugin/dpdk/frames.h"

static uint8_t frame[FRAMES_MAX];
static uint32_t payload_len;

/* In memory of exactly len bytes: a byte too far is seen. */
static enum qbid_frame_kind classify_as(const struct qbid_station *self, size_t len,
                                        unsigned offload)
{
    uint8_t *copy = malloc(len + !len);
    memcpy(copy, frame, len);
    payload_len = 0;
    enum qbid_frame_kind kind =
        qbid_frame_classify(self, copy, (uint32_t)len, offload, &payload_len);
    free(copy);
    return kind;
}

static enum qbid_frame_kind classify(size_t len)
{
    struct qbid_station self = frames_station();
    return classify_as(&self, len, 0);
}

static void payloads_of_any_length_are_taken_and_answered(void **state)
{
    struct rng r = rng_init(1);
    struct qbid_station self = frames_station();
    uint8_t text[1472];
    (void)state;
    for (size_t len = 0; len <= sizeof text; len++) {
        const uint8_t *back;
        size_t back_len;
        for (size_t i = 0; i < len; i++)
            text[i] = (uint8_t)(rng_below(&r, 4) ? rng_next(&r) : 0xff);
        assert_int_equal(classify(frames_udp(frame, text, len)), QBID_FRAME_REQUEST);
        assert_int_equal(payload_len, len);
        size_t answer_len = rng_below(&r, 1473);
        memset(frame + QBID_FRAME_HEADERS, 0xa5, answer_len);
        uint32_t out = qbid_frame_answer(&self, frame, (uint32_t)answer_len, 0);
        assert_int_equal(out, answer_len + 42 < 60 ? 60 : answer_len + 42);
        assert_true(frames_is_answer(frame, out, &back, &back_len));
        assert_int_equal(back_len, answer_len);
        for (size_t i = 0; i < back_len; i++)
            assert_int_equal(back[i], 0xa5);
    }
}

static void any_flipped_bit_is_noticed(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 8 * (42 + 33); bit++) {
        size_t len = frames_udp(frame, "a payload of an odd number of by", 33);
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
        bool source_mac = bit / 8 >= 6 && bit / 8 < 12; /* only the link's own check covers it */
        enum qbid_frame_kind kind = classify(len);
        if (source_mac)
            assert_true(kind == QBID_FRAME_REQUEST || kind == QBID_FRAME_SOURCE);
        else
            assert_int_not_equal(kind, QBID_FRAME_REQUEST);
    }
}

static void without_a_udp_checksum_or_with_hardwares_word_nothing_is_summed(void **state)
{
    struct qbid_station self = frames_station();
    size_t len = frames_udp(frame, "abc", 3);
    (void)state;
    memset(frame + 40, 0, 2);
    assert_int_equal(classify(len), QBID_FRAME_REQUEST);
    frame[41] = 1;
    assert_int_equal(classify(len), QBID_FRAME_UDP_CHECKSUM);
    assert_int_equal(classify_as(&self, len, QBID_FRAME_UDP_DONE), QBID_FRAME_REQUEST);
    self.udp_unchecked = true;
    assert_int_equal(classify_as(&self, len, 0), QBID_FRAME_REQUEST);
    assert_int_equal(classify_as(&self, len, QBID_FRAME_UDP_BAD), QBID_FRAME_UDP_CHECKSUM);
    frame[24] ^= 1;
    assert_int_equal(classify_as(&self, len, 0), QBID_FRAME_IP_CHECKSUM);
    assert_int_equal(classify_as(&self, len, QBID_FRAME_IP_DONE), QBID_FRAME_REQUEST);
    assert_int_equal(classify_as(&self, len, QBID_FRAME_IP_BAD), QBID_FRAME_IP_CHECKSUM);
}

/* What a kernel writes that leaves the rest to a NIC: the pseudo header's sum, not inverted. */
static void a_checksum_left_to_hardware_is_told_apart(void **state)
{
    size_t len = frames_udp(frame, "abc", 3);
    uint32_t sum = 0x0a09 + 0x0001 + 0x0a09 + 0x0002 + 17 + 11;
    (void)state;
    frame[40] = (uint8_t)(sum >> 8);
    frame[41] = (uint8_t)sum;
    assert_int_equal(classify(len), QBID_FRAME_UDP_PARTIAL);
}

static void hardware_gets_the_pseudo_header_when_it_sums(void **state)
{
    struct qbid_station self = frames_station();
    (void)state;
    frames_udp(frame, "abcd", 4);
    (void)qbid_frame_answer(&self, frame, 4, QBID_FRAME_IP_DONE | QBID_FRAME_UDP_DONE);
    uint32_t sum = 0x0a09 + 0x0002 + 0x0a09 + 0x0001 + 17 + 12;
    assert_int_equal(frame[40] << 8 | frame[41], sum);
    assert_int_equal(frame[24] << 8 | frame[25], 0);
}

/* One byte of a good datagram is changed, and what follows from it sealed. */
static void assert_dropped(unsigned at, uint8_t value, enum qbid_frame_kind want)
{
    size_t len = frames_udp(frame, "some payload that is long enough", 32);
    frame[at] = value;
    frames_seal(frame);
    assert_int_equal(classify(len), want);
}

static void each_reason_to_drop_a_datagram(void **state)
{
    (void)state;
    assert_dropped(12, 0x86, QBID_FRAME_OTHER_PROTOCOL);
    assert_dropped(0, 4, QBID_FRAME_OTHER_STATION);
    assert_dropped(33, 3, QBID_FRAME_OTHER_STATION);
    assert_dropped(14, 0x65, QBID_FRAME_IP_HEADER);
    assert_dropped(14, 0x44, QBID_FRAME_IP_HEADER);
    assert_dropped(14, 0x46, QBID_FRAME_IP_OPTIONS);
    assert_dropped(20, 0x20, QBID_FRAME_IP_FRAGMENT);
    assert_dropped(21, 1, QBID_FRAME_IP_FRAGMENT);
    assert_dropped(20, 0x80, QBID_FRAME_IP_FRAGMENT);
    assert_dropped(23, 6, QBID_FRAME_OTHER_PROTOCOL);
    assert_dropped(17, 61, QBID_FRAME_SHORT); /* one more than there is */
    assert_dropped(17, 27, QBID_FRAME_SHORT);
    assert_dropped(39, 7, QBID_FRAME_SHORT);
    assert_dropped(39, 41, QBID_FRAME_SHORT);
    assert_dropped(37, 1, QBID_FRAME_OTHER_PORT);
    assert_dropped(26, 224, QBID_FRAME_SOURCE);
    assert_dropped(29, 2, QBID_FRAME_SOURCE);     /* our own address */
    assert_dropped(6, 3, QBID_FRAME_SOURCE);      /* from a group */
    assert_dropped(20, 0x40, QBID_FRAME_REQUEST); /* "don't fragment" is none */
}

static void answers_cannot_be_asked_for_by_ports_that_would_loop(void **state)
{
    size_t len = frames_udp(frame, "abc", 3);
    (void)state;
    frame[34] = frame[35] = 0;
    frames_seal(frame);
    assert_int_equal(classify(len), QBID_FRAME_SOURCE);
    frame[34] = FRAMES_PORT >> 8;
    frame[35] = FRAMES_PORT & 255;
    frames_seal(frame);
    assert_int_equal(classify(len), QBID_FRAME_SOURCE);
}

static void only_allowed_networks_may_ask(void **state)
{
    struct qbid_station self = frames_station();
    size_t len = frames_udp(frame, "abc", 3);
    (void)state;
    self.allowed_cnt = 1;
    self.allowed[0].ip = 0x0a080000;
    self.allowed[0].mask = 0xffff0000;
    assert_int_equal(classify_as(&self, len, 0), QBID_FRAME_SOURCE);
    self.allowed_cnt = 2;
    self.allowed[1].ip = FRAMES_FROM_IP;
    self.allowed[1].mask = 0xffffffff;
    assert_int_equal(classify_as(&self, len, 0), QBID_FRAME_REQUEST);
    self.allowed[1].ip = 0;
    self.allowed[1].mask = 0;
    assert_int_equal(classify_as(&self, len, 0), QBID_FRAME_REQUEST);
}

static void every_cut_of_a_frame_is_short(void **state)
{
    (void)state;
    size_t len = frames_udp(frame, "some payload that is long enough", 32);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(classify(cut), QBID_FRAME_SHORT);
    len = frames_echo(frame, 40);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(classify(cut), QBID_FRAME_SHORT);
    (void)frames_arp(frame);
    for (size_t cut = 0; cut < 42; cut++)
        assert_int_equal(classify(cut), QBID_FRAME_SHORT);
}

static void echo_requests_come_back_with_their_data(void **state)
{
    struct qbid_station self = frames_station();
    uint8_t asked[FRAMES_MAX];
    (void)state;
    for (size_t data = 0; data < 1460; data += 7) {
        size_t len = frames_echo(frame, data);
        memcpy(asked, frame, len);
        assert_int_equal(classify(len), QBID_FRAME_ECHO);
        assert_int_equal(qbid_frame_answer_echo(&self, frame), len);
        assert_memory_equal(frame, asked + 6, 6);
        assert_memory_equal(frame + 26, asked + 30, 4);
        assert_memory_equal(frame + 30, asked + 26, 4);
        assert_int_equal(frames_checksum(frame + 14, 20, 0), 0);
        assert_int_equal(frames_checksum(frame + 34, data + 8, 0), 0);
        assert_int_equal(frame[34], 0);
        assert_memory_equal(frame + 38, asked + 38, 4 + data);
    }
    size_t len = frames_echo(frame, 20);
    frame[50] ^= 1;
    assert_int_equal(classify(len), QBID_FRAME_ICMP_CHECKSUM);
    frame[34] = 13;
    frames_seal(frame);
    assert_int_equal(classify(len), QBID_FRAME_OTHER_ICMP);
}

static void arp_requests_for_us_are_answered(void **state)
{
    struct qbid_station self = frames_station();
    static const uint8_t want[42] = {2,  0, 0, 0, 0, 1, 2, 0, 0, 0, 0,  2, 8, 6,
                                     0,  1, 8, 0, 6, 4, 0, 2, 2, 0, 0,  0, 0, 2,
                                     10, 9, 0, 2, 2, 0, 0, 0, 0, 1, 10, 9, 0, 1};
    size_t len = frames_arp(frame);
    (void)state;
    assert_int_equal(classify(len), QBID_FRAME_ARP);
    assert_int_equal(qbid_frame_answer_arp(&self, frame), 60);
    assert_memory_equal(frame, want, sizeof want);
    frames_arp(frame);
    frame[41] = 3;
    assert_int_equal(classify(len), QBID_FRAME_OTHER_ARP);
    frames_arp(frame);
    frame[21] = 2;
    assert_int_equal(classify(len), QBID_FRAME_OTHER_ARP);
    frames_arp(frame);
    frame[31] = 2; /* somebody else says that it is us */
    assert_int_equal(classify(len), QBID_FRAME_SOURCE);
    frames_arp(frame);
    memset(frame + 28, 0, 4); /* a probe */
    assert_int_equal(classify(len), QBID_FRAME_ARP);
}

static void an_announcement_is_a_request_for_our_own_address(void **state)
{
    struct qbid_station self = frames_station();
    static const uint8_t want[42] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0,  2, 8, 6,
                                     0,   1,   8,   0,   6,   4,   0, 1, 2, 0, 0,  0, 0, 2,
                                     10,  9,   0,   2,   0,   0,   0, 0, 0, 0, 10, 9, 0, 2};
    (void)state;
    memset(frame, 0x77, 60);
    assert_int_equal(qbid_frame_announce(&self, frame), 60);
    assert_memory_equal(frame, want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_of_any_length_are_taken_and_answered),
        cmocka_unit_test(any_flipped_bit_is_noticed),
        cmocka_unit_test(without_a_udp_checksum_or_with_hardwares_word_nothing_is_summed),
        cmocka_unit_test(a_checksum_left_to_hardware_is_told_apart),
        cmocka_unit_test(hardware_gets_the_pseudo_header_when_it_sums),
        cmocka_unit_test(each_reason_to_drop_a_datagram),
        cmocka_unit_test(answers_cannot_be_asked_for_by_ports_that_would_loop),
        cmocka_unit_test(only_allowed_networks_may_ask),
        cmocka_unit_test(every_cut_of_a_frame_is_short),
        cmocka_unit_test(echo_requests_come_back_with_their_data),
        cmocka_unit_test(arp_requests_for_us_are_answered),
        cmocka_unit_test(an_announcement_is_a_request_for_our_own_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
