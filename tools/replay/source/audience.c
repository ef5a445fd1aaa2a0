/* SPDX-License-Identifier: Apache-2.0 */
/* Every feature of a person is a hash of the person's number, so nothing has to be stored. */
#include "tools/replay/source/audience.h"

#include <stdbool.h>

#include "tools/replay/source/draw.h"

enum {
    USE_REGION = 200,
    USE_CITY,
    USE_DEVICE,
    USE_TAG,
    USE_TAGGED,
    EFFECT_REGION,
    EFFECT_DEVICE,
    EFFECT_TAG,
};
enum { CITIES_PER_REGION = 12, TAGS_WITH_EFFECT = 12 };
#define REGION_SKEW 0.8
#define TAGGED_SHARE 0.7 /* the others carry no segments at all */
#define DEVIATION_REGION 0.3
#define DEVIATION_DEVICE 0.4
#define DEVIATION_TAG 0.35

static const struct {
    double share; /* among the desktops or among the mobile devices */
    bool mobile;
    const char *ua;
} devices[QBID_REPLAY_AUDIENCE_DEVICES] = {
    {0.30, false, "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0)"},
    {0.28, false,
     "Mozilla/5.0 (Windows NT 5.1) AppleWebKit/537.1 (KHTML, like Gecko) Chrome/21.0 Safari/537.1"},
    {0.14, false, "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)"},
    {0.14, false, "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.1; WOW64; Trident/6.0)"},
    {0.10, false, "Mozilla/5.0 (Windows NT 6.1; rv:24.0) Gecko/20100101 Firefox/24.0"},
    {0.04, false,
     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_8_5) AppleWebKit/536.30 (KHTML, like Gecko) "
     "Version/6.0 Safari/536.30"},
    {0.22, true,
     "Mozilla/5.0 (iPhone; CPU iPhone OS 7_0 like Mac OS X) AppleWebKit/537.51 (KHTML, like Gecko) "
     "Version/7.0 Mobile/11A465 Safari/9537.53"},
    {0.12, true,
     "Mozilla/5.0 (iPad; CPU OS 7_0 like Mac OS X) AppleWebKit/537.51 (KHTML, like Gecko) "
     "Version/7.0 Mobile/11A465 Safari/9537.53"},
    {0.26, true,
     "Mozilla/5.0 (Linux; U; Android 4.0.3; zh-cn) AppleWebKit/534.30 (KHTML, like Gecko) "
     "Version/4.0 Mobile Safari/534.30"},
    {0.22, true,
     "Mozilla/5.0 (Linux; U; Android 2.3.5; zh-cn) AppleWebKit/533.1 (KHTML, like Gecko) "
     "Version/4.0 Mobile Safari/533.1"},
    {0.08, true,
     "Mozilla/5.0 (Linux; U; Android 4.1.2; zh-cn) UC AppleWebKit/534.31 (KHTML, like Gecko) "
     "Mobile Safari/534.31"},
    {0.10, true,
     "Mozilla/5.0 (Linux; Android 4.2.2; Nexus 7) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/30.0 Safari/537.36"},
};

static void init_tags(struct qbid_replay_audience *audience)
{
    double tagged = 1;
    for (uint32_t i = 0; i < QBID_REPLAY_AUDIENCE_TAGS; i++) {
        audience->tag_share[i] = 0.5 / sqrt(i + 1.0);
        audience->tag_effect[i] =
            i < TAGS_WITH_EFFECT
                ? qbid_replay_draw_factor(audience->seed, EFFECT_TAG, i, 0, DEVIATION_TAG)
                : 1.0;
        tagged *= 1 + audience->tag_share[i] * (audience->tag_effect[i] - 1);
    }
    audience->mean_effect = TAGGED_SHARE * tagged + (1 - TAGGED_SHARE);
}

void qbid_replay_audience_init(struct qbid_replay_audience *audience, uint64_t seed,
                               uint32_t mobile_ppm)
{
    double mobile = mobile_ppm / 1e6, total = 0, region_mean = 0;
    *audience = (struct qbid_replay_audience){.seed = seed};
    init_tags(audience);
    for (uint32_t i = 0; i < QBID_REPLAY_AUDIENCE_REGIONS; i++) {
        audience->region_share[i] = pow(i + 1.0, -REGION_SKEW);
        audience->region_effect[i] =
            qbid_replay_draw_factor(seed, EFFECT_REGION, i, 0, DEVIATION_REGION);
        total += audience->region_share[i];
    }
    for (uint32_t i = 0; i < QBID_REPLAY_AUDIENCE_REGIONS; i++) {
        audience->region_share[i] /= total;
        region_mean += audience->region_share[i] * audience->region_effect[i];
    }
    audience->mean_effect *= region_mean;
    for (uint32_t i = 0; i < QBID_REPLAY_AUDIENCE_DEVICES; i++) {
        audience->device_share[i] = devices[i].share * (devices[i].mobile ? mobile : 1 - mobile);
        audience->device_effect[i] =
            qbid_replay_draw_factor(seed, EFFECT_DEVICE, i, 0, DEVIATION_DEVICE);
    }
}

static double unit(const struct qbid_replay_audience *audience, uint32_t use, uint64_t number)
{
    return qbid_replay_draw_unit(qbid_replay_draw_word(audience->seed, use, number, 0));
}

static uint32_t choose(const double *shares, uint32_t cnt, double point)
{
    uint32_t i = 0;
    while (i + 1 < cnt && point >= shares[i])
        point -= shares[i++];
    return i;
}

void qbid_replay_audience_query(const struct qbid_replay_audience *audience, uint64_t number,
                                struct qbid_replay_person *ret_person)
{
    struct qbid_replay_person person = {.number = number};
    person.region = choose(audience->region_share, QBID_REPLAY_AUDIENCE_REGIONS,
                           unit(audience, USE_REGION, number));
    person.device = choose(audience->device_share, QBID_REPLAY_AUDIENCE_DEVICES,
                           unit(audience, USE_DEVICE, number));
    /* Low numbers are the big cities. */
    double spread = unit(audience, USE_CITY, number);
    person.city = (uint32_t)(spread * spread * CITIES_PER_REGION);
    person.effect = audience->region_effect[person.region];
    if (unit(audience, USE_TAGGED, number) < TAGGED_SHARE) {
        for (uint32_t i = 0; i < QBID_REPLAY_AUDIENCE_TAGS; i++) {
            uint64_t word = qbid_replay_draw_word(audience->seed, USE_TAG, number, i);
            if (qbid_replay_draw_unit(word) < audience->tag_share[i]) {
                person.tags |= UINT64_C(1) << i;
                person.effect *= audience->tag_effect[i];
            }
        }
    }
    *ret_person = person;
}

const char *qbid_replay_audience_ua(uint32_t device)
{
    return devices[device].ua;
}
