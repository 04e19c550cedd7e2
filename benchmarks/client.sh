#!/usr/bin/env bash
# What a message costs our client beside libmosquitto and MQTT.js, on the same broker: client.sh [MODE ...], modes pub0, pub1 and sub0. "ours in turns" publishes a
# hundred messages in a turn. BROKER is mosquitto (default) or ours; ROUNDS, WARM and COUNT (messages) change how long it takes.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/.." && pwd -P)
load=$here/load
tools=$root/artifacts/load
interop=$root/tests/interop
export PATH=$PATH:/usr/sbin   # where Debian keeps mosquitto

need() {
  [ -e "$1" ] || command -v "$1" >/dev/null && return
  printf 'client.sh: installing %s\n' "$2" >&2
  if [ "$(id -u)" = 0 ]; then as_root=; elif command -v sudo >/dev/null; then as_root=sudo
  else printf 'client.sh: %s is missing, and installing it needs root or sudo\n' "$2" >&2; exit 1; fi
  $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends "$2" >/dev/null
}
need gcc gcc
need python3 python3
need node nodejs
need npm npm
need mosquitto mosquitto
need /usr/include/mosquitto.h libmosquitto-dev

mkdir -p "$tools"
[ "$tools/clientload" -nt "$load/clientload.c" ] || gcc -O2 -o "$tools/clientload" "$load/clientload.c" -lmosquitto
[ -d "$interop/node_modules/mqtt" ] || (cd "$interop" && npm ci --no-audit --no-fund --ignore-scripts >/dev/null)
dotnet build "$here/Mqtt.ClientLoad" -c Release -v quiet -nologo --disable-build-servers >&2
ours=$root/artifacts/bin/Mqtt.ClientLoad/release/Mqtt.ClientLoad
export MQTTJS=$interop/node_modules/mqtt

if [ "${BROKER:-mosquitto}" = ours ]; then "$root/mqtt" --version >&2; broker="$root/mqtt serve -p {port} --memory"; else broker="$load/mosquitto.sh {port}"; fi

[ $# -gt 0 ] || set -- pub0 pub1 sub0
python3 "$load/client.py" --rounds "${ROUNDS:-5}" --warm "${WARM:-50000}" --count "${COUNT:-200000}" --broker "$broker" \
  --client libmosquitto="$tools/clientload {mode} {port} {warm} {count}" \
  --client mqtt.js="node $load/clientload.js {mode} {port} {warm} {count}" \
  --client ours="$ours {mode} {port} {warm} {count}" \
  --client "ours in turns@pub0=$ours pub0turn {port} {warm} {count}" \
  --mode "$@"
