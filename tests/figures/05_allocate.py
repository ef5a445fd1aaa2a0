#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Allocation figures of issue 05: allocators against NLopt, noisy cells, curve fits, several objectives, black boxes.

SEEDS (30) and DAYS (7) make the cells' part shorter, ROUNDS (5) the speed's."""
import json
import os
import re
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.environ.get("B", "build/release")
LIMITS = {100: 10.0, 100000: 25000.0, 1000000: 250000.0}
ALLOCATE = "make figures N=05"


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": f"{ALLOCATE} ({how})"}), flush=True)


def output(test, **environment):
    run = subprocess.run([os.path.join(B, "tests", test)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, check=False, env={**os.environ, **environment})
    if run.returncode:
        print(run.stdout, file=sys.stderr)
    return run.stdout


def numbers(pattern, text):
    found = re.search(pattern, text)
    if not found:
        raise SystemExit(f"no line like '{pattern}'")
    return [float(number) for number in found.groups()]


def allocators():
    text = output("test_allocation")
    how = "test_allocation: 100 random instances of 5 to 40 campaigns, power laws, Hill and log curves"
    worst, best = numbers(r"SLSQP, 100 instances: ([-\d.e]+) to ([-\d.e]+)", text)
    figure("allocate: value above NLopt's SLSQP, the worst instance", worst, "parts", how, ">= -1e-9", worst >= -1e-9)
    figure("allocate: value above NLopt's SLSQP, the best instance", best, "parts", how)
    apart, bound = numbers(r"200 instances: ([\d.e-]+) apart, (\d+) quotas", text)
    figure("allocate: platforms and campaigns together against NLopt's SLSQP", apart, "parts",
           f"test_allocation: 200 instances, {bound:.0f} quotas bind", "<= 1e-8", apart <= 1e-8)
    mean, least, off = numbers(r"notes' ascent, 200 instances: ([\d.]+) of the optimum, worst ([\d.]+), sum off by up to "
                               r"([\d.]+)", text)
    how = "test_allocation: 200 instances of 100 campaigns, 50 steps of 0.1"
    figure("allocate: the notes' gradient ascent, of the optimum", mean, "x", how)
    figure("allocate: the same, its worst instance", least, "x", how)
    figure("allocate: the same, its sum is off by up to", off, "of 10000", how)


def speed():
    out = os.path.join(ROOT, "build", "bench", "allocate.json")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run([os.path.join(B, "bench", "allocate"), f"--benchmark_repetitions={os.environ.get('ROUNDS', '5')}",
                    "--benchmark_filter=qbid|notes|slsqp|mma/100/", f"--benchmark_out={out}",
                    "--benchmark_out_format=json"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    with open(out, encoding="utf-8") as file:
        runs = [run for run in json.load(file)["benchmarks"] if run["run_type"] == "iteration"]
    times = {}
    for run in runs:
        way, size = run["name"].split("/")[1:3]
        times.setdefault((way, int(size)), []).append(run["cpu_time"])
    how = "bench/allocate: own exponents, bounds of 0.2 to 5 x an equal split; CPU time, median of rounds"
    for (way, size), spent in times.items():
        median = statistics.median(spent)
        goal = LIMITS[size] if way == "qbid" else None
        figure(f"allocate: {size} campaigns, {way.replace('_', ' ')}", round(median, 1), "us", how,
               goal and f"<= {goal:g}", goal and median <= goal)


def cells():
    seeds, days = os.environ.get("SEEDS", "30"), os.environ.get("DAYS", "7")
    text = output("test_explore", QBID_SEEDS=seeds, QBID_DAYS=days)
    start, hour, day, least, end, lowest = numbers(
        r"start ([\d.]+) of the optimum, after 1 h ([\d.]+), 24 h ([\d.]+) \(least ([\d.]+)\), \d+ days ([\d.]+); never "
        r"below ([\d.]+)", text)
    how = (f"test_explore: 180 cells, $10,000 a day, conversions worth $50, value of an equal split 4 x spend, {seeds} "
           f"seeds, every 2 minutes")
    figure("cells: an equal split, of the optimum", start, "x", how)
    figure("cells: after 1 h, of the optimum", hour, "x", how)
    figure("cells: after 24 h, of the optimum", day, "x", how, ">= 0.90", day >= 0.90)
    figure("cells: after 24 h, the worst seed", least, "x", how)
    if int(days) >= 7:
        figure(f"cells: after {days} days, of the optimum", end, "x", how, ">= 0.95", end >= 0.95)
    figure("cells: lowest at any time, of the start", lowest, "x", how, ">= 0.98", lowest >= 0.98)
    (notes,) = numbers(r"the notes' rule after 24 h ([\d.]+)", text)
    figure("cells: the notes' 20/20 rule after 24 h, of the optimum", notes, "x", how)


def fresh():
    """Cells of seeds that nothing was tuned on."""
    seeds, days = os.environ.get("SEEDS", "30"), os.environ.get("DAYS", "7")
    text = output("test_explore", QBID_SEEDS=seeds, QBID_DAYS=days, QBID_SEED_FIRST="31")
    day, least, end, lowest = numbers(r"24 h ([\d.]+) \(least ([\d.]+)\), \d+ days ([\d.]+); never below ([\d.]+)", text)
    how = f"test_explore: as the cells above, {seeds} seeds from 31"
    figure("cells, fresh seeds: after 24 h, of the optimum", day, "x", how, ">= 0.90", day >= 0.90)
    figure("cells, fresh seeds: after 24 h, the worst seed", least, "x", how)
    if int(days) >= 7:
        figure(f"cells, fresh seeds: after {days} days, of the optimum", end, "x", how, ">= 0.95", end >= 0.95)
    figure("cells, fresh seeds: lowest at any time, of the start", lowest, "x", how, ">= 0.98", lowest >= 0.98)


def fits():
    text = output("test_fit")
    for kind, median, most in re.findall(r"fit: ([\w ]+), adstock error of 60 series: median ([\d.]+), nine in ten within "
                                         r"([\d.]+)", text):
        how = "test_fit: 156 weeks, noise 0.15, adstocks 0.2 to 0.79"
        figure(f"fit: {kind}, adstock error, median", float(median), "", how)
        figure(f"fit: {kind}, adstock error, nine in ten", float(most), "", how, "<= 0.05", float(most) <= 0.05)
    off, inside = numbers(r"exponent off by ([\d.]+) in the median, in its 90 % interval (\d+)", text)
    how = "test_fit: 100 campaigns, 60 days of +-30 %, noise 0.05"
    figure("fit: exponent, error in the median", off, "", how, "<= 0.03", off <= 0.03)
    figure("fit: exponent, in its 90 % interval", inside, "of 100", how)
    together, alone = numbers(r"exponent off by ([\d.]+) together, ([\d.]+) each alone", text)
    figure("fit: 40 campaigns of 21 days fitted together, error of exponents", together, "",
           f"test_fit; each alone {alone}", "< alone", together < alone)


def mixes():
    text = output("test_mmm")
    if "skipped" in text:
        print("mmm: the marketing-mix series are not there, skipped")
        return
    for mix, kind, error, bare, weeks in re.findall(r"mmm: (\w+), ([\w ]+): held-out error ([\d.]+) of value, without "
                                                    r"media ([\d.]+), (\d+ \+ \d+)", text):
        figure(f"mmm: {mix}, {kind}, held-out error of value", float(error), "x",
               f"test_mmm: {weeks} weeks; {bare} without media")
    for mix, gain, low, high in re.findall(r"mmm: (\w+), gain of the allocation ([-\d]+) a week \(90 % ([-\d]+) to "
                                           r"([-\d]+)\)", text):
        figure(f"mmm: {mix}, gain of the same money allocated anew", float(gain), "a week",
               f"test_mmm: power laws; 90 % between {low} and {high}, channels at 0.5 to 2 x their mean")


def searches():
    text = output("test_nsga")
    mean, worst = numbers(r"hypervolume of 10 seeds: mean ([\d.]+), worst ([\d.]+)", text)
    how = "test_nsga: ZDT1, 30 variables, 25,000 evaluations, reference (1.1, 1.1); exact 0.8767"
    figure("nsga: hypervolume, mean of 10 seeds", mean, "", how, ">= 0.868", mean >= 0.868)
    figure("nsga: hypervolume, the worst seed", worst, "", how)
    (found,) = numbers(r"found in (\d+) of 100", text)
    figure("nsga: optimum of 7,776 combinations found", found, "of 100", "test_nsga: 5,000 evaluations", ">= 99",
           found >= 99)
    text = output("test_bayes")
    median, worst, chance = numbers(r"Branin, regret after 50 of 10 seeds: median ([\d.e-]+), worst ([\d.e-]+); at random "
                                    r"([\d.e-]+)", text)
    figure("bayes: Branin, regret after 50 evaluations, worst of 10", worst, "",
           f"test_bayes; median {median}, at random {chance}", "<= 0.005", worst <= 0.005)
    median, worst = numbers(r"Hartmann-6, regret after 80 of 10 seeds: median ([\d.e-]+), worst ([\d.e-]+)", text)
    figure("bayes: Hartmann-6, regret after 80 evaluations, median of 10", median, "", f"test_bayes; worst {worst}",
           "<= 0.15", median <= 0.15)
    (apart,) = numbers(r"against scikit-learn: ([\d.e-]+) apart", text)
    figure("bayes: posterior and expected improvement against scikit-learn", apart, "", "test_bayes", "<= 1e-8",
           apart <= 1e-8)
    (above,) = numbers(r"SLSQP, 100 problems: at most ([\d.e-]+) above", output("test_descent"))
    figure("descent: coupled objectives, above NLopt's SLSQP", above, "", "test_descent: 100 problems", "<= 1e-8",
           above <= 1e-8)


def agent():
    days, seeds, end, start = numbers(r"budget agent: (\d+) days of 8 campaigns, (\d+) seeds: ([\d.]+) of the best split, "
                                      r"from ([\d.]+)", output("test_budget"))
    figure("budget agent: of the best split", end, "x",
           f"test_budget: {days:.0f} days, {seeds:.0f} seeds, every 20 minutes, all proposals applied; equal split {start}")


def tune():
    """The pacer without a sample of auctions, on small days."""
    words = "--samples 0 --auctions-max 8000 --days 16 --judge-days 150 --evaluations 30"
    run = subprocess.run([os.path.join(B, "bin", "qbid-sim"), "tune", *words.split(), "--output", "json"], cwd=ROOT,
                         stdout=subprocess.PIPE, text=True, check=True)
    judged = json.loads(run.stdout)["judged"]
    how = f"qbid-sim tune {words}: value against the best single multiplier, on days that the search did not see"
    figure("tune: pacer by feedback, presets", judged["preset"], "x", how)
    figure("tune: pacer by feedback, tuned less presets", judged["gain"], "x", f"{how}; 95 % +- {judged['half']:.4f}",
           "> 0", judged["gain"] > judged["half"])


allocators()
speed()
cells()
fresh()
fits()
mixes()
searches()
tune()
agent()
