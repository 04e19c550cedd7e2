#!/usr/bin/env bash
# How a probe (500 messages a second) fares beside a flood on the same event loop: fairness.sh [SECONDS]. Prints the probe's latency while the
# broker is quiet, beside a flood from one client to one, and beside one from one client to a thousand.
set -euo pipefail

. "$(dirname "$0")/load/prepare.sh"
seconds=${1:-8}
port=${PORT:-21990}

ulimit -n 8192

"$root/mqtt" serve -p "$port" --memory --event-loops "${LOOPS:-1}" >/dev/null &
broker=$!
trap 'kill $broker 2>/dev/null; wait' EXIT
await_broker

load() { "$tools/mqttload" --port "$port" "$@"; }
probe() { load --prefix "probe" --topology pairs --rate 500 --window 0 --duration "$1"; }
show() { python3 -c 'import json,sys; r=json.loads(sys.stdin.read().splitlines()[-1]); print("%-28s p50 %8.0f us   p99 %8.0f us   max %8.0f us   lost %d" % (sys.argv[1], r["p50_us"], r["p99_us"], r["max_us"], r["lost"]))' "$1"; }
beside() {
  local name=$1; shift
  load --prefix flood --duration $((seconds + 6)) "$@" >/dev/null &
  local flood=$!
  probe 2 >/dev/null          # the flood's own start does not count
  probe "$seconds" | show "$name"
  wait "$flood"
}

load --topology pairs --duration 4 --prefix warm >/dev/null
load --topology fanout --subs 1000 --window 10 --duration 4 --prefix warm >/dev/null
probe "$seconds" | show "quiet"
beside "beside a 1:1 flood" --topology pairs
beside "beside a 1:1000 flood" --topology fanout --subs 1000 --window 10
