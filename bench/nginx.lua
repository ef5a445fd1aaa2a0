-- SPDX-License-Identifier: Apache-2.0
-- wrk's part of bench/nginx.sh: POSTs of 256 different bid requests of about 2.4 kB, the size and make of what
-- large exchanges send. MODE=bid asks for a size that is for sale, MODE=nobid for one that is not.
local size = os.getenv("MODE") == "nobid" and '"w":1,"h":1' or '"w":300,"h":250'

local function bid_request(i)
    local segments, categories = {}, {}
    for s = 1, 12 do
        segments[s] = string.format('{"id":"%d","name":"interest-%d","value":"%d"}', 10000 + (i * 31 + s * 7) % 997, s, s % 3)
        categories[s] = string.format('"IAB%d-%d"', 1 + s, 1 + (i + s) % 9)
    end
    return string.format([[{"id":"%08x-5f3a-4c1e-9b2d-%012x","imp":[{"id":"1","banner":{%s,"pos":%d,"battr":[1,2,3,5,8,13],]] ..
        [["mimes":["image/jpeg","image/png","image/gif","text/html"],"topframe":1,"api":[3,5,6],"format":[{%s}]},]] ..
        [["instl":0,"tagid":"placement-%d","bidfloor":0.%02d,"bidfloorcur":"CNY","secure":1,"exp":300,]] ..
        [["pmp":{"private_auction":0,"deals":[{"id":"deal-%d","bidfloor":4.5,"bidfloorcur":"CNY","at":1}]}}],]] ..
        [["site":{"id":"site-%d","name":"News of the day","domain":"news%d.example","cat":["IAB12","IAB12-3"],]] ..
        [["sectioncat":["IAB12"],"pagecat":["IAB12-3"],"page":"https://news%d.example/world/2026/article-%d.html?utm_source=feed",]] ..
        [["ref":"https://search.example/","publisher":{"id":"pub-%d","name":"A publisher","domain":"publisher.example"},]] ..
        [["content":{"title":"What happened today","language":"en","keywords":"news,world,economy","len":640}},]] ..
        [["device":{"ua":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",]] ..
        [["sua":{"browsers":[{"brand":"Chromium","version":["126"]},{"brand":"Google Chrome","version":["126"]}],]] ..
        [["platform":{"brand":"Windows","version":["10"]},"mobile":0},"ip":"192.0.2.%d","language":"en","devicetype":2,"os":"Windows","osv":"10",]] ..
        [["h":1080,"w":1920,"js":1,"connectiontype":2,"dnt":0,"lmt":0,"geo":{"lat":39.9,"lon":116.4,"country":"CHN","region":"%d","type":2,"utcoffset":480}},]] ..
        [["user":{"id":"u-%016x","buyeruid":"b-%016x","data":[{"id":"dmp","name":"segments","segment":[%s]}]},]] ..
        [["at":1,"tmax":120,"wseat":[],"cur":["CNY"],"bcat":[%s],"badv":["blocked-a.example","blocked-b.example"],]] ..
        [["source":{"fd":0,"tid":"%08x-0000-4000-8000-%012x","ext":{"schain":{"ver":"1.0","complete":1,"nodes":[]] ..
        [[{"asi":"exchange.example","sid":"%d","hp":1}]}}},"regs":{"coppa":0,"gdpr":0,"us_privacy":"1---"}}]],
        i * 2654435761 % 4294967296, i, size, i % 4, size, i % 50, i % 100, i % 20, i % 300, i % 300, i % 300, i, i % 40,
        i % 250, 1 + i % 30, i * 7919, i * 104729, table.concat(segments, ","), table.concat(categories, ","), i, i, i % 40)
end

local requests, at = {}, 0

function init()
    local headers = {["Content-Type"] = "application/json", ["x-openrtb-version"] = "2.6"}
    for i = 1, 256 do
        requests[i] = wrk.format("POST", nil, headers, bid_request(i))
    end
end

function request()
    at = at % 256 + 1
    return requests[at]
end

function done(summary, latency)
    io.write(string.format("requests %d\nduration_us %d\nerrors %d\nother %d\np50_us %d\np99_us %d\nmax_us %d\n",
        summary.requests, summary.duration,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
        summary.errors.status, latency:percentile(50), latency:percentile(99), latency.max))
end
