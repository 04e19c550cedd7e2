#!/usr/bin/env bash
# What `mqtt bench` costs itself for each message that it delivers, beside mqttload with the same load on the same broker: bench.sh. The broker has one
# core, the load tool the other. Prints medians in microseconds of processor time. ROUNDS and DURATION (seconds) change how long it takes.
set -euo pipefail

. "$(dirname "$0")/load/prepare.sh"
port=${PORT:-21995}
seconds=${DURATION:-8}

# shellcheck disable=SC2086
taskset -c 0 "$root/mqtt" ${flags/\{port\}/$port} >/dev/null 2>&1 & broker=$!
trap 'kill $broker 2>/dev/null; wait' EXIT
await_broker

# cost NAME-OF-THE-COUNT COMMAND: of the process as a whole; for the program of .NET that is with its start, and with the compiling of what becomes hot.
cost() {
  local TIMEFORMAT='%U %S' count=$1; shift
  { time taskset -c 1 "$@" >"$tools/bench.json"; } 2>"$tools/bench.time"
  python3 - "$tools/bench.json" "$tools/bench.time" "$count" <<'PYTHON'
import json, sys
spent = sum(map(float, open(sys.argv[2]).read().split()[-2:]))
print(spent * 1e6 / json.loads(open(sys.argv[1]).read().splitlines()[-1])[sys.argv[3]])
PYTHON
}

# Of the numbers that come in, one to a line.
median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

# compare NAME FLAGS-OF-MQTTLOAD FLAGS-OF-BENCH
compare() {
  local round
  : >"$tools/load.costs"; : >"$tools/bench.costs"
  for ((round = 0; round < ${ROUNDS:-3}; round++)); do
    # shellcheck disable=SC2086
    cost delivered "$tools/mqttload" --port "$port" --duration "$seconds" $2 >>"$tools/load.costs"
    # shellcheck disable=SC2086
    cost received "$root/mqtt" bench $3 -V 311 -p "$port" -d "${seconds}s" --json --quiet >>"$tools/bench.costs"
  done
  awk -v name="$1" -v load="$(median <"$tools/load.costs")" -v bench="$(median <"$tools/bench.costs")" \
    'BEGIN { printf "%-16s mqttload %.3f   mqtt bench %.3f   %.2fx\n", name, load, bench, bench / load }'
}

compare pairs1_q0 '--topology pairs' 'pairs -w 1000'
compare pairs1_q1 '--topology pairs --qos 1 --inflight 1000' 'pairs -q 1 -w 1000 -M 1000'
compare pairs50_q1_256 '--topology pairs --pubs 50 --subs 50 --qos 1 --size 256 --window 100' 'pairs -n 50 -q 1 -s 256'
compare fanin20_q0 '--topology fanin --pubs 20 --subs 1 --window 100' 'fanin -n 20'
compare fanout20_q0 '--topology fanout --subs 20 --window 200' 'fanout -n 20 -w 200'
