#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Generations published one after the other while nginx answers: no request is lost, each
# answer follows from the one generation that it names, the workers stay as big as they are.
#
#   QBID_PUBLISHES=N   (120)
#   QBID_RATE=N        requests a second (2000), 0 = as fast as they are answered
#   QBID_FACTS=FILE    what was measured, as JSON
#
# The time-out of a request is one second, ten times the usual: other work shares the machine, and a request
# that waits for a processor is not lost.
. "$(dirname "$0")/lib.sh"
publishes=${QBID_PUBLISHES:-120}
rate=${QBID_RATE:-2000}

begin publish
# values change with what is learned twice a second, and with the target at every other publish; rings that do
# not run over while other work keeps qbidd from a processor
SITE_EXTRA='images_kept: 2000
levels: [[device, slot, geo], [device, slot], [device]]
capacity: {ring_lg_events: 18}
ticks: {live_ms: 20, learn_ms: 500, snapshot_ms: 5000}'
new_site site 2
site_start
demo_account 1000000 3600 '{target_cpc: 0.15}' even 0.02 100 >"$work/account.yaml"
site_account "$work/account.yaml"

# pid: its resident KiB, less what it maps of a table, whose size follows what was learned
resident() {
    awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}
image_kib() {
    qbid --output json status | python3 -c 'import json, sys; print(json.load(sys.stdin)["image_bytes"] // 1024)'
}
# pid: descriptors that are not the clients' connections, then mappings; the least of some looks, because one
# table is mapped beside its successor for a moment
holdings() {
    for _ in $(seq 15); do
        echo "$(find "/proc/$1/fd" -lname '*' ! -lname 'socket:*' | wc -l) $(grep -c 'memfd:qbid-' "/proc/$1/maps")" \
            "$(wc -l <"/proc/$1/maps")"
        sleep 0.02
    done | sort -n -k2 -k3 | head -n 1
}
adoptions() {
    from_status '" ".join(str(x["library"]["generations_adopted"]) for x in w)'
}
newest() {
    from_status "all(x['library']['generation'] == $(from_stat 'n["publish.generation"]') for x in w)"
}
publish() { # number
    if [ $(($1 % 2)) = 0 ]; then
        qbid target set 2997 --target "0.$((10 + $1 * 7 % 23))" | sed -n 's/^applied; generation //p' >>"$work/targets"
    else
        qbid publish >>"$work/published"
    fi
}

warm=$((publishes > 200 ? 100 : publishes / 2))
becomes "both workers have the account" True newest
replay_begin load --duration 580 --seed 5 --connections 32 --rate "$rate" --ctr 0.02 \
    --answers "$work/answers.ndjson" --answers-every "$((rate ? 10 : 60))"
sleep 1
read -r before_gen before_committed before_adopted < <(echo "$(from_stat 'n["publish.generation"]')" \
    "$(from_stat 'n["publish.committed"]') $(adoptions)")
: >"$work/targets"
start_ms=$(date +%s%3N)
for i in $(seq "$publishes"); do
    publish "$i"
    [ "$i" != "$warm" ] || for pid in $(worker_pids); do
        echo "$pid $(resident "$pid") $(image_kib) $(holdings "$pid")"
    done >"$work/held-before"
done
took_ms=$(($(date +%s%3N) - start_ms))
sleep 0.3
for pid in $(worker_pids); do
    echo "$pid $(resident "$pid") $(image_kib) $(holdings "$pid")"
done >"$work/held-after"
qbid learning off >"$work/learning.log"
# tables are renewed for their age and their pace even so
becomes "the last generation is that of both workers" "True" newest
after_gen=$(from_stat 'n["publish.generation"]')
after_committed=$(from_stat 'n["publish.committed"]')
read -r after_adopted < <(adoptions)
replay_end now
becomes "all events are read" 0 drained

# --- no request lost
for field in lost timeouts non_2xx unparsed invalid_bids; do
    is "$field" 0 "$(got load "$field")"
done
# a price below the floor is a decision, not a loss
is "reasons of answers that were no bid" "{}" "$(from_status '{k: v for x in w for k, v in x["library"]["nobid"].items()
    if v and k != "below_floor"}')"
is "publishes that failed, tables that a worker refused" "0 0" \
    "$(from_stat 'n["publish.failed"]') $(from_status 'sum(x["library"]["generations_refused"] for x in w)')"
holds "generations published" test $((after_gen - before_gen)) -ge "$publishes"
is "generations held" True "$(from_stat 'n["publish.held_generations"] <= 2')"
is "events lost" 0 "$(from_status 'sum(x["library"]["events_dropped"] for x in w)')"
is "ledger and settled prices agree to the nano" "$(got load charged_nanos)" "$(spent)"

# --- what was adopted, of what was committed: a generation that a newer one overtakes before every worker has
#     verified it is nobody's
holds "generations committed: $((after_committed - before_committed)) of $((after_gen - before_gen))" \
    test $((after_committed - before_committed)) -ge $(((after_gen - before_gen) / 2))
python3 - "$((after_committed - before_committed))" "$before_adopted" "$after_adopted" >"$work/adopted" <<'PY'
import sys
committed = int(sys.argv[1])
shares = [(int(b) - int(a)) / committed for a, b in zip(sys.argv[2].split(), sys.argv[3].split())]
print(f"{min(shares):.4f}")
PY
holds "95 % of the committed generations adopted by each worker: $(cat "$work/adopted")" \
    python3 -c "import sys; sys.exit($(cat "$work/adopted") < 0.95)"

# --- the order of generations within each worker: a bid's id names its worker and counts its bids. That of both
#     together goes back where one worker adopts a table some milliseconds before the other.
python3 - "$work/answers.ndjson" >"$work/order" <<'PY'
import json, sys
by_worker = {}
for line in open(sys.argv[1]):
    record = json.loads(line)
    bid = json.loads(record["answer"])["seatbid"][0]["bid"][0]
    by_worker.setdefault(bid["id"][:4], []).append((int(bid["id"][4:], 16), bid["ext"]["qbid"]["gen"]))
back = 0
for answers in by_worker.values():
    gens = [gen for _, gen in sorted(answers)]
    back += sum(b < a for a, b in zip(gens, gens[1:]))
print(len(by_worker), back, len({g for a in by_worker.values() for _, g in a}))
PY
read -r workers back distinct <"$work/order"
is "both workers answered" 2 "$workers"
is "answers of a worker with a generation before its last" 0 "$back"

# --- no answer mixes two generations
check() {
    qbid explain --check "$1" --images "$SITE/state/images" --output json >"$work/check-$2.json"
}
holds "every answer follows from the generation that it names" check "$work/answers.ndjson" all
is "answers of unknown generation, untraced, damaged, different" "0 0 0 0" \
    "$(got check-all unknown_generation) $(got check-all untraced) $(got check-all damaged) $(got check-all different)"
checked=$(got check-all checked)
holds "thousands were checked: $checked" test "$checked" -ge $((publishes * 5))
# the control: answers of the first generation of a new target that pretend to be of the one before
python3 - "$work/answers.ndjson" "$work/targets" "$work/tampered.ndjson" >"$work/tampered" <<'PY'
import json, re, sys
firsts = {int(line.split()[0]) for line in open(sys.argv[2])}
count = 0
with open(sys.argv[3], "w") as out:
    for line in open(sys.argv[1]):
        record = json.loads(line)
        gen = int(re.search(r'"gen":(\d+)', record["answer"])[1])
        if gen in firsts and count < 50:
            count += 1
            record["answer"] = record["answer"].replace(f'"gen":{gen},', f'"gen":{gen - 1},')
            out.write(json.dumps(record) + "\n")
print(count)
PY
tampered=$(cat "$work/tampered")
holds "answers to tamper with: $tampered" test "$tampered" -ge 5
is "tampered answers: exit code of the check" 1 "$(exit_of check "$work/tampered.ndjson" bad)"
is "tampered answers that the check finds" "$tampered" "$(got check-bad different)"

# --- memory, descriptors and mappings of each worker
growth=-100000
while read -r pid rss image fds memfds maps <&3 && read -r _ rss2 image2 fds2 memfds2 maps2 <&4; do
    grown=$((rss2 - rss))
    [ "$grown" -le "$growth" ] || growth=$grown
    echo "worker $pid: $rss KiB resident after $warm publishes, $rss2 after $publishes;" \
        "table $image KiB, then $image2"
    holds "memory of worker $pid grew by $grown KiB" test "$grown" -lt 2048
    is "descriptors, shared mappings, all mappings of worker $pid" "$fds $memfds $maps" "$fds2 $memfds2 $maps2"
done 3<"$work/held-before" 4<"$work/held-after"

echo "$publishes publishes (and $((after_gen - before_gen - publishes)) learned ones) in $((took_ms / 1000)) s beside" \
    "$(got load auctions) requests ($(got load requests_per_s)/s): lost 0, p50/p99/p99.9/max" \
    "$(got load latency_us.p50)/$(got load latency_us.p99)/$(got load latency_us.p999)/$(got load latency_us.max) us"
echo "$checked answers of $distinct generations checked, adopted at least $(cat "$work/adopted")," \
    "$(got load generations.backward) answers of the slower worker came after a newer one of the faster"
if [ -n "${QBID_FACTS:-}" ]; then
    python3 - "$work" "$publishes" "$((after_gen - before_gen))" "$back" "$growth" "$tampered" >"$QBID_FACTS" <<'PY'
import json, sys
work, publishes, generations, back, growth, tampered = sys.argv[1:]
load = lambda name: json.load(open(f"{work}/{name}.json"))
run, check, bad = load("load"), load("check-all"), load("check-bad")
print(json.dumps({
    "publishes": int(publishes), "generations": int(generations), "requests": run["auctions"],
    "requests_per_s": run["requests_per_s"], "lost": run["lost"] + run["timeouts"] + run["non_2xx"],
    "p99_us": run["latency_us"]["p99"], "p999_us": run["latency_us"]["p999"], "checked": check["checked"],
    "different": check["checked"] - check["equal"], "backward_in_worker": int(back),
    "adopted": float(open(f"{work}/adopted").read()), "growth_kib": int(growth),
    "tampered": int(tampered), "tampered_found": bad["different"]}))
PY
fi
site_stop
finish
