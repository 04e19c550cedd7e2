#!/usr/bin/env bash
# What one slow subscriber does to others: slow.sh [SECONDS]. First a stopped subscriber beside 100 healthy ones, which should keep their rate;
# then 30 publishers into a slow one at QoS 1, of which nothing may be lost. Prints the broker's memory.
set -euo pipefail

. "$(dirname "$0")/load/prepare.sh"
need mosquitto_sub mosquitto-clients
seconds=${1:-60}
port=${PORT:-21992}

"$root/mqtt" serve -p "$port" --memory >/dev/null &
broker=$!
stopped=
trap '[ -z "$stopped" ] || kill -9 $stopped; kill $broker 2>/dev/null; wait' EXIT
await_broker

resident() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$broker/status"; }
healthy() { "$tools/mqttload" --port "$port" --prefix healthy --topology fanout --subs 100 --window 10 --duration 6 | tail -n 1 |
  python3 -c 'import json,sys; r=json.load(sys.stdin); print("%-40s %9.0f messages a second   p99 %7.0f us   lost %d" % (sys.argv[1], r["rate"], r["p99_us"], r["lost"]))' "$1"; }

healthy "warm-up"
printf 'resident %s MiB\n' "$(resident)"
for round in 1 2 3; do
  healthy "100 healthy subscribers"
  mosquitto_sub -p "$port" -t '#' >/dev/null & stopped=$!
  until grep -q '^State:.*S' "/proc/$stopped/status"; do :; done
  sleep 1
  kill -STOP $stopped
  healthy "beside a stopped one"
  printf 'resident %s MiB\n' "$(resident)"
  kill -9 $stopped; wait $stopped 2>/dev/null || true; stopped=
done

python3 "$here/load/slow.py" --port "$port" --pid "$broker" --seconds "$seconds"
