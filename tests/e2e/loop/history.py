# SPDX-License-Identifier: Apache-2.0
# Writes hourly totals of a campaign into a store that no qbidd holds: history.py STORE CAMPAIGN HOURS FALL.
# Clicks are 2 % of impressions, and 0.8 % in the last FALL hours; the last hour is the one that ended last.
import sqlite3
import sys
import time

path, campaign, hours, fall = sys.argv[1], *map(int, sys.argv[2:5])
end = int(time.time()) // 3600 * 3600
store = sqlite3.connect(path)
STATS = "bids, wins, losses, bills, imps, clicks, convs, spend_nanos, bid_nanos, value_nanos"
imps = clicks = spend = 0
for hour in range(hours):
    if hour:
        imps += 5000
        clicks += 40 if hour >= hours - fall else 100
        spend += 5000 * 2_000_000
    at = end - (hours - 1 - hour) * 3600
    row = (imps, imps, 0, imps, imps, clicks, 0, spend, spend, 0)
    store.execute(f"INSERT OR REPLACE INTO hours(id, unix_s, {STATS}) VALUES(?, ?{', ?' * 10})", (campaign, at, *row))
store.execute(f"INSERT OR REPLACE INTO totals(kind, id, context, unix_s, {STATS}) VALUES(1, ?, 0, ?{', ?' * 10})",
              (campaign, end, *row))
store.commit()
