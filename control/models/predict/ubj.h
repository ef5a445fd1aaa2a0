/* SPDX-License-Identifier: Apache-2.0 */
/* Reads UBJSON, the binary JSON in which XGBoost hands out its models. */
#ifndef QBID_CONTROL_MODELS_PREDICT_UBJ_H
#define QBID_CONTROL_MODELS_PREDICT_UBJ_H

#include <stddef.h>
#include <stdint.h>

#define QBID_UBJ_DEPTH_MAX 32

/* A value inside a document, which must outlive it. */
struct qbid_ubj {
    const uint8_t *at;
    const uint8_t *end;
};

/* Elements of an array: of one numeric type and packed, or (type 0) values one after another. */
struct qbid_ubj_array {
    struct qbid_ubj first;
    size_t cnt;
    char type;
};

/** Value under a key of an object. NOENT; PARSE for anything that is no object or is cut short. */
int qbid_ubj_find(struct qbid_ubj object, const char *key, struct qbid_ubj *ret_value);

/** An array with a stated count, as XGBoost writes them. PARSE. */
int qbid_ubj_array(struct qbid_ubj value, struct qbid_ubj_array *ret_array);

/** Element of an array of packed numbers; i < cnt. NaN stays NaN. */
double qbid_ubj_number(const struct qbid_ubj_array *array, size_t i);

/** The value after this one, e.g. the next element of an array of type 0. PARSE. */
int qbid_ubj_next(struct qbid_ubj value, struct qbid_ubj *ret_next);

#endif
