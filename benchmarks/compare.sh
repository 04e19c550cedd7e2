#!/usr/bin/env bash
# Compares the broker of this tree with Debian's mosquitto and the bare relay, with the broker on one core and on all, and writes
# benchmarks/RESULTS.md and cost.svg: compare.sh [SCENARIO ...]. ROUNDS, DURATION and WARM (seconds) change how long it takes, PINS which pinnings are run.
set -euo pipefail

. "$(dirname "$0")/load/prepare.sh"

[ $# -gt 0 ] || set -- pairs1_q0 pairs1_q1 fanin20_q0 fanout20_q0 fanout1000_q0 pairs50_q1_256 mesh20_q0 pair1_5k big_1mib_q0 conn10k subs100k retained50k offline100k
for pin in ${PINS:-split none}; do
  measure --pin "$pin" --base mosquitto --json "$tools/$pin.json" \
    --broker null="$tools/nullrelay {port}" \
    --broker mosquitto="$load/mosquitto.sh {port}" \
    --broker ours="$serve" \
    --scenario "$@"
done
[ ! -e "$tools/split.json" ] || python3 "$load/chart.py" "$tools/split.json" "$here/cost.svg"
python3 "$load/report.py" "$tools" ${PINS:-split none} >"$here/RESULTS.md"
printf 'compare.sh: wrote %s\n' "$here/RESULTS.md" >&2
