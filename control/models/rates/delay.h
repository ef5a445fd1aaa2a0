/* SPDX-License-Identifier: Apache-2.0 */
/* How long conversions take to come, and how much of what was clicked has had its time. */
#ifndef QBID_CONTROL_MODELS_RATES_DELAY_H
#define QBID_CONTROL_MODELS_RATES_DELAY_H

#include <stdint.h>

/* A conversion comes some time after its bid, so young clicks look worse than they are. Kept are
 * clicks (or money) by age, and conversions by delay:
 *
 *   cohorts   four tiers of buckets: 10 minutes for 4 hours, 1 hour for a day, 6 hours for 6 days,
 *             2 days for 48 days; what leaves a tier goes into the next, in the end into `old`
 *   delays    bins, three to an octave from 5 minutes to 71 days; the last is open
 *
 *   exposed[b] = clicks old enough for a delay in bin b     rate of bin b = convs[b] / exposed[b]
 *   curve      = each bin's share of the rates' sum         matured = sum clicks * curve(age)
 */
#define QBID_DELAY_BINS 45
#define QBID_DELAY_TIERS 4
#define QBID_DELAY_SLOTS 24
#define QBID_DELAY_MEAN_S 86400.0 /* taken where nothing is known */

struct qbid_delay_cohorts {
    int64_t newest[QBID_DELAY_TIERS]; /* bucket number (time / width) of each tier's newest */
    double count[QBID_DELAY_TIERS][QBID_DELAY_SLOTS]; /* by bucket number modulo the slots */
    double old;                                       /* of more than any age kept */
    double old_decayed; /* the same, each with its weight by half-life when it came here */
    int64_t old_s;      /* when old_decayed was last decayed */
};

struct qbid_delay_curve {
    double part[QBID_DELAY_BINS]; /* share of conversions by delay; sums to 1 */
    double done[QBID_DELAY_BINS]; /* sum of the parts before */
};

/** Count something (a click, nanos) of a time; buckets move to now first. half_life_s may be
 *  INFINITY. Times in seconds since any epoch, now_s never less than in an earlier call by much:
 *  what is older than every bucket is old, what is of the future is of now. */
void qbid_delay_count(struct qbid_delay_cohorts *cohorts, int64_t now_s, int64_t of_s, double n,
                      double half_life_s);

/** Bin of a delay. */
uint32_t qbid_delay_bin(double delay_s);

/** Add to exposed what of the cohorts is old enough for each bin, part of a bin as a part. */
void qbid_delay_expose(const struct qbid_delay_cohorts *cohorts, int64_t now_s,
                       double exposed[QBID_DELAY_BINS]);

/** The curve of an exponential delay. */
struct qbid_delay_curve qbid_delay_exponential(double mean_s);

/**
 * Curve of an account: an exponential fitted to the delays, censored by age, then each bin
 * corrected by its own conversions.
 *
 * Threads: pure.
 * Source:  Chapelle, KDD 2014: conversion and exponential delay by joint likelihood. Ours: no
 *          features, the rate profiled out; a weak prior on the mean, QBID_DELAY_MEAN_S times or
 *          over 4; the bins' rates are Kaplan-Meier's hazards for rare events.
 */
struct qbid_delay_curve qbid_delay_root(const double exposed[QBID_DELAY_BINS],
                                        const double convs[QBID_DELAY_BINS]);

/** Curve of a part of it (a campaign): the parent's, each bin corrected by gamma-Poisson; a bin
 * that nothing was exposed to keeps the parent's. Threads: pure. */
struct qbid_delay_curve qbid_delay_child(const struct qbid_delay_curve *parent,
                                         const double exposed[QBID_DELAY_BINS],
                                         const double convs[QBID_DELAY_BINS]);

/** Part of all conversions that has come by an age. */
double qbid_delay_cdf(const struct qbid_delay_curve *curve, double age_s);

/** Delay below which a share (0, 1) of conversions came, by their number in each bin; inside a bin
 *  they lie evenly. 0 without any; the last bin, which is open, counts as its begin. */
double qbid_delay_quantile(const double convs[QBID_DELAY_BINS], double share);

/** Sum of count * cdf(age) (curve NULL: of count), and *ret_whole the sum of count, both by
 * half-life (INFINITY: none). Cost: 100 look-ups. */
double qbid_delay_matured(const struct qbid_delay_curve *curve,
                          const struct qbid_delay_cohorts *cohorts, int64_t now_s,
                          double half_life_s, double *ret_whole);

#endif
