#!/usr/bin/env bash
# Compares the broker of this tree with mosquitto and the bare relay: run.sh [SCENARIO ...], five rounds each, medians.
# ROUNDS=3 and PIN=none change what is measured. Needs g++, python3 and mosquitto.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
tools=$root/artifacts/load

for program in g++ python3 taskset; do
  command -v "$program" >/dev/null || { printf 'run.sh: %s is missing\n' "$program" >&2; exit 1; }
done
export PATH=$PATH:/usr/sbin   # where Debian keeps mosquitto
command -v mosquitto >/dev/null || { printf 'run.sh: mosquitto is missing\n' >&2; exit 1; }

mkdir -p "$tools"
for tool in mqttload nullrelay; do
  [ "$tools/$tool" -nt "$here/$tool.cpp" ] || g++ -O2 -std=c++20 -o "$tools/$tool" "$here/$tool.cpp"
done
"$root/mqtt" --version >&2   # builds it, so that no measurement waits for that

[ $# -gt 0 ] || set -- pairs1_q0 fanout20_q0 pairs50_q1_256 pair1_5k
exec python3 "$here/compare.py" --load "$tools/mqttload" --rounds "${ROUNDS:-5}" --pin "${PIN:-split}" --base mosquitto \
  --broker null="$tools/nullrelay {port}" \
  --broker mosquitto="$here/mosquitto.sh {port}" \
  --broker ours="$root/mqtt serve -p {port} --memory" \
  --scenario "$@"
