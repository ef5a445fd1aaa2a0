/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for the words that tell devices apart; the first rule that matches decides. */
#include "tools/replay/auction/device.h"

#include <stddef.h>
#include <strings.h>

static bool has(struct qbid_replay_span text, struct qbid_replay_span word)
{
    for (size_t i = 0; i + word.len <= text.len; i++)
        if (strncasecmp(text.at + i, word.at, word.len) == 0)
            return true;
    return false;
}

struct qbid_replay_device qbid_replay_device_query(struct qbid_replay_span ua)
{
    /* "Windows" comes before "Mobile" and "Tablet": desktop user agents say "Tablet PC". */
    static const struct {
        struct qbid_replay_span word;
        struct qbid_replay_device device;
    } rules[] = {
        {{"iPad", 4}, {QBID_REPLAY_DEVICE_TABLET, "iOS"}},
        {{"iPhone", 6}, {QBID_REPLAY_DEVICE_PHONE, "iOS"}},
        {{"iPod", 4}, {QBID_REPLAY_DEVICE_PHONE, "iOS"}},
        {{"Windows Phone", 13}, {QBID_REPLAY_DEVICE_PHONE, "Windows Phone"}},
        {{"Windows", 7}, {QBID_REPLAY_DEVICE_PC, "Windows"}},
        {{"Macintosh", 9}, {QBID_REPLAY_DEVICE_PC, "macOS"}},
        {{"mac_", 4}, {QBID_REPLAY_DEVICE_PC, "macOS"}},
        {{"android_", 8}, {QBID_REPLAY_DEVICE_PHONE, "Android"}},
        {{"Linux", 5}, {QBID_REPLAY_DEVICE_PC, "Linux"}},
        {{"Mobile", 6}, {QBID_REPLAY_DEVICE_PHONE, NULL}},
    };
    if (has(ua, QBID_REPLAY_SPAN("Android ")) || has(ua, QBID_REPLAY_SPAN("Android;"))) {
        bool is_phone = has(ua, QBID_REPLAY_SPAN("Mobile"));
        return (struct qbid_replay_device){
            is_phone ? QBID_REPLAY_DEVICE_PHONE : QBID_REPLAY_DEVICE_TABLET, "Android"};
    }
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (has(ua, rules[i].word))
            return rules[i].device;
    return (struct qbid_replay_device){QBID_REPLAY_DEVICE_PC, NULL};
}
