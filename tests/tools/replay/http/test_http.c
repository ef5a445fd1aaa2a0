/* SPDX-License-Identifier: Apache-2.0 */
/* URLs, and answers however the bytes are cut. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "tools/replay/http/http.h"

static void urls_are_taken_apart(void **state)
{
    static const struct {
        const char *url, *origin, *host, *port, *path;
    } cases[] = {
        {"http://127.0.0.1:8080/bid", "http://127.0.0.1:8080", "127.0.0.1", "8080", "/bid"},
        {"http://ads.example/n?t=a/b&u=:1", "http://ads.example", "ads.example", "",
         "/n?t=a/b&u=:1"},
        {"https://h", "https://h", "h", "", ""},
        {"http://h?x=1#top", "http://h", "h", "", "?x=1"},
        {"http://[::1]:80/", "http://[::1]:80", "[::1]", "80", "/"},
        {"HTTP://H/", "HTTP://H", "H", "", "/"},
        {"/n?t=1#f", "", "", "", "/n?t=1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qbid_replay_url url;
        char text[4][64];
        assert_int_equal(qbid_replay_url_parse(cases[i].url, strlen(cases[i].url), &url), 0);
        const struct qbid_replay_span parts[] = {url.origin, url.host, url.port, url.path};
        for (int k = 0; k < 4; k++) {
            memcpy(text[k], parts[k].at ? parts[k].at : "", parts[k].len);
            text[k][parts[k].len] = '\0';
        }
        assert_string_equal(text[0], cases[i].origin);
        assert_string_equal(text[1], cases[i].host);
        assert_string_equal(text[2], cases[i].port);
        assert_string_equal(text[3], cases[i].path);
    }
}

static void bad_urls_are_refused(void **state)
{
    static const char *const cases[] = {"",
                                        "ftp://h/",
                                        "h/path",
                                        "http://",
                                        "http:///p",
                                        "//h/p",
                                        "http://h:/p",
                                        "http://h:p/",
                                        "http://h:99999999/",
                                        "http://[::1/p",
                                        "http://h/a b",
                                        "http://h/\r\nX: 1",
                                        "http://h/\xC3\xA9",
                                        "#f",
                                        "http://:80/"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qbid_replay_url url;
        assert_int_equal(qbid_replay_url_parse(cases[i], strlen(cases[i]), &url), QBID_ERR_PARSE);
    }
}

/* Gives the first `have` bytes in pieces of `step`; a fresh buffer each time, so that a read past
 * what has arrived is seen by the sanitizer. */
static int feed(const char *text, size_t have, size_t step, bool at_end,
                struct qbid_replay_http *http, char **ret_buffer)
{
    char *buffer = NULL;
    size_t len = 0;
    int result = 0;
    *http = (struct qbid_replay_http){0};
    while (len < have && result == 0) {
        size_t piece = have - len < step ? have - len : step;
        char *grown = malloc(len + piece);
        assert_non_null(grown);
        if (len)
            memcpy(grown, buffer, len);
        memcpy(grown + len, text + len, piece);
        free(buffer);
        buffer = grown;
        len += piece;
        result = qbid_replay_http_read(http, buffer, len, false);
    }
    if (result == 0 && at_end)
        result = qbid_replay_http_read(http, buffer, len, true);
    *ret_buffer = buffer;
    return result;
}

struct answer {
    const char *text;
    int status;
    const char *body;
    bool close;
    bool until_close; /* the end of the connection ends it */
};

static const struct answer answers[] = {
    {"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", 204, "", false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", false, false},
    {"HTTP/1.1 200\r\ncontent-length:  5  \r\n\r\nhello", 200, "hello", false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 200, "", true, false},
    {"HTTP/1.0 404 Not Found\r\nContent-Length: 2\r\n\r\nno", 404, "no", true, false},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!",
     200, "!", false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
     200, "hello", false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n",
     200, "0123456789", false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n", 200,
     "\r\n\r\n", false, false},
    {"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 302, "", false, false},
    {"HTTP/1.1 200 OK\r\n\r\nto the end", 200, "to the end", true, true},
};

static void answers_are_read_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        size_t len = strlen(answers[i].text);
        for (size_t step = 1; step <= len; step++) {
            struct qbid_replay_http http;
            char *buffer;
            assert_int_equal(
                feed(answers[i].text, len, step, answers[i].until_close, &http, &buffer), 1);
            assert_int_equal(http.status, answers[i].status);
            assert_int_equal(http.close, answers[i].close);
            assert_int_equal(http.body_len, strlen(answers[i].body));
            assert_memory_equal(buffer + http.body_at, answers[i].body, http.body_len);
            assert_int_equal(http.used, len);
            free(buffer);
        }
    }
}

static void a_cut_answer_is_noticed_wherever_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (answers[i].until_close)
            continue;
        for (size_t have = 1; have < strlen(answers[i].text); have++) {
            struct qbid_replay_http http;
            char *buffer;
            assert_int_equal(feed(answers[i].text, have, have, false, &http, &buffer), 0);
            free(buffer);
            assert_int_equal(feed(answers[i].text, have, have, true, &http, &buffer),
                             QBID_ERR_CLOSED);
            free(buffer);
        }
    }
}

static void bytes_after_the_answer_are_left_alone(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500";
    struct qbid_replay_http http;
    char *buffer;
    (void)state;
    assert_int_equal(feed(text, sizeof text - 1, sizeof text - 1, false, &http, &buffer), 1);
    assert_int_equal(http.body_len, 2);
    assert_int_equal(http.used, sizeof text - 1 - 12);
    free(buffer);
}

static void what_is_not_http_is_refused(void **state)
{
    static const char *const cases[] = {
        "HTTP/2 200 OK\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qbid_replay_http http;
        char *buffer;
        assert_int_equal(feed(cases[i], strlen(cases[i]), 1000, false, &http, &buffer),
                         QBID_ERR_PARSE);
        free(buffer);
    }
}

static void an_answer_over_the_limit_is_refused(void **state)
{
    static const char *const heads[] = {"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                        "fffffff\r\n"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct qbid_replay_http http;
        char *buffer;
        assert_int_equal(feed(heads[i], strlen(heads[i]), 1000, false, &http, &buffer),
                         QBID_ERR_LIMIT);
        free(buffer);
    }
    char *endless = calloc(1, QBID_REPLAY_HTTP_ANSWER_MAX);
    struct qbid_replay_http http = {0};
    assert_non_null(endless);
    assert_int_equal(qbid_replay_http_read(&http, endless, QBID_REPLAY_HTTP_ANSWER_MAX - 1, false),
                     0);
    assert_int_equal(qbid_replay_http_read(&http, endless, QBID_REPLAY_HTTP_ANSWER_MAX, false),
                     QBID_ERR_LIMIT);
    free(endless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_taken_apart),
        cmocka_unit_test(bad_urls_are_refused),
        cmocka_unit_test(answers_are_read_in_pieces_of_any_size),
        cmocka_unit_test(a_cut_answer_is_noticed_wherever_it_is_cut),
        cmocka_unit_test(bytes_after_the_answer_are_left_alone),
        cmocka_unit_test(what_is_not_http_is_refused),
        cmocka_unit_test(an_answer_over_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
