#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Notice figures of issue 03: published price vectors decoded, flipped bits refused, repeated notices counted once."""
import json
import os
import re
import subprocess

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.environ.get("B", "build/release")


def figure(name, value, unit, how, goal=None, holds=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds, "how": how}),
          flush=True)


def of(text, words):
    """The numbers of a line "words: N of M", or exit."""
    found = re.search(rf"^{re.escape(words)}: (\d+) of (\d+)", text, re.M)
    if not found:
        raise SystemExit(f"no line '{words}: N of M'")
    return int(found[1]), int(found[2])


def unit_test(name):
    run = subprocess.run([os.path.join(B, "tests", name)], cwd=ROOT, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    if run.returncode != 0:
        print(run.stdout, end="")
        raise SystemExit(f"{name} failed")
    return run.stdout


def stated(name, text, words, how):
    done, whole = of(text, words)
    figure(name, done, f"of {whole}", how, f"= {whole}", done == whole)


def library():
    text = unit_test("test_clearing")
    stated("notices: Google's vectors decoded", text, "Google's vectors decoded",
           "test_clearing: five prices and keys of google/openrtb-doubleclick's DoubleClickCryptoTest, three of Google's "
           "page \"Decrypt price confirmations\", each to the micro")
    stated("notices: bits of google prices flipped, refused", text, "bits of google prices flipped",
           "test_clearing: each bit of four prices of random keys")
    stated("notices: bits of an aes-gcm price flipped, refused", text, "bits of an aes-gcm price flipped",
           "test_clearing: each bit of IV, ciphertext and tag")
    text = unit_test("test_receive")
    stated("notices: bits of a token flipped, refused", text, "token bits flipped, in all kinds",
           "test_receive: each of the 576 bits of a token in each of seven kinds of notice, through the library")


def through_nginx():
    facts = os.path.join(ROOT, "build", "figures", "notices.json")
    os.makedirs(os.path.dirname(facts), exist_ok=True)
    run = subprocess.run(["tests/e2e/nginx/money.sh"], cwd=ROOT, env={**os.environ, "QBID_FACTS": facts},
                         stdout=subprocess.PIPE, text=True, check=False)
    print(run.stdout, end="", flush=True)
    if run.returncode == 77:
        return
    if run.returncode != 0:
        raise SystemExit("money.sh failed")
    with open(facts, encoding="utf-8") as file:
        f = json.load(file)
    how = "tests/e2e/nginx/money.sh: nginx with the module, qbidd, its statistics"
    figure("notices through nginx: bits of a token flipped, refused", f["refused"], f"of {f['flips']}", how,
           f"= {f['flips']}", f["refused"] == f["flips"])
    once = sum(counted == 1 for counted in f["counted"].values())
    figure(f"notices through nginx: kinds that, sent {f['sent']} times, count once", once, "kinds",
           f"{how}; {', '.join(f['counted'])}", f"= {len(f['counted'])}", once == len(f["counted"]))


library()
through_nginx()
