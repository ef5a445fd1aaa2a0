-- SPDX-License-Identifier: Apache-2.0
-- wrk's part of bench/hosts/nginx.sh: POSTs of the bodies in the file REQUESTS, one a line, in turn.
local requests, at = {}, 0

function init()
    local headers = {["Content-Type"] = "application/json", ["x-openrtb-version"] = "2.6"}
    for body in io.lines(os.getenv("REQUESTS")) do
        requests[#requests + 1] = wrk.format("POST", nil, headers, body)
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function done(summary, latency)
    io.write(string.format("requests %d\nduration_us %d\nerrors %d\nother %d\np50_us %d\np99_us %d\nmax_us %d\n",
        summary.requests, summary.duration,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
        summary.errors.status, latency:percentile(50), latency:percentile(99), latency.max))
end
