# Read by the scripts one folder up: where everything is, what is installed, and the load tools and the broker built, so that no measurement waits for that.
here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/.." && pwd -P)
load=$here/load
tools=$root/artifacts/load
export PATH=$PATH:/usr/sbin   # where Debian keeps mosquitto

# need COMMAND-OR-FILE PACKAGE
need() {
  [ -e "$1" ] || command -v "$1" >/dev/null && return
  printf '%s: installing %s\n' "${0##*/}" "$2" >&2
  if [ "$(id -u)" = 0 ]; then as_root=; elif command -v sudo >/dev/null; then as_root=sudo
  else printf '%s: %s is missing, and installing it needs root or sudo\n' "${0##*/}" "$2" >&2; exit 1; fi
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
"$root/mqtt" --version >&2

# Our broker as the load tools want it: nothing is dropped, as with mosquitto.sh.
flags='serve -p {port} --memory --queue-count off --queue-bytes off --outbox 32M'
serve="$root/mqtt $flags"

# Runs compare.py as long as ROUNDS, DURATION and WARM say: measure OPTION ...
measure() {
  python3 "$load/compare.py" --load "$tools/mqttload" --rounds "${ROUNDS:-5}" --duration "${DURATION:-5}" --warm "${WARM:-6}" "$@"
}

# Waits until the process $broker listens on $port.
await_broker() {
  until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    kill -0 "$broker" 2>/dev/null || { printf '%s: the broker did not start\n' "${0##*/}" >&2; exit 1; }
  done
}
