#!/usr/bin/env bash
# Mixed load with connection churn for some minutes: soak.sh [MINUTES]. Prints memory and descriptors as it goes; fails if a message of QoS 1 or 2
# is lost, if anything is logged, or if memory or descriptors grow after the first quarter.
set -euo pipefail

. "$(dirname "$0")/load/prepare.sh"
minutes=${1:-10}
port=${PORT:-21991}
seconds=$((minutes * 60))
work=$(mktemp -d)

"$root/mqtt" serve -p "$port" --memory >/dev/null 2>"$work/log" &
broker=$!
trap 'kill $broker 2>/dev/null; wait; rm -rf "$work"' EXIT
await_broker

# Of the network: the runtime opens files of its own when it loads a library late.
descriptors() { find "/proc/$broker/fd" -lname 'socket:*' 2>/dev/null | wc -l; }
before=$(descriptors)

load() { local name=$1; shift; "$tools/mqttload" --port "$port" --prefix "$name" --duration "$seconds" "$@" >"$work/$name.json" 2>&1 & }
load qos0   --topology pairs --pubs 10 --subs 10 --rate 5000 --window 0
load qos1   --topology pairs --pubs 10 --subs 10 --rate 5000 --window 100 --qos 1
load qos2   --topology pairs --pubs 10 --subs 10 --rate 2000 --window 100 --qos 2
load fanout --topology fanout --subs 100 --rate 100 --window 10
load large  --topology pairs --rate 20 --size 262144 --window 4 --qos 1
load churn  --mode churn --conc 20

resident() { awk '/^VmRSS/ { print $2 }' "/proc/$broker/status"; }
step=$((seconds / 21)); early=0; late=0   # The last look is before the load ends.
for i in $(seq 1 20); do
  sleep "$step"
  now=$(resident)
  printf '%5d s   resident %7d KiB   descriptors %4d\n' $((i * step)) "$now" "$(descriptors)"
  [ "$i" -gt 10 ] || [ "$i" -lt 5 ] || { [ "$now" -gt "$early" ] && early=$now; }
  [ "$i" -le 15 ] || { [ "$now" -gt "$late" ] && late=$now; }
done
for job in $(jobs -p); do [ "$job" = "$broker" ] || wait "$job" || true; done

failed=0
check() { if eval "$2"; then printf 'ok       %s\n' "$1"; else printf 'FAILED   %s\n' "$1"; failed=1; fi; }
field() { python3 -c 'import json,sys; r=json.loads(open(sys.argv[1]).read().splitlines()[-1]); print(int(r.get(sys.argv[2], 0)))' "$work/$1.json" "$2"; }
for name in qos1 qos2 large; do check "$name: $(field $name delivered) delivered, nothing lost" "[ $(field $name lost) = 0 ] && [ $(field $name delivered) -gt 0 ]"; done
for name in qos0 fanout; do check "$name: $(field $name closed) connections closed" "[ $(field $name closed) = 0 ]"; done
check "qos2: no duplicates" "[ $(field qos2 dups) = 0 ]"
check "churn: $(field churn cycles) connections came and went" "[ $(field churn cycles) -gt 0 ]"
check "nothing was logged" "[ ! -s $work/log ]"
check "memory is flat: $early KiB in the first half, $late KiB in the last quarter" "[ $late -le $((early + early / 10)) ]"
until [ "$(descriptors)" -le "$before" ] || [ $((tries = ${tries:-0} + 1)) -gt 50 ]; do sleep 0.1; done
check "descriptors are given back: $before before, $(descriptors) after" "[ $(descriptors) -le $((before + 2)) ]"
exit $failed
