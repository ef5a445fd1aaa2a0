#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fixture of Bayesian optimisation: scikit-learn's Gaussian process, SciPy's normal law and Sobol's sequence.

Needs python3-sklearn 1.2 and SciPy 1.10. Writes tests/control/models/allocate/gaussian_fixture.h to standard output."""
import warnings

import numpy as np
from scipy.stats import norm, qmc
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

warnings.filterwarnings("ignore")
POINTS, PLACES, DIMS, SOBOL = 12, 10, 3, 16
LENGTH, VARIANCE, NOISE, JITTER = (0.4, 0.7, 1.3), 1.7, 0.01, 1e-6


def array(name, values):
    shape = "".join(f"[{n}]" for n in values.shape)
    flat = [f"{value:.17g}" for value in values.ravel()]
    lines = [", ".join(flat[i:i + 4]) for i in range(0, len(flat), 4)]
    body = ",\n    ".join(lines)
    if values.ndim == 2:
        rows = ["{" + ", ".join(f"{value:.17g}" for value in row) + "}" for row in values]
        body = ",\n    ".join(rows)
    print(f"static const double {name}{shape} = {{\n    {body}}};")


rng = np.random.default_rng(7)
x = rng.random((POINTS, DIMS))
y = np.sin(5 * x[:, 0]) + x[:, 1] ** 2 - x[:, 2] + 0.1 * rng.standard_normal(POINTS)
y = y - y.mean()
at = rng.random((PLACES, DIMS))
kernel = ConstantKernel(VARIANCE, "fixed") * Matern(LENGTH, "fixed", nu=2.5)
process = GaussianProcessRegressor(kernel, alpha=NOISE + VARIANCE * JITTER, optimizer=None).fit(x, y)
mean, deviation = process.predict(at, return_std=True)
z = (y.min() - mean) / deviation
improvement = (y.min() - mean) * norm.cdf(z) + deviation * norm.pdf(z)

print("/* SPDX-License-Identifier: Apache-2.0 */")
print("/* Made by tests/oracle/gaussian.py: scikit-learn's posterior, SciPy's Sobol sequence. */")
print("#ifndef QBID_TESTS_CONTROL_MODELS_ALLOCATE_GAUSSIAN_FIXTURE_H")
print("#define QBID_TESTS_CONTROL_MODELS_ALLOCATE_GAUSSIAN_FIXTURE_H\n")
print("/* clang-format off */")
print(f"enum {{ POINTS = {POINTS}, PLACES = {PLACES}, DIMS = {DIMS}, SOBOL = {SOBOL}, SOBOL_DIMS = 12 }};")
print(f"static const double fixture_variance = {VARIANCE}, fixture_noise = {NOISE};")
print(f"static const double fixture_likelihood = {process.log_marginal_likelihood_value_:.17g};")
array("fixture_length", np.array(LENGTH))
array("fixture_x", x)
array("fixture_y", y)
array("fixture_at", at)
array("fixture_mean", mean)
array("fixture_variance_at", deviation ** 2)
array("fixture_improvement", improvement)
array("fixture_sobol", qmc.Sobol(12, scramble=False).random(SOBOL))
print("/* clang-format on */\n\n#endif")
