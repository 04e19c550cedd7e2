#!/usr/bin/env bash
# What a message costs our client beside libmosquitto and MQTT.js, on the same broker: client.sh [MODE ...], modes pub0, pub1 and sub0. "ours in turns" publishes a
# hundred messages in a turn. BROKER is mosquitto (default) or ours; ROUNDS, WARM and COUNT (messages) change how long it takes.
set -euo pipefail

. "$(dirname "$0")/load/prepare.sh"
interop=$root/tests/interop

need gcc gcc
need node nodejs
need npm npm
need /usr/include/mosquitto.h libmosquitto-dev

[ "$tools/clientload" -nt "$load/clientload.c" ] || gcc -O2 -o "$tools/clientload" "$load/clientload.c" -lmosquitto
[ -d "$interop/node_modules/mqtt" ] || (cd "$interop" && npm ci --no-audit --no-fund --ignore-scripts >/dev/null)
dotnet build "$here/Mqtt.ClientLoad" -c Release -v quiet -nologo --disable-build-servers >&2
ours=$root/artifacts/bin/Mqtt.ClientLoad/release/Mqtt.ClientLoad
export MQTTJS=$interop/node_modules/mqtt

if [ "${BROKER:-mosquitto}" = ours ]; then broker="$root/mqtt serve -p {port} --memory"; else broker="$load/mosquitto.sh {port}"; fi

[ $# -gt 0 ] || set -- pub0 pub1 sub0
python3 "$load/client.py" --rounds "${ROUNDS:-5}" --warm "${WARM:-50000}" --count "${COUNT:-200000}" --broker "$broker" \
  --client libmosquitto="$tools/clientload {mode} {port} {warm} {count}" \
  --client mqtt.js="node $load/clientload.js {mode} {port} {warm} {count}" \
  --client ours="$ours {mode} {port} {warm} {count}" \
  --client "ours in turns@pub0=$ours pub0turn {port} {warm} {count}" \
  --mode "$@"
