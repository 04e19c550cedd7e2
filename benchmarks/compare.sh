#!/usr/bin/env bash
# Compares the broker of this tree with Debian's mosquitto and the bare relay, with the broker on one core and on all, and writes
# benchmarks/RESULTS.md and cost.svg: compare.sh [SCENARIO ...]. ROUNDS, DURATION and WARM (seconds) change how long it takes, PINS which pinnings are run.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/.." && pwd -P)
load=$here/load
tools=$root/artifacts/load
export PATH=$PATH:/usr/sbin   # where Debian keeps mosquitto

need() {
  command -v "$1" >/dev/null && return
  printf 'compare.sh: installing %s\n' "$2" >&2
  if [ "$(id -u)" = 0 ]; then as_root=; elif command -v sudo >/dev/null; then as_root=sudo
  else printf 'compare.sh: %s is missing, and installing it needs root or sudo\n' "$1" >&2; exit 1; fi
  $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends "$2" >/dev/null
}
need g++ g++
need python3 python3
need taskset util-linux
need mosquitto mosquitto

mkdir -p "$tools"
for tool in mqttload nullrelay; do
  [ "$tools/$tool" -nt "$load/$tool.cpp" ] || g++ -O2 -std=c++20 -o "$tools/$tool" "$load/$tool.cpp"
done
"$root/mqtt" --version >&2   # builds it, so that no measurement waits for that

[ $# -gt 0 ] || set -- pairs1_q0 pairs1_q1 fanin20_q0 fanout20_q0 fanout1000_q0 pairs50_q1_256 mesh20_q0 pair1_5k big_1mib_q0 conn10k subs100k retained50k offline100k
for pin in ${PINS:-split none}; do
  python3 "$load/compare.py" --load "$tools/mqttload" --rounds "${ROUNDS:-5}" --duration "${DURATION:-5}" --warm "${WARM:-3}" \
    --pin "$pin" --base mosquitto --json "$tools/$pin.json" \
    --broker null="$tools/nullrelay {port}" \
    --broker mosquitto="$load/mosquitto.sh {port}" \
    --broker ours="$root/mqtt serve -p {port} --memory --queue-count off --queue-bytes off --outbox 32M" \
    --scenario "$@"
done
[ ! -e "$tools/split.json" ] || python3 "$load/chart.py" "$tools/split.json" "$here/cost.svg"
python3 "$load/report.py" "$tools" ${PINS:-split none} >"$here/RESULTS.md"
printf 'compare.sh: wrote %s\n' "$here/RESULTS.md" >&2
