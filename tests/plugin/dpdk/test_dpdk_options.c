/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of qbid-dpdk, what EAL is told, rates, and the sweeping of runtime folders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin/dpdk/json_id.h"
#include "plugin/dpdk/options.h"
#include "plugin/dpdk/runtime.h"
#include "plugin/dpdk/throttle.h"
#include "shm/error.h"

#define WORDS_MAX 32

static struct qbid_dpdk_options options;
static char why[QBID_DPDK_WHY_MAX];

/* Words of a line as argv. */
static int split(const char *line, char *buffer, char **argv)
{
    int n = 0;
    strcpy(buffer, line);
    for (char *save, *word = strtok_r(buffer, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[n++] = word;
    argv[n] = NULL;
    return n;
}

static int read_line(const char *line)
{
    static char buffer[1024];
    char *argv[WORDS_MAX];
    memset(&options, 0, sizeof options);
    *why = '\0';
    return qbid_dpdk_options_read(split(line, buffer, argv), argv, &options, why);
}

#define BASE "p --ip 10.1.0.2 --notice-url https://a.example/n --socket /s "

static void options_are_read_with_their_defaults(void **state)
{
    (void)state;
    assert_int_equal(read_line(BASE), 0);
    assert_int_equal(options.ip_cnt, 1);
    assert_int_equal(options.ip[0], 0x0a010002);
    assert_int_equal(options.station.port, 7788);
    assert_int_equal(options.mtu, 1500);
    assert_int_equal(options.drain_ms, 1000);
    assert_int_equal(read_line(BASE "--port=99 --mtu 9000 --allow 10.0.0.0/8 --allow=0.0.0.0/0 "
                                    "--ip 10.1.0.3 --no-rx-checksum --exchange 2 --idle-us 5"),
                     0);
    assert_int_equal(options.station.port, 99);
    assert_int_equal(options.mtu, 9000);
    assert_int_equal(options.ip_cnt, 2);
    assert_int_equal(options.station.allowed_cnt, 2);
    assert_int_equal(options.station.allowed[0].mask, 0xff000000);
    assert_int_equal(options.station.allowed[1].mask, 0);
    assert_true(options.station.udp_unchecked);
    assert_string_equal(options.exchange, "2");
    assert_int_equal(read_line("p --ask /x"), 0);
    assert_null(options.ask_what);
    assert_int_equal(read_line("p --ask /x prometheus"), 0);
    assert_string_equal(options.ask_what, "prometheus");
    assert_int_equal(read_line("p --help"), 0);
    assert_non_null(strstr(qbid_dpdk_help(), "--no-rx-checksum"));
}

static void every_error_names_its_option(void **state)
{
    static const char *const cases[][2] = {
        {"p", "--ip: is required"},
        {"p --ip 10.1.0.2", "--notice-url: is required"},
        {"p --ip 10.1.0.2 --notice-url u", "--socket: is required, or --image"},
        {"p --ip 10.1.0", "--ip: must be"},
        {"p --ip 224.0.0.1", "--ip: must be"},
        {"p --ip 127.0.0.1", "--ip: must be"},
        {"p --ip 0.0.0.0", "--ip: must be"},
        {BASE "--ip 10.1.0.2", "--ip: two ports"},
        {BASE "--port 0", "--port: must be a number from 1 to 65535"},
        {BASE "--port 65536", "--port: must be"},
        {BASE "--port 1x", "--port: must be"},
        {BASE "--port -1", "--port: must be"},
        {BASE "--port=", "--port: must not be empty"},
        {BASE "--mtu 575", "--mtu: must be a number from 576 to 9000"},
        {BASE "--allow 10.0.0.1/8", "--allow: must be a network"},
        {BASE "--allow 10.0.0.0", "--allow: must be"},
        {BASE "--allow 10.0.0.0/33", "--allow: must be"},
        {BASE "--allow 10.0.0.0/", "--allow: must be"},
        {BASE "--allow 100.100.100.100.1/8", "--allow: must be"},
        {BASE "--frobnicate", "--frobnicate: no such option"},
        {BASE "--ipp 1", "--ipp: no such option"},
        {BASE "stray", "stray: is no option"},
        {BASE "--no-rx-checksum=1", "--no-rx-checksum: takes no value"},
        {BASE "--mtu", "--mtu: needs a value"},
        {"p --ask /x xml", "--ask: json or prometheus"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(read_line(cases[i][0]), QBID_ERR_PARSE);
        if (strncmp(why, cases[i][1], strlen(cases[i][1])) != 0)
            fail_msg("%s: %s", cases[i][0], why);
    }
}

static const char *eal(const char *line)
{
    static char buffer[1024], joined[1024], prefix[] = "--file-prefix=qbid-7";
    char *argv[WORDS_MAX], *out[WORDS_MAX + QBID_DPDK_EAL_ADDED_MAX + 1];
    int n = qbid_dpdk_eal_args(split(line, buffer, argv), argv, prefix, out, why);
    if (n < 0)
        return NULL;
    *joined = '\0';
    for (int i = 0; i < n; i++) {
        strcat(joined, i ? " " : "");
        strcat(joined, out[i]);
    }
    assert_null(out[n]);
    return joined;
}

static void eal_is_told_to_leave_nothing_behind(void **state)
{
    (void)state;
    assert_string_equal(eal("p -l 0"), "p --file-prefix=qbid-7 --in-memory -l 0");
    assert_string_equal(eal("p --no-huge -m 64"),
                        "p --file-prefix=qbid-7 --no-shconf --no-huge -m 64");
    assert_string_equal(eal("p --file-prefix x --huge-unlink=never"),
                        "p --file-prefix x --huge-unlink=never");
    assert_string_equal(eal("p --in-memory --file-prefix=y"), "p --in-memory --file-prefix=y");
    assert_null(eal("p --proc-type=secondary"));
    assert_null(eal("p --proc-type auto"));
    assert_non_null(strstr(why, "primary process"));
}

static void a_throttle_lets_its_rate_and_burst_through(void **state)
{
    struct qbid_throttle t = qbid_throttle_init(1000, 32);
    unsigned passed = 0;
    uint64_t now_ns = 5000000000;
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        passed += qbid_throttle_pass(&t, now_ns);
    assert_int_equal(passed, 32);
    for (unsigned us = 0; us < 1000000; us++) /* a second, a million asked */
        passed += qbid_throttle_pass(&t, now_ns += 1000);
    assert_int_equal(passed, 32 + 1000);
    for (unsigned i = 0; i < 100; i++) /* after silence a burst, and no more */
        passed += qbid_throttle_pass(&t, now_ns + 60000000000);
    assert_int_equal(passed, 32 + 1000 + 32);
    t = qbid_throttle_init(0, 32);
    assert_false(qbid_throttle_pass(&t, now_ns));
}

static void assert_id(const char *body, const char *want)
{
    const char *at = "";
    char *copy = malloc(strlen(body) + 1);
    memcpy(copy, body, strlen(body));
    size_t len = qbid_json_id(copy, strlen(body), &at);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(at, want, len);
    free(copy);
}

static void the_id_of_a_request_is_the_outermost_one(void **state)
{
    (void)state;
    assert_id("{\"id\":\"a\"}", "\"a\"");
    assert_id(" { \"id\" : \"a\\\"b\" , \"x\":1}", "\"a\\\"b\"");
    assert_id("{\"imp\":[{\"id\":\"1\"}],\"s\":\"{\\\"id\\\":2\",\"id\":\"r\"}", "\"r\"");
    assert_id("{\"x\":\"id\",\"id\":17}", "17");
    assert_id("{\"imp\":[{\"id\":\"1\"}]}", "");
    assert_id("{\"id\":null}", "");
    assert_id("{\"id\":[\"a\"]}", "");
    assert_id("{\"id\":\"never closed", "");
    assert_id("{\"id\"", "");
    assert_id("{\"id\":", "");
    assert_id("\"", "");
    assert_id("\"\\", "");
    assert_id("", "");
}

/* --- runtime folders */

static int make_folder(const char *base, const char *name, int listening)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char path[96];
    snprintf(path, sizeof path, "%s/%s", base, name);
    assert_int_equal(mkdir(path, 0700), 0);
    int n = snprintf(a.sun_path, sizeof a.sun_path, "%s/dpdk_telemetry.v2", path);
    assert_true(n > 0 && (size_t)n < sizeof a.sun_path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof a), 0);
    if (listening) {
        assert_int_equal(listen(fd, 1), 0);
        return fd;
    }
    close(fd); /* what a killed process leaves: the socket's file */
    return -1;
}

static int exists(const char *base, const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", base, name);
    return access(path, F_OK) == 0;
}

static void folders_of_dead_processes_are_swept_and_no_others(void **state)
{
    char base[] = "/tmp/qbid-test-XXXXXX", own[96];
    (void)state;
    assert_non_null(mkdtemp(base));
    make_folder(base, "qbid-101", 0);
    make_folder(base, "rte", 0);
    make_folder(base, "qbid-mine", 0);
    int alive = make_folder(base, "qbid-102", 1);
    int us = make_folder(base, "qbid-103", 1);
    snprintf(own, sizeof own, "%s/qbid-103", base);
    assert_int_equal(qbid_runtime_sweep(own), 1);
    assert_false(exists(base, "qbid-101"));
    assert_true(exists(base, "rte"));
    assert_true(exists(base, "qbid-mine"));
    assert_true(exists(base, "qbid-102"));
    assert_true(exists(base, "qbid-103"));
    qbid_runtime_remove(own);
    assert_false(exists(base, "qbid-103"));
    snprintf(own, sizeof own, "%s/qbid-mine", base);
    qbid_runtime_remove(own);
    assert_true(exists(base, "qbid-mine"));
    close(alive);
    close(us);
    snprintf(own, sizeof own, "rm -rf %s", base);
    assert_int_equal(system(own), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_read_with_their_defaults),
        cmocka_unit_test(every_error_names_its_option),
        cmocka_unit_test(eal_is_told_to_leave_nothing_behind),
        cmocka_unit_test(a_throttle_lets_its_rate_and_burst_through),
        cmocka_unit_test(the_id_of_a_request_is_the_outermost_one),
        cmocka_unit_test(folders_of_dead_processes_are_swept_and_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
