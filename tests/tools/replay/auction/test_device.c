/* SPDX-License-Identifier: Apache-2.0 */
/* User agents as they are in the logs, and a few that mislead. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "tools/replay/auction/device.h"

static void user_agents_tell_device_and_system(void **state)
{
    static const struct {
        const char *ua;
        int type;
        const char *os;
    } cases[] = {
        {"Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0)", 2, "Windows"},
        {"Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Tablet PC 2.0)", 2, "Windows"},
        {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_8_5) Safari/536.30.1", 2, "macOS"},
        {"Mozilla/5.0 (X11; Linux x86_64) Chrome/30.0 Safari/537.36", 2, "Linux"},
        {"Mozilla/5.0 (iPhone; CPU iPhone OS 7_0 like Mac OS X) Mobile/11A465", 4, "iOS"},
        {"Mozilla/5.0 (iPad; CPU OS 7_0_2 like Mac OS X) Mobile/11A501", 5, "iOS"},
        {"Mozilla/5.0 (Linux; U; Android 4.0.3; zh-cn; LG-P880) Mobile Safari/533.1", 4, "Android"},
        {"Mozilla/5.0 (Linux; Android 4.2.2; Nexus 7) Safari/537.36", 5, "Android"},
        {"Mozilla/5.0 (compatible; MSIE 9.0; Windows Phone OS 7.5; IEMobile/9.0)", 4,
         "Windows Phone"},
        {"windows_ie", 2, "Windows"},
        {"mac_safari", 2, "macOS"},
        {"android_safari", 4, "Android"},
        {"linux_chrome", 2, "Linux"},
        {"other_other", 2, NULL},
        {"Opera/9.80 (J2ME/MIDP; Opera Mobile)", 4, NULL},
        {"", 2, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qbid_replay_span ua = {cases[i].ua, strlen(cases[i].ua)};
        struct qbid_replay_device device = qbid_replay_device_query(ua);
        assert_int_equal(device.type, cases[i].type);
        assert_string_equal(device.os ? device.os : "-", cases[i].os ? cases[i].os : "-");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(user_agents_tell_device_and_system)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
