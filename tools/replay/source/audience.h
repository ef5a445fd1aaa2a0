/* SPDX-License-Identifier: Apache-2.0 */
/* The people of generated traffic: where they are, what they use, which segments they are in. */
#ifndef QBID_TOOLS_REPLAY_SOURCE_AUDIENCE_H
#define QBID_TOOLS_REPLAY_SOURCE_AUDIENCE_H

#include <stdint.h>

#define QBID_REPLAY_AUDIENCE_PEOPLE (UINT64_C(1) << 20)
#define QBID_REPLAY_AUDIENCE_REGIONS 35
#define QBID_REPLAY_AUDIENCE_DEVICES 12
#define QBID_REPLAY_AUDIENCE_TAGS 40

/* Factors on the click rate by a person's features, and each feature's share. */
struct qbid_replay_audience {
    uint64_t seed;
    double region_share[QBID_REPLAY_AUDIENCE_REGIONS];
    double region_effect[QBID_REPLAY_AUDIENCE_REGIONS];
    double device_share[QBID_REPLAY_AUDIENCE_DEVICES];
    double device_effect[QBID_REPLAY_AUDIENCE_DEVICES];
    double tag_share[QBID_REPLAY_AUDIENCE_TAGS];
    double tag_effect[QBID_REPLAY_AUDIENCE_TAGS];
    double mean_effect; /* of region and tags together over all people; devices are left out */
};

struct qbid_replay_person {
    uint64_t number;
    uint32_t region; /* index */
    uint32_t city;   /* number of the city, 0 for an unknown one */
    uint32_t device; /* index */
    uint64_t tags;   /* one bit a segment */
    double effect;   /* region x tags, without the device */
};

/** Set the mixes and effects of a seed; mobile_ppm is the share of phones and tablets. */
void qbid_replay_audience_init(struct qbid_replay_audience *audience, uint64_t seed,
                               uint32_t mobile_ppm);

/** The person with that number, below QBID_REPLAY_AUDIENCE_PEOPLE: always the same for a seed. */
void qbid_replay_audience_query(const struct qbid_replay_audience *audience, uint64_t number,
                                struct qbid_replay_person *ret_person);

/** User agent of a device index. */
const char *qbid_replay_audience_ua(uint32_t device);

#endif
