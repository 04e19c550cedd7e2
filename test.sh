#!/usr/bin/env bash
# Builds everything in Release and runs every test. The last line is always "N passed, N failed".
#
#   ./test.sh            all tests, and whether docs/conformance.md is up to date
#   ./test.sh WORD       only the tests whose full name contains WORD
#   ./test.sh --update   all tests, and writes docs/conformance.md and the snapshots of the public API anew
#
# On Debian and its kin, what tests need beside the SDK is installed (as root or through sudo); elsewhere it says what is missing.
set -uo pipefail
cd "$(dirname "$0")" || exit 1

readonly RESULTS=artifacts/test-results
readonly LIMIT=600   # seconds for one test project; a run that hangs is ended and counts as failed
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1

passed=0 failed=0 skipped=0 broken=0
filter='' update=''

main() {
  case ${1:-} in
    '') ;;
    --update) update=yes; export MQTT_UPDATE_SNAPSHOTS=1 ;;
    -*) usage ;;
    *) filter=$1 ;;
  esac
  [ $# -le 1 ] || usage

  install_what_is_missing
  build
  run_all
  [ -n "$filter" ] || conformance
  finish
}

usage() { sed -n '2,6s/^# \{0,1\}//p' test.sh >&2; exit 2; }

# Something without which no test can run.
give_up() { printf 'test.sh: %s\n' "$1" >&2; failed=$((failed + 1)); finish; }

finish() {
  [ "$skipped" -eq 0 ] || printf '%s skipped\n' "$skipped"
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ] && [ "$broken" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

# --- What tests need -------------------------------------------------------------------------------------------------------------

install_what_is_missing() {
  command -v dotnet >/dev/null || give_up 'the .NET SDK 10 is missing: no dotnet in PATH (https://dot.net)'
  dotnet --version >/dev/null 2>&1 || give_up 'the .NET SDK here is older than global.json asks for (https://dot.net)'

  local packages=()
  has mosquitto_pub || packages+=(mosquitto-clients)
  has mosquitto || packages+=(mosquitto)
  has node || packages+=(nodejs)
  has npm || packages+=(npm)
  has_sqlite || packages+=(libsqlite3-0)
  [ ${#packages[@]} -eq 0 ] || install_packages "${packages[@]}"

  install_node_modules
}

# Daemons live in sbin, which is not in everybody's PATH.
has() { PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v "$1" >/dev/null; }

# The library that stores of a client's queue use where a program brings none; other systems than Linux have one.
has_sqlite() { [ "$(uname)" != Linux ] || PATH=$PATH:/usr/sbin:/sbin ldconfig -p | grep -F libsqlite3.so.0 >/dev/null; }

install_packages() {
  local sudo=''
  has apt-get || give_up "missing, and there is no apt-get to install them with: $*"
  if [ "$(id -u)" -ne 0 ]; then
    has sudo || give_up "missing, and installing needs root or sudo: $*"
    sudo=sudo
  fi

  printf 'Installing %s ...\n' "$*"
  local policy=/usr/sbin/policy-rc.d policy_is_ours=''
  # The tests start brokers of their own; a service started by the installation would only take port 1883.
  if [ ! -e $policy ]; then
    policy_is_ours=yes
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null && $sudo chmod +x $policy
  fi
  local log status=0
  log=$({ $sudo apt-get update -q && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"; } </dev/null 2>&1) ||
    status=$?
  [ -z "$policy_is_ours" ] || $sudo rm -f $policy
  [ $status -eq 0 ] || { printf '%s\n' "$log" >&2; give_up "apt-get could not install: $*"; }
}

# The exact versions of package-lock.json, once.
install_node_modules() {
  local folder=tests/interop log
  [ -e $folder/package-lock.json ] || return 0
  [ ! $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ] || return 0
  log=$(cd $folder && npm ci --no-audit --no-fund --ignore-scripts 2>&1 </dev/null) || { printf '%s\n' "$log" >&2; give_up "npm ci failed in $folder"; }
}

# --- Build and run ---------------------------------------------------------------------------------------------------------------

build() {
  local log
  log=$(dotnet build Mqtt.sln -c Release -v quiet -nologo --disable-build-servers 2>&1 </dev/null) ||
    { grep -E ': (error|fatal) ' <<<"$log" | sort -u | head -n 50 || printf '%s\n' "$log"; give_up 'the build failed'; }
}

run_all() {
  rm -rf $RESULTS
  mkdir -p $RESULTS
  local project
  for project in tests/*.Tests/*.csproj; do
    run "$(basename "$project" .csproj)"
  done
  [ $((passed + failed)) -gt 0 ] || give_up "no test was run${filter:+: no name contains $filter}"
}

run() {
  local name=$1 program=artifacts/bin/$1/release/$1 results=$RESULTS/$1.xml log=$RESULTS/$1.log started=$SECONDS status=0 head
  local arguments=(-noColor -noLogo -preEnumerateTheories -reporter quiet -printMaxStringLength 0 -xml "$results")
  [ -z "$filter" ] || arguments+=(-method "*$filter*")
  grep -qF "\\$name.csproj" Mqtt.sln || { printf "%s: not part of Mqtt.sln\n" "$name"; failed=$((failed + 1)); return; }

  local limit=()
  ! has timeout || limit=(timeout --kill-after=10 $LIMIT)
  ${limit[@]+"${limit[@]}"} "$program" "${arguments[@]}" </dev/null >"$log" 2>&1 || status=$?
  cat "$log"   # not through a pipe, which a process that a test left behind would keep open

  head=$(grep -o '<assembly [^>]*>' "$results" 2>/dev/null | head -n 1)
  local ok bad errors skip
  ok=$(count "$head" passed) bad=$(count "$head" failed) errors=$(count "$head" errors) skip=$(count "$head" skipped)
  bad=$((bad + errors))
  if [ $bad -eq 0 ] && ! nothing_matched "$head" $((ok + skip)); then
    # An exception that no test caught does not always show in the exit code.
    if [ $status -ne 0 ] || grep -qF '[FATAL ERROR]' "$log"; then
      printf '%s: broke down (exit code %s%s)\n' "$name" $status "$([ $status -ne 124 ] || printf ', after %s s' $LIMIT)"
      bad=1
    fi
  fi

  passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
  [ $((ok + bad + skip)) -eq 0 ] || printf '%-32s %6s passed %5s failed %5s skipped %5s s\n' "$name" $ok $bad $skip $((SECONDS - started))
}

# A number of the <assembly> element, 0 if it is not there.
count() {
  local number
  number=$(sed -n "s/.* $2=\"\([0-9]*\)\".*/\1/p" <<<"$1")
  printf '%s' "${number:-0}"
}

# With a filter, most projects have nothing to run, which xUnit reports as a failure.
nothing_matched() { [ -n "$filter" ] && [ -n "$1" ] && [ "$2" -eq 0 ]; }

# --- Conformance -----------------------------------------------------------------------------------------------------------------

conformance() {
  local program=artifacts/bin/Mqtt.Conformance/release/Mqtt.Conformance mode=--check
  if [ -n "$update" ]; then
    mode=''
  elif [ $failed -gt 0 ]; then
    printf 'docs/conformance.md is not compared, since tests failed.\n'
    return
  fi
  $program tests/spec $RESULTS docs/conformance.md $mode || broken=1
}

main "$@"
