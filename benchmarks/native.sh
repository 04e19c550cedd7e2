#!/usr/bin/env bash
# The program as one native file, compiled ahead of time in whole, beside the one that the runtime compiles as it goes, and mosquitto:
# native.sh [SCENARIO ...]. Prints the tables. ROUNDS, DURATION, WARM and PINS as in compare.sh.
set -euo pipefail

. "$(dirname "$0")/load/prepare.sh"
native=$root/artifacts/native   # with a build of its own beside it: this one leaves no launcher in the ordinary build

need gcc gcc
need /usr/include/zlib.h zlib1g-dev
dotnet publish "$root/src/Mqtt.Tool" -c Release --use-current-runtime -p:PublishAot=true -p:OptimizationPreference=Speed \
  --artifacts-path "$native.build" -o "$native" -v quiet -nologo >&2

[ $# -gt 0 ] || set -- subs100k conn5k pairs1_q0 pairs1_q1 pairs50_q1_256 fanin20_q0 fanout20_q0 pair1_5k
for pin in ${PINS:-split}; do
  measure --pin "$pin" --base mosquitto \
    --broker native="$native/mqtt $flags" \
    --broker serve="$serve" \
    --broker mosquitto="$load/mosquitto.sh {port}" \
    --scenario "$@"
done
