#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""V*(20, 30) of the reference decision process in rational numbers, against tests/control/models/process.h.

Memoised recursion over (auctions left, budget left), the bid chosen by the threshold rule: as unlike
process.c as it can be. Ends non-zero when the header states another number.
"""
import functools
import os
import re
import sys
from fractions import Fraction

PRICE = [Fraction(p, 100) for p in (0, 5, 10, 15, 20, 15, 10, 10, 5, 5, 5)]
WORTH = [(Fraction(1, 2), Fraction(5, 10)), (Fraction(1), Fraction(3, 10)), (Fraction(2), Fraction(2, 10))]
HEADER = os.path.join(os.path.dirname(__file__), "..", "control", "models", "process.h")


@functools.lru_cache(maxsize=None)
def value(auctions, budget):
    if auctions == 0:
        return Fraction(0)
    lose = value(auctions - 1, budget)
    total = Fraction(0)
    for worth, chance in WORTH:
        gain = Fraction(0)
        for price, mass in enumerate(PRICE):
            if mass and price <= budget:
                gain += mass * max(worth + value(auctions - 1, budget - price) - lose, 0)
        total += chance * (lose + gain)
    return total


exact = value(20, 30)
text = f"{float(exact):.12f}"
print(f"V*(20, 30) = {text}")
with open(HEADER, encoding="utf-8") as file:
    stated = re.search(r"PROCESS_OPTIMUM[\s\\]+(\S+)", file.read()).group(1)
if stated != text:
    sys.exit(f"tests/control/models/process.h states {stated}")
