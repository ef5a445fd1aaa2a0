/* SPDX-License-Identifier: Apache-2.0 */
/* Our flat trees against XGBoost's own predictions and against its dump walked by hand; what they
 * learn; and that nothing damaged is taken back. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <xgboost/c_api.h>

#include "control/models/predict/trees.h"
#include "control/models/predict/ubj.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"

#define COLUMNS 5
#define ROWS 4000

/* Site (300 values, some rare), device, geo, hour, position. The rate depends on whether device and
 * geo are both odd or both even, which no single column shows, and on the site. */
static const uint32_t cardinality[COLUMNS] = {300, 8, 40, 168, 3};

static double truth(const uint32_t *v)
{
    return 0.02 * (v[1] % 2 == v[2] % 2 ? 3 : 1) * (v[0] % 3 == 0 ? 1.5 : 1);
}

static struct qbid_codebook_rows world(uint64_t seed)
{
    static uint32_t value[ROWS * COLUMNS];
    static double trials[ROWS], successes[ROWS];
    struct rng r = rng_init(seed);
    for (unsigned i = 0; i < ROWS; i++) {
        for (unsigned c = 0; c < COLUMNS; c++) {
            double u = rng_uniform(&r);
            value[i * COLUMNS + c] = (uint32_t)(u * u * cardinality[c]);
        }
        trials[i] = 1 + rng_below(&r, 100);
        successes[i] = rng_binomial(&r, (uint32_t)trials[i], truth(value + i * COLUMNS));
    }
    return (struct qbid_codebook_rows){value, trials, successes, ROWS, COLUMNS};
}

static struct qbid_trees grow(const struct qbid_codebook_rows *d, const struct qbid_trees_params *p,
                              struct qbid_trees_original *original)
{
    struct qbid_trees trees;
    char why[QBID_TREES_WHY_MAX] = "";
    int err = qbid_trees_grow(d, p, &trees, original, why);
    if (err)
        print_message("%s\n", why);
    assert_int_equal(err, 0);
    return trees;
}

/* --- XGBoost's own opinion */

static BoosterHandle original_load(const struct qbid_trees_original *original, unsigned half)
{
    BoosterHandle booster;
    assert_int_equal(XGBoosterCreate(NULL, 0, &booster), 0);
    assert_int_equal(XGBoosterSetParam(booster, "nthread", "1"), 0);
    assert_int_equal(
        XGBoosterLoadModelFromBuffer(booster, original->data[half], original->bytes[half]), 0);
    return booster;
}

/* A node of the JSON dump: "yes" is where codes below split_condition go, or those in it. */
static double dump_walk(const cJSON *node, const float *code)
{
    for (;;) {
        const cJSON *leaf = cJSON_GetObjectItem(node, "leaf");
        if (leaf)
            return leaf->valuedouble;
        const cJSON *condition = cJSON_GetObjectItem(node, "split_condition");
        const cJSON *category, *next = NULL, *child;
        float k = code[atoi(cJSON_GetObjectItem(node, "split")->valuestring + 1)];
        bool yes = !cJSON_IsArray(condition) && (double)k < condition->valuedouble;
        if (cJSON_IsArray(condition))
            cJSON_ArrayForEach(category, condition) yes = yes || category->valueint == (int)k;
        int id = cJSON_GetObjectItem(node, yes ? "yes" : "no")->valueint;
        cJSON_ArrayForEach(child, cJSON_GetObjectItem(node, "children")) next =
            cJSON_GetObjectItem(child, "nodeid")->valueint == id ? child : next;
        assert_non_null(next);
        node = next;
    }
}

/* Log odds that XGBoost's own model of a half, and its dump walked by hand, give to every row. */
static void theirs(const struct qbid_trees_half *half, BoosterHandle booster, const uint32_t *value,
                   double *ret_odds, double *ret_dump)
{
    static float code[ROWS * QBID_CODEBOOK_FEATURES_MAX];
    static const char *const all[] = {"f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9"};
    uint32_t n = half->book.feature_cnt;
    const char *names[10], *types[10];
    for (uint32_t f = 0; f < n; f++) {
        names[f] = all[f];
        types[f] = half->book.feature[f].by_name ? "c" : "q";
    }
    for (unsigned i = 0; i < ROWS; i++)
        for (uint32_t f = 0; f < n; f++)
            code[i * n + f] = qbid_codebook_code(&half->book, f, value + i * COLUMNS);
    char array[160];
    snprintf(array, sizeof array,
             "{\"data\":[%zu,true],\"shape\":[%d,%u],\"typestr\":\"<f4\",\"version\":3}",
             (size_t)(uintptr_t)code, ROWS, n);
    const bst_ulong *shape;
    bst_ulong dims, cnt;
    const float *margin;
    const char **dump;
    DMatrixHandle matrix;
    assert_int_equal(XGDMatrixCreateFromDense(array, "{\"missing\":NaN,\"nthread\":1}", &matrix),
                     0);
    assert_int_equal(XGDMatrixSetStrFeatureInfo(matrix, "feature_type", types, n), 0);
    assert_int_equal(
        XGBoosterPredictFromDMatrix(booster, matrix,
                                    "{\"type\":1,\"training\":false,\"iteration_begin\":0,"
                                    "\"iteration_end\":0,\"strict_shape\":false}",
                                    &shape, &dims, &margin),
        0);
    assert_int_equal(shape[0], ROWS);
    assert_int_equal(
        XGBoosterDumpModelExWithFeatures(booster, (int)n, names, types, 0, "json", &cnt, &dump), 0);
    for (unsigned i = 0; i < ROWS; i++) {
        ret_odds[i] += (double)margin[i] / QBID_TREES_HALVES;
        ret_dump[i] += half->start / QBID_TREES_HALVES;
    }
    for (bst_ulong t = 0; t < cnt; t++) {
        cJSON *tree = cJSON_Parse(dump[t]);
        assert_non_null(tree);
        for (unsigned i = 0; i < ROWS; i++)
            ret_dump[i] += dump_walk(tree, code + i * n) / QBID_TREES_HALVES;
        cJSON_Delete(tree);
    }
    XGDMatrixFree(matrix);
}

static void predictions_are_xgboosts_and_those_of_its_dump(void **state)
{
    (void)state;
    static double odds[ROWS], dump[ROWS];
    struct qbid_codebook_rows d = world(1);
    struct qbid_trees_params p = qbid_trees_defaults();
    struct qbid_trees_original original;
    struct qbid_trees trees = grow(&d, &p, &original);
    unsigned by_name = 0, numeric = 0;
    for (unsigned h = 0; h < QBID_TREES_HALVES; h++) {
        BoosterHandle booster = original_load(&original, h);
        theirs(&trees.half[h], booster, d.value, odds, dump);
        XGBoosterFree(booster);
        free(original.data[h]);
        for (uint32_t i = 0; i < trees.half[h].node_cnt; i++) {
            const struct qbid_trees_node *node = &trees.half[h].node[i];
            if (node->child[0] != node->child[1])
                *(trees.half[h].book.feature[node->feature].by_name ? &by_name : &numeric) += 1;
        }
    }
    assert_true(by_name > 20 && numeric > 20); /* both kinds of split are in it */
    double worst = 0, worst_dump = 0;
    for (unsigned i = 0; i < ROWS; i++) {
        double ours = qbid_trees_predict(&trees, d.value + i * COLUMNS);
        worst = fmax(worst, fabs(ours - 1 / (1 + exp(-odds[i]))));
        worst_dump = fmax(worst_dump, fabs(ours - 1 / (1 + exp(-dump[i]))));
    }
    print_message("trees: off XGBoost's predictions by at most %.1e, off its dump by %.1e\n", worst,
                  worst_dump);
    assert_true(worst < 1e-6 && worst_dump < 1e-6);
    qbid_trees_done(&trees);
}

/* Masks of leaves, a saved and restored model's as well, and depths that have none, give what a
 * walk from node to node gives, to the bit. */
static void masks_of_leaves_give_what_a_walk_gives(void **state)
{
    (void)state;
    struct qbid_codebook_rows d = world(2);
    for (uint32_t depth = 1; depth <= 6; depth++) {
        struct qbid_trees_params p = qbid_trees_defaults();
        p.depth = depth;
        p.rounds = 5 + 2 * depth; /* the last block is not full */
        struct qbid_trees trees = grow(&d, &p, NULL), walked;
        size_t bytes = qbid_trees_bytes(&trees);
        void *saved = malloc(bytes);
        assert_non_null(saved);
        qbid_trees_save(&trees, saved);
        assert_int_equal(qbid_trees_load(saved, bytes, &walked), 0);
        for (unsigned h = 0; h < QBID_TREES_HALVES; h++) {
            assert_true((trees.half[h].masks.alive != NULL) == (depth <= 5));
            assert_true((walked.half[h].masks.alive != NULL) == (depth <= 5));
            free(walked.half[h].masks.alive);
            walked.half[h].masks.alive = NULL;
        }
        for (unsigned i = 0; i < ROWS; i++)
            assert_true(qbid_trees_predict(&trees, d.value + i * COLUMNS) ==
                        qbid_trees_predict(&walked, d.value + i * COLUMNS));
        free(saved);
        qbid_trees_done(&trees);
        qbid_trees_done(&walked);
    }
}

static double loss_over_truth(const struct qbid_trees *trees, double constant)
{
    struct rng r = rng_init(99);
    double excess = 0;
    for (unsigned i = 0; i < 20000; i++) {
        uint32_t v[COLUMNS];
        for (unsigned c = 0; c < COLUMNS; c++) {
            double u = rng_uniform(&r);
            v[c] = (uint32_t)(u * u * cardinality[c]);
        }
        double p = truth(v), q = trees ? qbid_trees_predict(trees, v) : constant;
        excess += (p * log(p / q) + (1 - p) * log((1 - p) / (1 - q))) / 20000;
    }
    return excess;
}

static void interactions_are_learned(void **state)
{
    (void)state;
    double ours = 0, constant = 0;
    for (uint64_t seed = 20; seed < 23; seed++) {
        struct qbid_codebook_rows d = world(seed);
        struct qbid_trees_params p = qbid_trees_defaults();
        struct qbid_trees trees = grow(&d, &p, NULL);
        double good = 0, all = 0;
        for (unsigned i = 0; i < ROWS; i++) {
            good += d.successes[i];
            all += d.trials[i];
        }
        ours += loss_over_truth(&trees, 0) / 3;
        constant += loss_over_truth(NULL, good / all) / 3;
        qbid_trees_done(&trees);
    }
    print_message("trees: excess log-loss %.5f, one rate for all %.5f\n", ours, constant);
    assert_true(ours < 0.4 * constant);
}

static void *bytes_of(const struct qbid_trees *trees, size_t *ret_bytes)
{
    *ret_bytes = qbid_trees_bytes(trees);
    void *bytes = malloc(*ret_bytes);
    assert_non_null(bytes);
    qbid_trees_save(trees, bytes);
    return bytes;
}

static void the_same_data_and_seed_grow_the_same_trees(void **state)
{
    (void)state;
    struct qbid_codebook_rows d = world(4);
    struct qbid_trees_params p = qbid_trees_defaults();
    size_t n[3];
    void *bytes[3];
    for (unsigned k = 0; k < 3; k++) {
        p.seed = k == 2 ? 8 : 7;
        struct qbid_trees trees = grow(&d, &p, NULL);
        bytes[k] = bytes_of(&trees, &n[k]);
        qbid_trees_done(&trees);
    }
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(bytes[0], bytes[1], n[0]);
    assert_true(n[2] != n[0] || memcmp(bytes[0], bytes[2], n[0]) != 0);
    for (unsigned k = 0; k < 3; k++)
        free(bytes[k]);
}

static void restored_trees_predict_identically_and_damaged_ones_are_refused(void **state)
{
    (void)state;
    struct qbid_codebook_rows d = world(5);
    struct qbid_trees_params p = qbid_trees_defaults();
    struct qbid_trees trees = grow(&d, &p, NULL), back;
    size_t n = 0;
    uint8_t *bytes = bytes_of(&trees, &n);
    assert_int_equal(qbid_trees_load(bytes, n, &back), 0);
    for (unsigned i = 0; i < ROWS; i++)
        assert_true(qbid_trees_predict(&trees, d.value + i * COLUMNS) ==
                    qbid_trees_predict(&back, d.value + i * COLUMNS));
    qbid_trees_done(&back);
    assert_int_equal(qbid_trees_load(bytes, 3, &back), QBID_ERR_VERSION);
    assert_int_equal(qbid_trees_load(bytes, n - 1, &back), QBID_ERR_CORRUPT);
    bytes[0] ^= 1;
    assert_int_equal(qbid_trees_load(bytes, n, &back), QBID_ERR_VERSION);
    bytes[0] ^= 1;
    /* whatever else is flipped: refused, or a model that can be walked */
    struct rng r = rng_init(6);
    for (unsigned k = 0; k < 2000; k++) {
        size_t at = rng_below(&r, (uint32_t)(k % 2 ? n : 400));
        uint8_t was = bytes[at];
        bytes[at] = (uint8_t)rng_next(&r);
        if (qbid_trees_load(bytes, n, &back) == 0) {
            (void)qbid_trees_predict(&back, d.value + (k % ROWS) * COLUMNS);
            qbid_trees_done(&back);
        }
        bytes[at] = was;
    }
    free(bytes);
    qbid_trees_done(&trees);
}

static void bad_data_is_named(void **state)
{
    (void)state;
    struct qbid_codebook_rows d = world(7);
    struct qbid_trees_params p = qbid_trees_defaults();
    struct qbid_trees trees;
    char why[QBID_TREES_WHY_MAX];
    double trials[2] = {10, 10}, none[2] = {0, 0}, more[2] = {11, 0}, no_number[2] = {NAN, 1};
    struct qbid_codebook_rows small = {d.value, trials, none, 2, COLUMNS};
    assert_int_equal(qbid_trees_grow(&small, &p, &trees, NULL, why), QBID_ERR_INVAL);
    assert_non_null(strstr(why, "nothing to learn"));
    small.successes = more;
    assert_int_equal(qbid_trees_grow(&small, &p, &trees, NULL, why), QBID_ERR_INVAL);
    assert_non_null(strstr(why, "more successes than trials"));
    small.successes = no_number;
    assert_int_equal(qbid_trees_grow(&small, &p, &trees, NULL, why), QBID_ERR_INVAL);
    p.rounds = 0;
    assert_int_equal(qbid_trees_grow(&d, &p, &trees, NULL, why), QBID_ERR_INVAL);
    assert_non_null(strstr(why, "out of range"));
    p = qbid_trees_defaults();
    d.columns = QBID_CODEBOOK_COLUMNS_MAX + 1;
    assert_int_equal(qbid_trees_grow(&d, &p, &trees, NULL, why), QBID_ERR_INVAL);
}

static void codes_follow_the_shrunk_rate_and_few_values_have_names(void **state)
{
    (void)state;
    const uint32_t value[] = {5, 5, 9, 7, 0, 3000000, 6};
    const double trials[] = {1000, 1000, 1000, 10, 1000, 1000, 1000};
    const double successes[] = {40, 40, 10, 0, 20, 20, 500};
    const uint8_t use[] = {0, 0, 0, 0, 0, 0, 1};
    struct qbid_codebook_rows rows = {value, trials, successes, 7, 1};
    struct qbid_codebook book;
    assert_int_equal(qbid_codebook_fit(&rows, use, 0, &book), 0);
    assert_int_equal(book.feature_cnt, 2);
    const uint32_t asked[] = {5, 9, 7, 6, 8, 0, UINT32_MAX, 3000000};
    uint8_t rate[8], name[8];
    for (unsigned i = 0; i < 8; i++) {
        rate[i] = qbid_codebook_code(&book, 0, &asked[i]);
        name[i] = qbid_codebook_code(&book, 1, &asked[i]);
    }
    /* mean 130 / 5010; of value 5 expected 51.9, had 80: log(85 / 56.9) * 32 = 12.8 */
    assert_int_equal(rate[0], 128 + 13);
    assert_true(rate[1] < 128 && rate[2] == 126); /* little is known of 7 */
    assert_int_equal(rate[3], 128);               /* was in the other rows only */
    assert_int_equal(rate[4], 128);
    assert_int_equal(rate[6], 128);
    assert_int_equal(name[0], 1);
    assert_int_equal(name[2], 2);
    assert_int_equal(name[1], 3);
    assert_true(name[3] == 0 && name[4] == 0 && name[5] == 0 && name[7] == 0);
    qbid_codebook_done(&book);
    assert_int_equal(qbid_codebook_fit(&rows, use, 2, &book), QBID_ERR_INVAL);
}

static void growing_starts_no_thread(void **state)
{
    (void)state;
    struct qbid_codebook_rows d = world(8);
    struct qbid_trees_params p = qbid_trees_defaults();
    struct qbid_trees trees = grow(&d, &p, NULL);
    unsigned threads = 0;
    DIR *dir = opendir("/proc/self/task");
    assert_non_null(dir);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
        threads += e->d_name[0] != '.';
    closedir(dir);
    assert_int_equal(threads, 1);
    qbid_trees_done(&trees);
}

/* Documents cut short, types that do not fit: an error and never a read past the end. */
static void a_damaged_document_is_refused(void **state)
{
    (void)state;
    static const uint8_t document[] =
        "{L\0\0\0\0\0\0\0\1a[$l#L\0\0\0\0\0\0\0\2\0\0\0\5\xff\xff\xff\xff"
        "i\1b[#i\2Td\x3f\x80\0\0i\1cSi\3xyz}";
    const size_t n = sizeof document - 1;
    struct qbid_ubj all = {document, document + n}, v;
    struct qbid_ubj_array a;
    assert_int_equal(qbid_ubj_find(all, "a", &v), 0);
    assert_int_equal(qbid_ubj_array(v, &a), 0);
    assert_int_equal(a.cnt, 2);
    assert_true(qbid_ubj_number(&a, 0) == 5 && qbid_ubj_number(&a, 1) == -1);
    assert_int_equal(qbid_ubj_find(all, "z", &v), QBID_ERR_NOENT);
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *copy = malloc(cut + 1); /* its end is watched */
        memcpy(copy, document, cut);
        struct qbid_ubj part = {copy, copy + cut};
        assert_true(qbid_ubj_find(part, "z", &v) != 0);
        assert_int_equal(qbid_ubj_next(part, &v), QBID_ERR_PARSE);
        free(copy);
    }
    struct rng r = rng_init(1);
    for (unsigned k = 0; k < 20000; k++) {
        uint8_t copy[sizeof document];
        memcpy(copy, document, n);
        copy[rng_below(&r, (uint32_t)n)] = (uint8_t)rng_next(&r);
        struct qbid_ubj part = {copy, copy + n};
        if (qbid_ubj_find(part, "a", &v) == 0 && qbid_ubj_array(v, &a) == 0 && a.type)
            for (size_t i = 0; i < a.cnt; i++)
                (void)qbid_ubj_number(&a, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growing_starts_no_thread),
        cmocka_unit_test(predictions_are_xgboosts_and_those_of_its_dump),
        cmocka_unit_test(masks_of_leaves_give_what_a_walk_gives),
        cmocka_unit_test(interactions_are_learned),
        cmocka_unit_test(the_same_data_and_seed_grow_the_same_trees),
        cmocka_unit_test(restored_trees_predict_identically_and_damaged_ones_are_refused),
        cmocka_unit_test(bad_data_is_named),
        cmocka_unit_test(codes_follow_the_shrunk_rate_and_few_values_have_names),
        cmocka_unit_test(a_damaged_document_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
