/* SPDX-License-Identifier: Apache-2.0 */
/* Merged Prometheus texts hold every sample once, labelled, and every metric in one place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/status/status_merge.h"

#define OUT_MAX 65536

static char out[OUT_MAX];

static struct qbid_status_text text(const char *at, unsigned process)
{
    return (struct qbid_status_text){.at = at, .bytes = strlen(at), .process = process};
}

static const char *merge(struct qbid_status_text *texts, unsigned n)
{
    size_t bytes;

    memset(out, 'Z', sizeof(out));
    assert_true(qbid_status_merge_bound(texts, n) < sizeof(out));
    bytes = qbid_status_merge(texts, n, out);
    assert_true(bytes <= qbid_status_merge_bound(texts, n));
    assert_int_equal(out[bytes], 'Z'); /* nothing behind what it says */
    out[bytes] = '\0';
    return out;
}

static void two_texts_alike_are_merged_metric_by_metric(void **state)
{
    struct qbid_status_text texts[] = {
        text("# HELP a x\n# TYPE a gauge\na 1\n# HELP b y z\n# TYPE b counter\nb{k=\"v w\"} 2\n",
             0),
        text("# HELP a x\n# TYPE a gauge\na 3\n# HELP b y z\n# TYPE b counter\nb{k=\"v w\"} 4\n",
             7)};

    (void)state;
    assert_string_equal(merge(texts, 2),
                        "# HELP a x\n# TYPE a gauge\na{process=\"0\"} 1\na{process=\"7\"} 3\n"
                        "# HELP b y z\n# TYPE b counter\nb{process=\"0\",k=\"v w\"} 2\n"
                        "b{process=\"7\",k=\"v w\"} 4\n");
}

static void a_metric_that_only_a_later_text_has_is_not_lost(void **state)
{
    struct qbid_status_text texts[] = {text("# HELP a x\na 1\n# HELP c x\nc 1\n", 1),
                                       text("# HELP c x\nc 2\n# HELP b x\nb 2\n", 2),
                                       text("# HELP b x\nb 3\n# HELP a x\na 3\n", 3)};

    (void)state;
    assert_string_equal(merge(texts, 3), "# HELP a x\na{process=\"1\"} 1\na{process=\"3\"} 3\n"
                                         "# HELP c x\nc{process=\"1\"} 1\nc{process=\"2\"} 2\n"
                                         "# HELP b x\nb{process=\"2\"} 2\nb{process=\"3\"} 3\n");
}

static void a_name_that_begins_like_another_is_another(void **state)
{
    struct qbid_status_text texts[] = {text("# TYPE ab gauge\nab 1\n# TYPE a gauge\na 1\n", 0),
                                       text("# TYPE a gauge\na 2\n# TYPE ab gauge\nab 2\n", 1)};

    (void)state;
    assert_string_equal(merge(texts, 2),
                        "# TYPE ab gauge\nab{process=\"0\"} 1\nab{process=\"1\"} 2\n"
                        "# TYPE a gauge\na{process=\"0\"} 1\na{process=\"1\"} 2\n");
}

static void no_text_and_empty_texts_give_nothing(void **state)
{
    struct qbid_status_text texts[] = {text("", 0), text("", 1)};

    (void)state;
    assert_string_equal(merge(texts, 0), "");
    assert_string_equal(merge(texts, 2), "");
}

static void a_metric_without_samples_keeps_its_lines(void **state)
{
    struct qbid_status_text texts[] = {
        text("# HELP a x\n# TYPE a gauge\n# HELP b x\n# TYPE b gauge\nb 1\n", 0),
        text("# HELP a x\n# TYPE a gauge\na 2\n# HELP b x\n# TYPE b gauge\nb 2\n", 1)};

    (void)state;
    assert_string_equal(merge(texts, 2),
                        "# HELP a x\n# TYPE a gauge\na{process=\"1\"} 2\n"
                        "# HELP b x\n# TYPE b gauge\nb{process=\"0\"} 1\nb{process=\"1\"} 2\n");
}

/* Texts of random subsets of ten metrics in random order; the oracle only counts lines. */
#define METRICS 10
#define TEXTS 6

static unsigned make_text(unsigned *seed, char *at, bool has[METRICS])
{
    unsigned order[METRICS], n = 0;

    for (unsigned i = 0; i < METRICS; i++)
        order[i] = i;
    for (unsigned i = METRICS - 1; i > 0; i--) {
        unsigned j = (unsigned)rand_r(seed) % (i + 1), other = order[i];

        order[i] = order[j];
        order[j] = other;
    }
    for (unsigned i = 0; i < METRICS; i++) {
        has[order[i]] = rand_r(seed) % 3 != 0;
        if (has[order[i]])
            n += (unsigned)sprintf(at + n,
                                   "# HELP m%u text\n# TYPE m%u gauge\nm%u{r=\"a\"} 1\nm%u 2\n",
                                   order[i], order[i], order[i], order[i]);
    }
    at[n] = '\0';
    return n;
}

static unsigned occurrences(const char *text_at, const char *needle)
{
    unsigned n = 0;

    for (const char *at = text_at; (at = strstr(at, needle)) != NULL; at++)
        n++;
    return n;
}

static void check_metric(const char *merged, unsigned metric, bool has[TEXTS][METRICS])
{
    char needle[64];
    unsigned holders = 0, groups = 0, labelled = 0;

    for (unsigned t = 0; t < TEXTS; t++) {
        holders += has[t][metric];
        snprintf(needle, sizeof(needle), "\nm%u{process=\"%u\",r=\"a\"} 1\n", metric, t);
        assert_int_equal(occurrences(merged, needle), has[t][metric]);
        snprintf(needle, sizeof(needle), "\nm%u{process=\"%u\"} 2\n", metric, t);
        assert_int_equal(occurrences(merged, needle), has[t][metric]);
        labelled += has[t][metric];
    }
    assert_int_equal(labelled, holders);
    snprintf(needle, sizeof(needle), "# TYPE m%u gauge\n", metric);
    groups = occurrences(merged, needle);
    assert_int_equal(groups, holders > 0);
    /* all its samples lie between its lines and the next metric's */
    for (const char *at = strstr(merged, needle); at != NULL && groups == 1; at = NULL) {
        const char *end = strstr(at, "\n# HELP");
        size_t bytes = end != NULL ? (size_t)(end - at) : strlen(at);
        char group[8192];

        assert_true(bytes < sizeof(group));
        memcpy(group, at, bytes);
        group[bytes] = '\0';
        snprintf(needle, sizeof(needle), "\nm%u{", metric);
        assert_int_equal(occurrences(group, needle), 2 * holders);
    }
}

static void random_texts_keep_every_sample_once(void **state)
{
    static char store[TEXTS][4096];
    unsigned seed = 1;

    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        struct qbid_status_text texts[TEXTS];
        bool has[TEXTS][METRICS];

        for (unsigned t = 0; t < TEXTS; t++) {
            make_text(&seed, store[t], has[t]);
            texts[t] = text(store[t], t);
        }
        merge(texts, TEXTS);
        memmove(out + 1, out, strlen(out) + 1);
        out[0] = '\n'; /* so that every line has one in front */
        for (unsigned m = 0; m < METRICS; m++)
            check_metric(out, m, has);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_texts_alike_are_merged_metric_by_metric),
        cmocka_unit_test(a_metric_that_only_a_later_text_has_is_not_lost),
        cmocka_unit_test(a_name_that_begins_like_another_is_another),
        cmocka_unit_test(no_text_and_empty_texts_give_nothing),
        cmocka_unit_test(a_metric_without_samples_keeps_its_lines),
        cmocka_unit_test(random_texts_keep_every_sample_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
