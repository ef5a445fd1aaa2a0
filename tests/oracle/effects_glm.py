#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints tests/control/models/rates/effects_glm.h: a full table of counts, and its Poisson GLM by statsmodels."""
import numpy as np
import statsmodels.api as sm

SIZES = (6, 3, 5)


def main():
    draw = np.random.default_rng(20)
    cells = [(a, b, c) for a in range(SIZES[0]) for b in range(SIZES[1]) for c in range(SIZES[2])]
    effects = [draw.normal(0, sd, size) for sd, size in zip((0.3, 0.3, 0.5), SIZES)]
    trials, successes = [], []
    for cell in cells:
        rate = 0.03 * np.exp(sum(effects[d][i] for d, i in enumerate(cell)) + draw.normal(0, 0.2))
        trials.append(int(draw.lognormal(6, 1)) + 50)
        successes.append(int(draw.binomial(trials[-1], min(rate, 1))))
    columns = [np.ones(len(cells))]
    for d, size in enumerate(SIZES):
        columns += [[float(cell[d] == v) for cell in cells] for v in range(1, size)]
    model = sm.GLM(successes, np.array(columns).T, family=sm.families.Poisson(), offset=np.log(trials))
    fit = model.fit(tol=1e-15, maxiter=200)
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Made by tests/oracle/effects_glm.py: counts of a 6 x 3 x 5 table, last dimension fastest, and\n"
          " * the coefficients of the Poisson GLM with offset log trials (statsmodels 0.13.5): log base, then\n"
          " * each dimension's values 1, 2, ... against its value 0. */")
    print("#ifndef QBID_TESTS_CONTROL_MODELS_EFFECTS_GLM_H\n#define QBID_TESTS_CONTROL_MODELS_EFFECTS_GLM_H\n")
    print("/* clang-format off */")
    for name, values, form in (("trials", trials, "{:d}"), ("successes", successes, "{:d}"),
                               ("coefficient", fit.params, "{:.13g}")):
        print(f"static const double effects_glm_{name}[{len(values)}] = {{")
        for at in range(0, len(values), 6):
            print("    " + ", ".join(form.format(value) for value in values[at:at + 6]) + ",")
        print("};")
    print("/* clang-format on */\n\n#endif")


main()
