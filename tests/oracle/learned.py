#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fixture of the learned models: scikit-learn's isotonic regression, Platt's line and logistic regression.

Needs python3-sklearn 1.2 and NumPy. Writes tests/control/models/learned_fixture.h to standard output;
`make oracle` compares it with the committed one.
"""
import math

import numpy as np
from scipy.special import expit
from sklearn.calibration import _sigmoid_calibration
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression


def row(values):
    return "{" + ", ".join(f"{v:.17g}" for v in values) + "}"


def isotonic(rng):
    cases = [([1, 3, 2, 4, 3.5, 5], [1] * 6)]
    for n in (1, 2, 7, 20, 40, 40, 40):
        y = rng.normal(size=n) + np.linspace(0, rng.uniform(-1, 3), n)
        cases.append((np.round(y, 3), np.round(rng.gamma(1.0, 2.0, n) + 0.01, 3)))
    print("static const struct isotonic_case isotonic_cases[] = {")
    for y, w in cases:
        fit = IsotonicRegression().fit_transform(np.arange(len(y)), np.array(y, float), sample_weight=w)
        print(f"    {{{len(y)}, {row(y)}, {row(w)}, {row(fit)}}},")
    print("};\n")


def platt(rng):
    print("static const struct platt_case platt_cases[] = {")
    for n, slope, intercept in ((30, 1.0, 0.0), (60, 0.5, -0.7), (60, 2.0, 1.0), (200, 0.8, -1.5)):
        score = np.round(rng.normal(-1, 1.5, n), 2)
        good = rng.uniform(size=n) < expit(slope * score + intercept)
        a, b = _sigmoid_calibration(score, good.astype(int))
        print(f"    {{{n}, {row(score)}, {row(good.astype(int))}, {-a:.17g}, {-b:.17g}}},")
    print("};\n")


# --- the same data in C: tests/control/models/predict/test_ftrl.c draws it from the same generator

MASK = (1 << 64) - 1
VALUES, DIMS, TRAIN, TEST = 12, 4, 20000, 20000


def mix(z):
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def uniform(i):
    return (mix(i) >> 11) * 2.0 ** -53


def example(i):
    values = [mix(1000003 * i + d + 1) % VALUES for d in range(DIMS)]
    odds = -2.5 + sum(1.6 * (uniform(7_000_000_000 + 100 * d + v) - 0.5) for d, v in enumerate(values))
    return values, uniform(9_000_000_000 + i) < 1 / (1 + math.exp(-odds))


def regression():
    rows = [example(i) for i in range(TRAIN + TEST)]
    x = np.zeros((len(rows), DIMS * VALUES))
    for i, (values, _) in enumerate(rows):
        for d, v in enumerate(values):
            x[i, d * VALUES + v] = 1
    y = np.array([int(good) for _, good in rows])
    print(f"#define REGRESSION_L2 {1.0:.1f}")
    # penalised intercept, as in ftrl: a constant column
    x = np.hstack([x, np.ones((len(rows), 1))])
    fit = LogisticRegression(C=1.0, fit_intercept=False, solver="liblinear", tol=1e-10, max_iter=10000)
    fit.fit(x[:TRAIN], y[:TRAIN])
    weights = fit.coef_[0]

    def loss(a, b):
        p = expit(x[a:b] @ weights)
        return -np.mean(y[a:b] * np.log(p) + (1 - y[a:b]) * np.log1p(-p))

    print(f"#define REGRESSION_TRAIN_LOSS {loss(0, TRAIN):.12f}")
    print(f"#define REGRESSION_TEST_LOSS {loss(TRAIN, TRAIN + TEST):.12f}")
    print(f"#define REGRESSION_SUCCESSES {int(y.sum())}")


def main():
    rng = np.random.default_rng(20240501)
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Written by tests/oracle/learned.py (scikit-learn 1.2.1, NumPy 1.24.2). */")
    print("/* clang-format off */")
    print("#ifndef QBID_TESTS_CONTROL_MODELS_LEARNED_FIXTURE_H")
    print("#define QBID_TESTS_CONTROL_MODELS_LEARNED_FIXTURE_H\n")
    print("struct isotonic_case {\n    unsigned n;\n    double value[40], weight[40], fit[40];\n};\n")
    print("struct platt_case {\n    unsigned n;\n    double score[200], good[200], slope, intercept;\n};\n")
    isotonic(rng)
    platt(rng)
    regression()
    print("\n#endif")


main()
