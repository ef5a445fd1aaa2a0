#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints tests/control/models/watch/tails_reference.h: tails of counts by SciPy."""
from scipy.stats import nbinom


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Made by tests/oracle/tails.py (SciPy 1.10.1): P(X <= count), P(X >= count), negative binomial. */")
    print("#ifndef QBID_TESTS_CONTROL_MODELS_WATCH_TAILS_REFERENCE_H\n"
          "#define QBID_TESTS_CONTROL_MODELS_WATCH_TAILS_REFERENCE_H\n")
    print("/* clang-format off */")
    print("static const struct { double mean, size, count, below, above; } tails[] = {")
    for mean in (0.3, 5, 80, 1200, 2e5):
        for size in (0.5, 7, 300, 1e6):
            sd = (mean + mean * mean / size) ** 0.5
            for step in (-3, -1, 0, 1, 4):
                count = max(0, round(mean + step * sd))
                p = size / (size + mean)
                print(f"    {{{mean:g}, {size:g}, {count}, {nbinom.cdf(count, size, p):.12g}, "
                      f"{nbinom.sf(count - 1, size, p):.12g}}},")
    print("};")
    print("/* clang-format on */\n\n#endif")


main()
