#!/usr/bin/env bash
# How cost grows with the number of subscriptions, connections, retained and queued messages and with payload, ours beside mosquitto, the broker on one
# core and the generator on the other: growth.sh. Writes benchmarks/GROWTH.md. ROUNDS; GROWTH="subs retained" runs only those tables,
# SIZES="10 1000" other rows.
set -euo pipefail

. "$(dirname "$0")/load/prepare.sh"

# shellcheck disable=SC2086 # lists of words
python3 -B "$load/growth.py" --load "$tools/mqttload" --rounds "${ROUNDS:-1}" \
  --ours "$serve" --mosquitto "$load/mosquitto.sh {port}" \
  --tables ${GROWTH:-subs connections payload retained offline} ${SIZES:+--sizes $SIZES} >"$tools/growth.md"
mv "$tools/growth.md" "$here/GROWTH.md"
printf 'growth.sh: wrote %s\n' "$here/GROWTH.md" >&2
