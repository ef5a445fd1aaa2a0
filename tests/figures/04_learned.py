#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Figures of issue 04, learned rates: calibration, regression against liblinear, trees against XGBoost, which
model serves in 20 generated worlds of each kind, and the models on recorded impressions."""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("B", "build/release")
DATA = os.path.join(ROOT, "..", "shared", "data")
SEEDS = os.environ.get("QBID_SEEDS", "20")


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": how}), flush=True)


def said(test, pattern):
    """What a test says of itself, once it has passed."""
    env = dict(os.environ, QBID_SEEDS=SEEDS)
    done = subprocess.run([f"{BUILD}/tests/{test}"], cwd=ROOT, env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return re.findall(pattern, done.stdout, re.M) if done.returncode == 0 else []


def calibration():
    for worst, in [(m,) for m in said("test_calibration", r"worst ECE - perfect-model bias (-?[\d.]+)")]:
        figure("ECE after calibration over the bias of a perfect model, worst of 4", float(worst), "",
               "test_calibration: 100,000 outcomes learned, 100,000 measured", "<= 0.003", float(worst) <= 0.003)
    for ece, n in said("test_calibration", r"a perfect model scores ECE ([\d.]+) at n = (\d+)"):
        figure(f"ECE of a perfect model, n = {int(n):,}", float(ece), "", "test_calibration: rates uniform in 0..1")


def regression():
    for off, in [(m,) for m in said("test_ftrl", r"liblinear [\d.]+ \(([-+][\d.]+) %\)")]:
        figure("log-loss of FTRL over liblinear's, held out", float(off), "%", "test_ftrl: 20,000 + 20,000 examples",
               "<= 0.2", abs(float(off)) <= 0.2)


def trees():
    for off, dump in said("test_trees", r"off XGBoost's predictions by at most ([\d.e-]+), off its dump by ([\d.e-]+)"):
        figure("our walk against XGBoost's predictions", float(off), "", "test_trees", "<= 1e-6", float(off) <= 1e-6)
        figure("our walk against XGBoost's dump, walked by hand", float(dump), "", "test_trees", "<= 1e-6",
               float(dump) <= 1e-6)


def choice():
    for changed, in [(m,) for m in said("test_ranking", r"looks: (\d+) of 200 switched")]:
        figure("equal models exchanged without reason, 400 looks each", int(changed) / 2, "% of runs", "test_ranking",
               "<= 5", int(changed) <= 10)
    for world, right, of, *excess in said(
            "test_learned", r"learned: (.*): right in (\d+) of (\d+) seeds; excess log-loss rates ([\d.]+), "
            r"ftrl ([\d.]+), trees ([\d.]+)"):
        how = f"test_learned, QBID_SEEDS={of}"
        figure(f"{world}: the right model serves", 100 * int(right) / int(of), "% of seeds", how, ">= 95",
               int(right) >= 0.95 * int(of))
        for model, value in zip(("rates", "ftrl", "trees"), excess):
            figure(f"{world}: log-loss of {model} over the truth's", float(value), "nats an impression", how)


def recorded():
    for name, path in (("iPinYou 2259", "ipinyou/2259/train.log.txt"), ("Avazu", "ctr/avazu_tr.rx.csv")):
        data = os.path.join(DATA, path)
        if not os.path.exists(data):
            print(f"SKIPPED: no recorded impressions at {os.path.relpath(data, ROOT)}", file=sys.stderr)
            continue
        done = subprocess.run([f"{BUILD}/bin/qbid-sim", "models", "--data", data, "--step", "50"], cwd=ROOT,
                              stdout=subprocess.PIPE, text=True, check=True)
        got = json.loads(done.stdout)
        how = (f"qbid-sim models --step 50: {got['impressions']} impressions, {got['clicks']} clicks ({got['repeated']} "
               f"repeated ones left out), each predicted before it was told; {got['serving']} serve in the end")
        figure(f"{name}: log-loss ahead of one rate for all", got["constant"], "nats an impression", how)
        for model in got["models"]:
            trees = f"; trees: {got['trees']}, grown {got['grown']} times" if model["name"] == "trees" else ""
            figure(f"{name}: log-loss ahead of {model['name']}", model["loss"], "nats an impression",
                   f"{how}{trees}; over rates {model['more']:+.5f}, 95 % interval +- {model['half']:.5f}")


def cost():
    done = subprocess.run([f"{BUILD}/bench/learned", "--benchmark_format=json"], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        return
    got = json.loads(done.stdout)["benchmarks"][0]
    how = "bench/learned: CPU time of one core"
    figure("isotonic regression of a million points", 1000 * got["isotonic_s"], "ms", how, "<= 50",
           got["isotonic_s"] <= 0.05)
    figure("trees grown on a million contexts of 10,000 line items", got["grow_s"], "s", how)
    figure("a prediction by trees", got["predict_ns"], "ns", how)


calibration()
regression()
trees()
choice()
recorded()
cost()
