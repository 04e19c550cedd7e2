#!/usr/bin/env bash
# How cost grows with the number of subscriptions, connections, retained and queued messages and with payload, ours beside mosquitto, the broker on one
# core and the generator on the other: growth.sh. Writes benchmarks/GROWTH.md. ROUNDS; GROWTH="subs retained" runs only those tables,
# SIZES="10 1000" other rows. Needs what compare.sh needs.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/.." && pwd -P)
load=$here/load
tools=$root/artifacts/load
export PATH=$PATH:/usr/sbin   # where Debian keeps mosquitto

mkdir -p "$tools"
[ "$tools/mqttload" -nt "$load/mqttload.cpp" ] || g++ -O2 -std=c++20 -o "$tools/mqttload" "$load/mqttload.cpp"
"$root/mqtt" --version >&2

# shellcheck disable=SC2086 # lists of words
python3 -B "$load/growth.py" --load "$tools/mqttload" --rounds "${ROUNDS:-1}" \
  --ours "$root/mqtt serve -p {port} --memory --queue-count off --queue-bytes off --outbox 32M" --mosquitto "$load/mosquitto.sh {port}" \
  --tables ${GROWTH:-subs connections payload retained offline} ${SIZES:+--sizes $SIZES} >"$tools/growth.md"
mv "$tools/growth.md" "$here/GROWTH.md"
printf 'growth.sh: wrote %s\n' "$here/GROWTH.md" >&2
