/* SPDX-License-Identifier: Apache-2.0 */
/* The 180 cells of ALGORITHMS.md 4.3: $10,000 a day, Poisson conversions worth $50, and who moves
 * the money every two minutes. */
#ifndef QBID_TESTS_CONTROL_MODELS_ALLOCATE_CELLS_H
#define QBID_TESTS_CONTROL_MODELS_ALLOCATE_CELLS_H

#include <stdint.h>

#define CELLS 180
#define CELLS_STEPS_A_DAY 720

enum cells_way { CELLS_QBID, CELLS_NOTES };

struct cells_run {
    double start;  /* value of an equal split, of the optimum's */
    double hour;   /* after 1 h */
    double day;    /* after 24 h */
    double end;    /* after all days */
    double lowest; /* at any step, of the start's */
};

/** Play `days` days. level: conversion value an equal split earns for each $ spent. */
struct cells_run cells_play(enum cells_way way, uint64_t seed, int days, double level);

#endif
