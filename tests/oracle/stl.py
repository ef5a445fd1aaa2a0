#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints tests/control/models/watch/stl_reference.h: a series with spikes, and its parts by statsmodels' STL."""
import numpy as np
from statsmodels.tsa.seasonal import STL

CNT, PERIOD = 130, 12
WAYS = (("plain", {}), ("robust", {"robust": True}),
        ("spans", {"seasonal": 13, "trend": 25, "low_pass": 15, "seasonal_deg": 0}))


def main():
    draw = np.random.default_rng(7)
    at = np.arange(CNT)
    y = 50 + 0.1 * at + 8 * np.sin(2 * np.pi * at / PERIOD) + draw.normal(0, 1.5, CNT)
    y[[20, 61, 62, 100]] += (25, -30, -30, 18)
    y = np.round(y, 3)
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print(f"/* Made by tests/oracle/stl.py: {CNT} values of period {PERIOD}, and season and trend by STL\n"
          " * (statsmodels 0.13.5), plain, robust, and with other spans and a flat season. */")
    print("#ifndef QBID_TESTS_CONTROL_MODELS_WATCH_STL_REFERENCE_H\n"
          "#define QBID_TESTS_CONTROL_MODELS_WATCH_STL_REFERENCE_H\n")
    print("/* clang-format off */")
    arrays = [("y", y, "{:.3f}")]
    for name, options in WAYS:
        fit = STL(y, period=PERIOD, **options).fit()
        arrays += [(name + "_season", fit.seasonal, "{:.13g}"), (name + "_trend", fit.trend, "{:.13g}")]
    for name, values, form in arrays:
        print(f"static const double stl_{name}[{CNT}] = {{")
        for first in range(0, CNT, 6):
            print("    " + ", ".join(form.format(value) for value in values[first:first + 6]) + ",")
        print("};")
    print("/* clang-format on */\n\n#endif")


main()
