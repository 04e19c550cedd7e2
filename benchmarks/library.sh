#!/usr/bin/env bash
# What a message costs where the broker lives inside somebody's process that sets no switch of the runtime and keeps its thread pool busy:
# library.sh [SCENARIO ...]. `serve` is the program mqtt; `library` a host, `busy` the same with a busy pool, `sockets` with a busy pool over the
# runtime's sockets. Their figures are of the whole process, the host's own work among it, which costs twice as much beside a load as alone; before them,
# what our own threads cost alone. ROUNDS, DURATION, WARM and PINS as in compare.sh.
set -euo pipefail

. "$(dirname "$0")/load/prepare.sh"
host=$root/artifacts/bin/Mqtt.LibraryHost/release/Mqtt.LibraryHost

dotnet build "$here/Mqtt.LibraryHost" -c Release -v quiet -nologo >&2

# The nanoseconds that our own threads (mqtt-...) of the process $broker have had.
spent() { for task in "/proc/$broker/task/"*; do printf '%s %s\n' "$(cat "$task/comm")" "$(cat "$task/schedstat")"; done 2>/dev/null | awk '/^mqtt-/ { sum += $2 } END { printf "%.0f", sum }'; }

# by_thread NAME COMMAND ...
by_thread() {
  local name=$1; shift
  "$@" >/dev/null & broker=$!
  await_broker
  "$tools/mqttload" --port "$port" --topology pairs --rate 5000 --window 0 --duration 16 >/dev/null & local load=$!
  sleep 5; local before; before=$(spent); sleep 10
  awk -v name="$name" -v spent=$(($(spent) - before)) 'BEGIN { printf "%-8s our own threads: %.1f us of CPU for each of 5,000 messages a second\n", name, spent / 50000000 }'
  wait $load; kill "$broker"; wait "$broker" 2>/dev/null || true
}

port=21993
for round in $(seq "${ROUNDS:-5}"); do
  by_thread serve "$root/mqtt" serve -p $port --memory
  by_thread library "$host" $port
  by_thread busy "$host" $port 16
done

[ $# -gt 0 ] || set -- pair1_5k pairs1_q0
for pin in ${PINS:-none}; do
  measure --pin "$pin" --base serve \
    --broker serve="$root/mqtt serve -p {port} --memory" \
    --broker library="$host {port}" \
    --broker busy="$host {port} 16" \
    --broker sockets="$host {port} 16 sockets" \
    --scenario "$@"
done
