#!/usr/bin/env bash
# Checks everything: scripts, format, the compiler's checks, and all tests. See --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
  cat <<'HELP'
Usage: config/verify.sh [--no-install]

Finds a JDK 25, as root on Debian installs what else is missing (config/setup.sh), checks the scripts with shellcheck,
and runs "mvn clean verify" to its end: format, Error Prone, NullAway, and all tests, those under the launchers of
Open MPI and MPICH included. No test is skipped in silence: it fails if a launcher is missing, if a test was skipped,
and if a test class did not run. It also fails if something is left in /dev/shm, if the launchers leave something in the
temporary directory, if a rank still runs, or if a second build makes other jars (config/reproduce.sh).

The last line is "N passed, N failed". Ends with 0 if nothing failed.

  --no-install   install nothing; name what is missing and end with 1
  --help         this text
HELP
}

note() {
  echo "verify.sh: $1" >&2
}

fail() {
  note "$1"
  exit "${2:-1}"
}

setup=()
for option in "$@"; do
  case $option in
    --no-install) setup=(--no-install) ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "there is no option $option (--help tells more)" 2 ;;
  esac
done

cd "$root"
# shellcheck source-path=SCRIPTDIR source=../config/jdk25.sh
. config/jdk25.sh
config/setup.sh ${setup[@]+"${setup[@]}"}

umask 022 # jars tell the permissions of the files that they were made of

problems=0
problem() {
  note "$1"
  problems=$((problems + 1))
}

# --- scripts

scripts=(.ci/run)
while IFS= read -r script; do
  scripts+=("$script")
done < <(find . \( -name target -o -name .git \) -prune -o \( -name '*.sh' -o -name '*.sbatch' \) -type f -print | sort)
shellcheck -x "${scripts[@]}" || problem "shellcheck found fault"

# --- build and tests

modules=()
while IFS= read -r module; do
  modules+=("$module")
done < <(sed -n 's|.*<module>\(.*\)</module>.*|\1|p' pom.xml)

# The launchers' own, so that what they leave can be told from what others put into the temporary directory.
temporary=$(mktemp -d "${TMPDIR:-/tmp}/mpilock.XXXXXX")
trap 'rm -rf "$temporary"' EXIT

shared() { # what this user has in /dev/shm
  if [ -d /dev/shm ]; then find /dev/shm -mindepth 1 -user "$(id -u)" | sort; fi
}
shared >"$temporary/shared-before"
config/hosts.sh list >"$temporary/hosts-before"

descends_from_here() { # whether process $1 is this script or a child of it
  local pid=$1
  while [ "${pid:-0}" -gt 1 ]; do
    if [ "$pid" = "$$" ]; then return 0; fi
    pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null) || return 1
  done
  return 1
}

running() { # ranks and launchers of this checkout's tests that run, and are not under this script
  local directory pid arguments
  for directory in /proc/[0-9]*; do
    pid=${directory#/proc/}
    arguments=$(tr '\0' ' ' 2>/dev/null <"$directory/cmdline") || continue
    if [[ $arguments == *"$root/"*/target/* ]] && ! descends_from_here "$pid"; then echo "process $pid"; fi
  done
}
running >"$temporary/running-before"

mkdir "$temporary/t"
status=0
# A failed test does not keep the modules after it from being tested: the reports decide.
TMPDIR=$temporary/t mvn -B -Dmaven.test.failure.ignore=true clean verify </dev/null || status=$?
[ "$status" -eq 0 ] || problem "mvn ended with $status"

# --- a second build

[ "$status" -ne 0 ] || config/reproduce.sh || problem "a second build is not the same"

# --- what the reports say

reports() { # the report files of module $1 whose names match $2
  if [ -d "$1/target" ]; then find "$1/target" -path "$1/target/*-reports/$2" -type f | sort; fi
}

count() { # the sum of an attribute over the test suites of all modules
  local module
  for module in "${modules[@]}"; do
    reports "$module" 'TEST-*.xml'
  done | while IFS= read -r report; do
    sed -n "/<testsuite /{s/.*<testsuite [^>]* $1=\"\([0-9]*\)\".*/\1/p;q;}" "$report"
  done | awk '{ sum += $1 } END { print sum + 0 }'
}

tests=$(count tests)
skipped=$(count skipped)
failed=$(($(count failures) + $(count errors)))
passed=$((tests - failed - skipped))

# The log is long and its reader may have the end of it only: what failed, and why, is told again here.
for module in "${modules[@]}"; do
  reports "$module" '*.txt'
done | while IFS= read -r report; do
  if grep -qE '<<< (FAILURE|ERROR)!' "$report"; then
    note "from $report:"
    head -n 120 "$report" | cut -c 1-600 >&2
  fi
done

[ "$failed" -eq 0 ] || problem "$failed test(s) failed"
[ "$skipped" -eq 0 ] || problem "$skipped test(s) were skipped"
[ "$tests" -gt 0 ] || problem "no test ran"

for module in "${modules[@]}"; do
  [ -d "$module/src/test/java" ] || continue
  while IFS= read -r class; do
    name=${class%.java}
    name=${name//\//.}
    [ -n "$(reports "$module" "TEST-$name.xml")" ] || problem "$module: $name did not run"
  done < <(cd "$module/src/test/java" && find . \( -name '*Test.java' -o -name '*Tests.java' \) | sed 's|^\./||' | sort)
done

# --- what is left behind

remains() { # new files in /dev/shm that no living process uses; those of other jobs have one
  local file
  shared | comm -13 "$temporary/shared-before" - | while IFS= read -r file; do
    if [ -f "$file" ] && ! grep -qsF "$file" /proc/[0-9]*/maps; then echo "$file"; fi
  done
  running | grep -vxFf "$temporary/running-before" || true
  find "$temporary/t" -mindepth 1 ! -type d
  config/hosts.sh list | grep -vxFf "$temporary/hosts-before" | sed 's/^/simulated hosts /' || true
}

left=$(remains)
for _ in 1 2 3 4 5; do # a launcher may still be tidying up
  [ -n "$left" ] || break
  sleep 2
  left=$(remains)
done
if [ -n "$left" ]; then
  problem "left behind: ${left//$'\n'/, }"
fi

echo "$passed passed, $failed failed"
[ "$problems" -eq 0 ]
