#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The one table of the lookup benchmark, from the JSON of its program."""
import json
import statistics
import sys

# name in the results, text, and the qbid row that asks in the same way, in pages of the same size
ROWS = [
    ("qbid", "qbid, one call each", None),
    ("qbid_8", "qbid, 8 a call", None),
    ("qbid_16", "qbid, 16 a call", None),
    ("qbid_32", "qbid, 32 a call", None),
    ("qbid_128", "qbid, 128 a call", None),
    ("qbid_4k", "qbid, one call each, 4K pages", "qbid"),
    ("qbid_4k_8", "qbid, 8 a call, 4K pages", "qbid_8"),
    ("qbid_4k_16", "qbid, 16 a call, 4K pages", "qbid_16"),
    ("qbid_4k_32", "qbid, 32 a call, 4K pages", "qbid_32"),
    ("limit", "limit: one word of a random line", "qbid_32"),
    ("limit_4k", "limit, 4K pages", "qbid_4k_32"),
    ("rte_hash", "DPDK rte_hash, one call each", "qbid_4k"),
    ("rte_hash_8", "DPDK rte_hash, bulk of 8", "qbid_4k_8"),
    ("rte_hash_16", "DPDK rte_hash, bulk of 16", "qbid_4k_16"),
    ("rte_hash_32", "DPDK rte_hash, bulk of 32", "qbid_4k_32"),
    ("lfht", "liburcu lfht", "qbid"),
    ("ck_ht", "Concurrency Kit ck_ht", "qbid"),
    ("lmdb", "LMDB", "qbid_4k"),
    ("lmdb", "LMDB, against 32 a call", "qbid_4k_32"),
    ("sqlite", "SQLite in memory", "qbid"),
    ("sqlite", "SQLite in memory, against 32 a call", "qbid_32"),
    ("redis", "Redis, Unix socket, one at a time", "qbid"),
    ("redis_32", "Redis, pipeline of 32", "qbid_32"),
    ("redis_128", "Redis, pipeline of 128", "qbid_128"),
    ("", "Each waits for the one before:", None),
    ("qbid_chain", "qbid", None),
    ("qbid_4k_chain", "qbid, 4K pages", "qbid_chain"),
    ("limit_chain", "limit: one word of a random line", "qbid_chain"),
    ("limit_4k_chain", "limit, 4K pages", "qbid_4k_chain"),
    ("rte_hash_chain", "DPDK rte_hash", "qbid_4k_chain"),
    ("lfht_chain", "liburcu lfht", "qbid_chain"),
    ("ck_ht_chain", "Concurrency Kit ck_ht", "qbid_chain"),
]
ROW = "{:<37}{:>10}{:>16}{:>10}{:>14}  {}"


def spread(values, digits):
    return f"{min(values):.{digits}f}-{max(values):.{digits}f}"


def number(values):
    median = statistics.median(values)
    return f"{median:.1f}" if median < 100 else f"{median:.0f}"


def row(runs, name, text, base):
    if not name:
        return "\n" + text
    ns = [run[name] for run in runs]
    if base is None:
        return ROW.format(text, number(ns), spread(ns, 0), "", "", "")
    ratios = [run[name] / run[base] for run in runs]
    return ROW.format(text, number(ns), spread(ns, 0), number(ratios) + "x", spread(ratios, 1), "of " + base)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        data = json.load(file)
    runs = [run for run in data["benchmarks"] if run["run_type"] == "iteration"]
    context = data["context"]
    print(f"Lookup: 1,000,000 keys, uniform, 9 in 10 of what is asked is there; {context['num_cpus']} "
          f"processors at load {context['load_avg'][0]:.1f}.\nMedian of {len(runs)} rounds in which all take "
          "turns with the same questions: ns of thread CPU time a lookup,\nfor Redis of wall time. All answers "
          "agreed.\n")
    print(ROW.format("", "ns", "spread", "ratio", "spread", ""))
    for name, text, base in ROWS:
        print(row(runs, name, text, base))


if __name__ == "__main__":
    main()
