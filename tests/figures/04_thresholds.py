#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The thresholds of issue 04's guide to algorithms, by its sections: those that the scripts before this one stated, read
from build/figures/04.json, and those that are identities, held by the tests that are named here. The last script of its
set: alone it says of which figures it has none."""
import json
import os
import re
import subprocess

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.environ.get("B", "build/release")
STATED = os.path.join(ROOT, "build", "figures", "04.json")

# By section: figures by the beginning of their names, and (program, test, what it holds).
SECTIONS = {
    "2.1 conversion value": [
        "effects: log ratios against statsmodels", "effects: log ratios against a GLM", "effects: excess log-loss, main effects and",
        "effects: relative RMSE, main effects and", "effects: excess log-loss without interactions",
        ("test_rates", "three_of_fifty_under_beta_2_98_is_five_of_150", "3 of 50 under Beta(2, 98) is 5/150"),
        "values: in a table against the model in doubles"],
    "2.2 delayed conversions": ["delay: bias of matured", "delay: overshoot of the pace"],
    "2.3 hierarchy": ["rates: seeds in which", "rates: truth within"],
    "3.1 effective value": [
        ("test_value", "worth_grows_with_rates_and_scales_with_the_currency", "monotone, scales with the currency"),
        ("test_price", "no_bid_passes_the_image_s_ceiling", "no bid above the cap"),
        "strategy: static market, multiplier against bisection", "strategy: static market, worth against the best",
        ("test_pacing_days", "a_binding_goal_is_met_and_costs_little_worth",
         "a binding goal: return >= 0.98 of it, worth >= 0.975 of the best multiplier's, each day"),
        "arena, second price: overspend"],
    "3.2 shading": [
        ("test_shading", "best_bids_meet_the_closed_forms", "uniform, power, b/(c+b), lognormal"),
        "shading: part of the surplus kept"],
    "3.3 landscape": [
        ("test_survival", "the_hand_example_of_kaplan_and_meier", "S(1) = 5/6, S(3) = 5/12, S(5) = 0"),
        ("test_survival", "product_limit_equals_r_survfit_on_100_tied_data_sets", "R's survfit to 1e-12"),
        "landscape: sup error of F, censored", "landscape: updates on one core", "shading: surplus kept with 20 prices a cell, blended"],
    "3.4 pacing": [
        "overspend in random worlds", "overspend of eight real threads", "the same: worlds", "faults: runs of the whole system",
        "pacing: .*, delivered at least", "pacing: .*, worth against the best fixed multiplier, mean",
        "pacing: .*, worth against the best fixed multiplier, least", "pacing: .* plan by the learned forecast",
        "pacing: after a step, from", "pacing: after a step, ahead", "pacing: worth with control periods"],
    "3.5 several constraints": [
        "strategy: objective of our solver", "strategy: worth of the formula", "strategy: opportunities decided otherwise",
        "strategy: fractional opportunities", "strategy: prices followed online, least", "strategy: prices followed online, caps",
        "strategy: budget and ROAS on one metric"],
    "3.6 re-solving": [
        "campaign 2997: impressions of the published RLB row", "campaign 2997, .* against the programme",
        "campaign 2997, .* against the knapsack", "prices of .*, 100 auctions", "prices of .*, 1,000 auctions"],
    "3.7 Q-learning": ["rl: value iteration", "rl: Q-learning with every bid", "rl: exported table"],
    "3.8 deep Q-learning": [
        "rl: perceptron: gradient", "rl: DQN after",
        ("test_guard", "any_fault_ends_it_until_a_new_table", "no number or a fault: back to the pacer at once"),
        ("test_correction", "damaged_and_stale_tables_are_refused", "damaged and stale tables"),
        ("test_correction", "a_table_that_goes_bad_in_memory_gives_no_step", "a table that goes bad in memory")],
    "3.9 closed forms of ORTB": [
        ("test_shading", "ortb_forms_give_the_published_bids_and_are_optimal", "published bids to 1e-3, optimal to 1e-9")],
    "3.10 clamps": [
        ("test_pace_faults", "faults_lead_to_no_bid_outside_its_limits", "stale, missing, NaN, zero, negative, clock jumps"),
        ("test_pace_faults", "stale_data_hold_the_pace_and_then_let_it_down", "held after 3 periods, let down after 10"),
        ("test_pacing", "no_input_leads_out_of_the_clamps", "steps of 0.3 octaves at most")],
    "3.11 frequency": [
        "frequency value: the same, in the worst seed",
        ("test_frequency", "a_user_sees_a_line_item_as_often_as_its_cap_says", "no violation with one writer"),
        ("test_frequency_bound", "no_stream_exceeds_the_bound_and_some_reach_it", "not beyond the bids in flight")],
    "3.12 off-policy": ["off-policy: bias, ", "off-policy: rmse, doubly robust", "off-policy: logs in which one of 32",
                        ("test_ope", "few_effective_samples_conclude_nothing", "below 100 effective samples nothing is concluded")],
    "5.1 forecasts": [
        "forecast: .*, sum of squared errors against R's", "forecast: M4 hourly", "forecast: the same, 95 % intervals cover",
        "forecast: generated series", "forecast: 10,000 series of 1,000 values refitted"],
}


def passed(program, outputs):
    """Names of the tests that a program says are right."""
    if program not in outputs:
        run = subprocess.run([os.path.join(B, "tests", program)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, check=False)
        outputs[program] = set(re.findall(r"^\[ +OK \] (\w+)$", run.stdout, re.M))
    return outputs[program]


def of_section(entries, stated, outputs):
    """(words, value, goal, holds) of each threshold; holds is None for what has no figure."""
    for entry in entries:
        if isinstance(entry, tuple):
            program, test, words = entry
            yield words, f"{program}, {test}", "passes", test in passed(program, outputs)
            continue
        found = [f for f in stated if re.match(entry, f["name"]) and f["goal"] is not None]
        if not found:
            yield entry, "no figure", "", None
        for f in found:
            yield f["name"], f"{f['value']:.6g} {f['unit']}".strip(), f["goal"], f["holds"]


def main():
    stated, outputs = [], {}
    if os.path.exists(STATED):
        with open(STATED, encoding="utf-8") as file:
            stated = json.load(file)
    for section, entries in SECTIONS.items():
        rows = list(of_section(entries, stated, outputs))
        held = sum(holds is True for *_, holds in rows)
        missing = [words for words, *_, holds in rows if holds is None]
        for words, value, goal, holds in rows:
            print(f"{section}: {words}: {value} ({goal}) {({True: 'holds', False: 'DOES NOT HOLD', None: 'MISSING'}[holds])}")
        print(json.dumps({"name": f"thresholds of {section} that hold", "value": held, "unit": f"of {len(rows)}",
                          "goal": str(len(rows)), "holds": held == len(rows),
                          "how": "make figures N=04 (the figures before this one, and tests by name)"
                                 + (f"; without a figure: {', '.join(missing)}" if missing else "")}), flush=True)


main()
