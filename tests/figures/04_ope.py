#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Off-policy and frequency-value figures of issue 04: the estimators on a known world and two real logs; r(k)."""
import json
import os
import re
import subprocess

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.environ.get("B", "build/release")
WORLD = "make figures N=04 (test_ope: 3 contexts, 5 creatives, logs of 2,000, 2,000 of them, truth 0.0472)"
REAL = "make figures N=04 (test_ope: Open Bandit, men, 10,000 decisions by each policy)"


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": how}),
          flush=True)


def run(test):
    done = subprocess.run([os.path.join(B, "tests", test)], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout, done.returncode == 0


def main():
    text, good = run("test_ope")
    rmse = {}
    for name, bias, sd, error, covered in re.findall(
            r"^([\w ]+): bias ([-+\d.]+) sd ([\d.]+) rmse ([\d.]+) covered ([\d.]+)$", text, re.M):
        model = name == "model alone"
        allowed = 2 * float(sd) / 2000 ** 0.5
        figure(f"off-policy: bias, {name}", float(bias), "", WORLD,
               "-0.0158, which the estimators below must not have" if model else f"within +-{allowed:.5f}",
               good and (abs(float(bias) + 0.0158) <= 1e-3 if model else abs(float(bias)) <= allowed))
        if model:
            figure(f"off-policy: 95 % intervals that hold the truth, {name}", float(covered), "", WORLD)
        else:
            figure(f"off-policy: 95 % intervals that hold the truth, {name}", float(covered), "", WORLD, ">= 0.945",
                   float(covered) >= 0.945)
        rmse[name] = float(error)
    figure("off-policy: rmse, doubly robust against IPS", round(rmse["doubly robust"] / rmse["IPS"], 4), "x", WORLD,
           "<= 1", good and rmse["doubly robust"] <= rmse["IPS"])
    chance = re.search(r"each judged alone in ([\d.]+) of logs, together in ([\d.]+)", text)
    if chance:
        figure("off-policy: logs in which one of 32 equal policies is found to differ", float(chance.group(2)), "",
               f"make figures N=04 (test_ope: 400 logs; with an interval for each alone {chance.group(1)})", "<= 0.085",
               float(chance.group(2)) <= 0.085)
    for what, ips, low, high, effective, own in re.findall(
            r"^([\w ']+ log): IPS ([\d.]+) \[([-\d.]+), ([\d.]+)\].*effective (\d+) of .*own log ([\d.]+)", text, re.M):
        figure(f"off-policy: clicks an impression, {what} (95 % {low} to {high}, effective {effective})", float(ips),
               "", REAL, f"its own log says {own}", None)
    figure("off-policy: the self-normalised interval holds what the policy's own log says, both ways", int(good), "",
           REAL, "1", good)


def fatigue():
    text, good = run("test_fatigue")
    seeds, mean, most, within, planted, pooled = re.search(
        r"(\d+) seeds: worst error ([\d.]+) on average, ([\d.]+) at most, within 5 % in (\d+); r\(7\) ([\d.]+), "
        r"over all users ([\d.]+)", text).groups()
    how = f"make figures N=04 (test_fatigue: 8 exposures at most, eager users see and click more; {seeds} seeds)"
    figure("frequency value: worst error of r(k), k up to 7, at 1,000,000 impressions, mean of seeds", float(mean), "",
           how)
    figure("frequency value: the same, in the worst seed", float(most), "", how, "<= 0.05",
           good and float(most) <= 0.05)
    figure(f"frequency value: seeds of {seeds} in which every r(k) is within 5 %", int(within), "", how, seeds,
           good and within == seeds)
    figure("frequency value: r(7) as all users together have it", float(pooled), "",
           "make figures N=04 (test_fatigue)", f"planted: {planted}", None)
    real = re.search(r"Criteo: r\(4\) ([\d.]+) of the same users, ([\d.]+) over all users", text)
    if real:
        figure("frequency value: r(4) of Criteo's users", float(real.group(1)), "",
               "make figures N=04 (test_fatigue: 13,664 users with five exposures or more)",
               f"below 1; over all users {real.group(2)}", good and float(real.group(1)) < 1 < float(real.group(2)))


main()
fatigue()
