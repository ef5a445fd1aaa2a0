#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Figures of a thousand publishes under full load (tests/e2e/loop/publish_under_load.sh), each a line of JSON.
set -euo pipefail
cd "$(dirname "$0")/../.."
facts=$(mktemp "${TMPDIR:-/tmp}/qbid-figure-XXXXXX")
trap 'rm -f "$facts"' EXIT
QBID_PUBLISHES=${QBID_PUBLISHES:-1000} QBID_RATE=${QBID_RATE:-0} QBID_FACTS=$facts tests/e2e/loop/publish_under_load.sh >&2 ||
    echo "tests/e2e/loop/publish_under_load.sh failed: see above" >&2
[ -s "$facts" ] || exit 1
python3 - "$facts" <<'PY'
import json, sys
f = json.load(open(sys.argv[1]))
how = ("make figures N=01; qbidd, nginx with 2 workers and qbid-replay (32 connections, as fast as answers come, "
       "time-out 1 s) on one machine; every second publish changes the target, learning goes on")


def figure(name, value, unit, goal, holds, more=""):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": how + (f"; {more}" if more else "")}))


figure("publish: asked for under load", f["publishes"], "publishes", None, None,
       f"{f['generations']} generations with the learned ones")
figure("publish: requests meanwhile", f["requests"], "requests", None, None)
figure("publish: requests a second meanwhile", f["requests_per_s"], "1/s", None, None)
figure("publish: requests lost, late or refused", f["lost"], f"of {f['requests']}", "0", f["lost"] == 0)
figure("publish: answers mixing two generations", f["different"], f"of {f['checked']} checked", "0",
       f["different"] == 0 and f["checked"] > 0, "recorded answers made again by qbid explain --check")
figure("publish: control, tampered answers that the check finds", f["tampered_found"], f"of {f['tampered']}",
       f"{f['tampered']}", f["tampered_found"] == f["tampered"] > 0,
       "answers that name the generation before their own")
figure("publish: answers of a worker with an older generation than its last", f["backward_in_worker"], "", "0",
       f["backward_in_worker"] == 0)
figure("publish: committed generations adopted by the slower worker", round(100 * f["adopted"], 2), "%", ">= 95",
       f["adopted"] >= 0.95)
figure("publish: growth of a worker's memory", f["growth_kib"], "KiB", "< 2048", f["growth_kib"] < 2048,
       "VmRSS after 100 publishes against the end, the worker that grew more; the table it maps is in it")
figure("publish: latency p99 meanwhile", f["p99_us"], "us", None, None)
figure("publish: latency p99.9 meanwhile", f["p999_us"], "us", None, None)
PY
