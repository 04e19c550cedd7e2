#!/usr/bin/env bash
# What a message costs where the broker lives inside somebody's process that sets no switch of the runtime and keeps its thread pool busy:
# library.sh [SCENARIO ...]. `serve` is the program mqtt; `library` a host, `busy` the same with a busy pool, `sockets` with a busy pool over the
# runtime's sockets. The host's own work is measured by `idle` and is part of its figure. ROUNDS, DURATION, WARM and PINS as in compare.sh.
set -euo pipefail

. "$(dirname "$0")/load/prepare.sh"
host=$root/artifacts/bin/Mqtt.LibraryHost/release/Mqtt.LibraryHost

dotnet build "$here/Mqtt.LibraryHost" -c Release -v quiet -nologo >&2

"$host" 21993 16 & idle=$!
sleep 2
before=$(awk '{ print $14 + $15 }' "/proc/$idle/stat"); sleep 5; after=$(awk '{ print $14 + $15 }' "/proc/$idle/stat")
kill $idle; wait $idle 2>/dev/null || true
awk -v ticks=$((after - before)) -v each="$(getconf CLK_TCK)" 'BEGIN { printf "idle: the busy host itself takes %.1f ms of processor time a second\n", ticks * 1000 / each / 5 }'

[ $# -gt 0 ] || set -- pair1_5k pairs1_q0
for pin in ${PINS:-none}; do
  measure --pin "$pin" --base serve \
    --broker serve="$root/mqtt serve -p {port} --memory" \
    --broker library="$host {port}" \
    --broker busy="$host {port} 16" \
    --broker sockets="$host {port} 16 sockets" \
    --scenario "$@"
done
