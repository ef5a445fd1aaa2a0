/* SPDX-License-Identifier: Apache-2.0 */
/* The document tree: places, refusals, limits, and scalars read strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/config/yaml.h"
#include "shm/error.h"

static struct qbid_yaml *parse(const char *text)
{
    struct qbid_problems problems = {.file = "f"};
    struct qbid_yaml *yaml;
    int err = qbid_yaml_new(text, strlen(text), &problems, &yaml);
    if (err)
        fail_msg("%d: %s", err, problems.problem[0].text);
    return yaml;
}

/* Refused with a text that holds `part` in that line. */
static void refused(const char *text, size_t len, const char *part, uint32_t line)
{
    struct qbid_problems problems = {.file = "f"};
    struct qbid_yaml *yaml = NULL;
    assert_true(qbid_yaml_new(text, len, &problems, &yaml) < 0);
    assert_null(yaml);
    assert_int_equal(problems.cnt, 1);
    if (!strstr(problems.problem[0].text, part))
        fail_msg("'%s' is not in '%s'", part, problems.problem[0].text);
    assert_int_equal(problems.problem[0].line, line);
}

static void every_node_knows_where_it_stood(void **state)
{
    (void)state;
    struct qbid_yaml *yaml = parse("a: 1\nb:\n  - x\n  - {c: \"2\", d: [3, 4]}\n");
    const struct qbid_yaml_node *root = qbid_yaml_root(yaml);
    assert_int_equal(root->kind, QBID_YAML_MAP);
    assert_int_equal(root->child_cnt, 2);
    const struct qbid_yaml_node *b = qbid_yaml_find(root, "b");
    assert_int_equal(b->line, 2);
    assert_int_equal(b->column, 1);
    assert_int_equal(b->child->line, 3);
    assert_int_equal(b->child->column, 5);
    const struct qbid_yaml_node *c = qbid_yaml_find(b->child->next, "c");
    assert_string_equal(c->text, "2");
    assert_false(c->plain);
    assert_int_equal(c->line, 4);
    assert_int_equal(c->column, 6);
    assert_int_equal(qbid_yaml_find(b->child->next, "d")->child_cnt, 2);
    assert_true(qbid_yaml_find(root, "a")->plain);
    assert_null(qbid_yaml_find(root, "z"));
    assert_null(qbid_yaml_find(b, "a"));
    qbid_yaml_free(yaml);
}

static void json_is_read_as_well(void **state)
{
    (void)state;
    struct qbid_yaml *yaml = parse("{\n\t\"a\": {\"b\": [1.50, \"\\u00e9\\/\\n\"], \"n\": null}}");
    const struct qbid_yaml_node *list = qbid_yaml_find_path(qbid_yaml_root(yaml), "a.b");
    assert_string_equal(list->child->text, "1.50");
    assert_string_equal(list->child->next->text, "\xc3\xa9/\n");
    assert_true(qbid_yaml_null(qbid_yaml_find_path(qbid_yaml_root(yaml), "a.n")));
    assert_null(qbid_yaml_find_path(qbid_yaml_root(yaml), "a.b.c"));
    qbid_yaml_free(yaml);
}

static void what_could_surprise_is_refused(void **state)
{
    (void)state;
#define REFUSED(text, part, line) refused(text, sizeof text - 1, part, line)
    REFUSED("a: &x 1\nb: 2\n", "anchors", 1);
    REFUSED("a: 1\nb: *x\n", "aliases", 2);
    REFUSED("a: !!int 1\n", "tags", 1);
    REFUSED("a: &x {b: 1}\n", "anchors", 1);
    REFUSED("<<: {b: 1}\n", "merge", 1);
    REFUSED("a: 1\nb: 2\na: 3\n", "repeated", 3);
    REFUSED("a: 1\n---\nb: 2\n", "second document", 2);
    REFUSED("? [a]\n: 1\n", "plain word", 1);
    REFUSED("a: [1\nb: 2\n", "not YAML", 2);
    REFUSED("a: \"x\\0y\"\n", "zero byte", 1);
    REFUSED("a: \"\xff\"\n", "not YAML", 1);
    REFUSED("a:\n\tb: 1\n", "not YAML", 2);
#undef REFUSED
}

static void a_file_over_the_limits_is_refused(void **state)
{
    (void)state;
    char *deep = calloc(1, 4096);
    memset(deep, '[', QBID_YAML_DEPTH_MAX + 1);
    refused(deep, strlen(deep), "too deeply", 1);
    free(deep);

    size_t len = 0;
    char *wide = malloc(QBID_YAML_KEYS_MAX * 16 + 16);
    for (unsigned i = 0; i <= QBID_YAML_KEYS_MAX; i++)
        len += (size_t)sprintf(wide + len, "k%u: 1\n", i);
    refused(wide, len, "too many keys", QBID_YAML_KEYS_MAX + 1);
    free(wide);

    struct qbid_problems problems = {.file = "f"};
    struct qbid_yaml *yaml;
    char *big = calloc(1, (size_t)QBID_YAML_BYTES_MAX + 1);
    assert_int_equal(qbid_yaml_new(big, (size_t)QBID_YAML_BYTES_MAX + 1, &problems, &yaml),
                     QBID_ERR_LIMIT);
    free(big);
}

static void an_empty_document_has_no_root(void **state)
{
    (void)state;
    struct qbid_yaml *yaml = parse("# nothing\n");
    assert_null(qbid_yaml_root(yaml));
    qbid_yaml_free(yaml);
}

static void scalars_are_read_strictly(void **state)
{
    (void)state;
    struct qbid_yaml *yaml =
        parse("[18446744073709551615, 18446744073709551616, 3x, -3, \"\", 1e3, nan, 0x10, yes, "
              "maybe, ~, \"~\", 1e400, [1]]");
    const struct qbid_yaml_node *n[14], *child = qbid_yaml_root(yaml)->child;
    for (int i = 0; i < 14; i++, child = child->next)
        n[i] = child;
    uint64_t u = 0;
    double d = 0;
    bool b = false;
    assert_true(qbid_yaml_uint(n[0], &u));
    assert_true(u == UINT64_MAX);
    for (int i = 1; i < 14; i++)
        assert_false(qbid_yaml_uint(n[i], &u));
    assert_true(qbid_yaml_double(n[3], &d));
    assert_true(d == -3);
    assert_true(qbid_yaml_double(n[5], &d));
    assert_true(d == 1000);
    const int not_real[] = {2, 4, 6, 7, 8, 9, 12, 13};
    for (size_t i = 0; i < sizeof not_real / sizeof not_real[0]; i++)
        assert_false(qbid_yaml_double(n[not_real[i]], &d));
    assert_true(qbid_yaml_bool(n[8], &b));
    assert_true(b);
    assert_false(qbid_yaml_bool(n[9], &b));
    assert_true(qbid_yaml_null(n[10]));
    assert_false(qbid_yaml_null(n[11]));
    assert_false(qbid_yaml_null(n[13]));
    qbid_yaml_free(yaml);
}

static void a_missing_file_is_a_system_error(void **state)
{
    (void)state;
    char *text;
    size_t len;
    assert_int_equal(qbid_yaml_read_file("tests/control/config/none", &text, &len), QBID_ERR_SYS);
    assert_int_equal(qbid_yaml_read_file("tests/control/config", &text, &len), QBID_ERR_SYS);
    assert_int_equal(qbid_yaml_read_file("tests/control/config/test_yaml.c", &text, &len), 0);
    assert_int_equal(strlen(text), len);
    assert_memory_equal(text, "/* SPDX", 7);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_knows_where_it_stood),
        cmocka_unit_test(json_is_read_as_well),
        cmocka_unit_test(what_could_surprise_is_refused),
        cmocka_unit_test(a_file_over_the_limits_is_refused),
        cmocka_unit_test(an_empty_document_has_no_root),
        cmocka_unit_test(scalars_are_read_strictly),
        cmocka_unit_test(a_missing_file_is_a_system_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
