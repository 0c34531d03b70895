-- Requests of soak.py: one in 16 starts a thread, one in 64 a process. The last line of wrk's output
-- is one of JSON.
local turn = 0

function request()
	turn = turn + 1
	if turn % 64 == 0 then
		return wrk.format("GET", "/process")
	elseif turn % 16 == 0 then
		return wrk.format("GET", "/thread")
	end
	return wrk.format("GET", "/")
end

function done(summary, latency, requests)
	local errors = summary.errors
	io.write(string.format('{"requests": %d, "us": %d, "failed": %d, "late": %d, "p50": %d, "p99": %d, "most": %d}\n',
		summary.requests, summary.duration, errors.connect + errors.read + errors.write + errors.status,
		errors.timeout, latency:percentile(50), latency:percentile(99), latency.max))
end
