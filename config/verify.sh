#!/usr/bin/env bash
# Checks what the first lane checks, or everything. See --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
  cat <<'HELP'
Usage: config/verify.sh [--ci | --full] [--no-install]

Finds a JDK 25, as root on Debian installs what else is missing (config/build/setup.sh), checks the scripts with shellcheck,
and runs "mvn clean verify" to its end: format, Error Prone, NullAway, and tests, those under the launchers of Open MPI
and MPICH included. There are two lanes of test classes. The first has all units, contracts over all transports and
launchers, hosts, the starter, the documents and the demo. The second has the proofs (classes with @Proof): models,
Lincheck, jcstress, simulations, fuzzing, soak, leaks.

  (nothing)      the first lane: before every commit, some 10 minutes
  --ci           both lanes, the proofs in their short form, and a second build that must make the same jars
                 (config/build/reproduce.sh); .ci/run does this
  --full         both lanes, the proofs in full, and the second build: before a change of internal, transport or a codec
                 is said to be done
  --no-install   install nothing; name what is missing and end with 1
  --help         this text

It fails if a launcher is missing, if a test was skipped, if a test class of the chosen lanes did not run, or if a test
class belongs to no lane. It also fails if the launchers leave something in shared memory or in the temporary directory,
or if a rank is still running. As root it has a /dev/shm of its own, so it does not see what other jobs have there.

It lists the ten slowest classes. The last line is "N passed, N failed". Ends with 0 if nothing failed.
HELP
}

note() {
  echo "verify.sh: $1" >&2
}

fail() {
  note "$1"
  exit "${2:-1}"
}

lane=first
setup=()
for option in "$@"; do
  case $option in
    --ci) lane=ci ;;
    --full) lane=full ;;
    --no-install) setup=(--no-install) ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "there is no option $option (see --help)" 2 ;;
  esac
done

cd "$root"

# --- a /dev/shm of its own, and simulated hosts that only this run sees

# A mount namespace with both, in which this script begins again.
separate='mkdir -p /run/netns && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && mount -t tmpfs tmpfs /run/netns && exec "$@"'
if [ -z "${VERIFY_SEPARATE:-}" ]; then
  export VERIFY_SEPARATE=no
  # shellcheck disable=SC2016 # for the inner shell
  if unshare --mount sh -c "$separate" sh true 2>/dev/null; then
    VERIFY_SEPARATE=yes exec unshare --mount sh -c "$separate" sh config/verify.sh "$@"
  fi
fi

# shellcheck source-path=SCRIPTDIR source=build/jdk25.sh
. config/build/jdk25.sh
config/build/setup.sh ${setup[@]+"${setup[@]}"}

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
shellcheck -x "${scripts[@]}" || problem "shellcheck found faults"

# --- the classes of each lane

modules=()
while IFS= read -r module; do
  [ ! -d "$module/src/test/java" ] || modules+=("$module")
done < <(sed -n 's|.*<module>\(.*\)</module>.*|\1|p' pom.xml)

classes() { # the test classes of the chosen lanes: module, class
  local module file name
  for module in "${modules[@]}"; do
    while IFS= read -r file; do
      if [ "$lane" = first ] && grep -q '^@Proof$' "$file"; then continue; fi
      name=${file#"$module/src/test/java/"}
      name=${name%.java}
      echo "$module ${name//\//.}"
    done < <(find "$module/src/test/java" \( -name '*Test.java' -o -name '*Tests.java' \) | sort)
  done
}

# Maven takes a class for a test by its name. Another one with tests is run by name, or is what test classes extend.
while IFS= read -r file; do
  name=$(basename "$file" .java)
  grep -rqwF --include='*.java' --exclude="$name.java" "$name" "${modules[@]/%//src/test/java}" ||
    problem "$file has tests, but belongs to no lane: its name ends neither in Test nor in Tests, and no test class names it"
done < <(grep -rlE --include='*.java' '^ *@(Test|ParameterizedTest|TestFactory|RepeatedTest|RankTest)\b' \
  "${modules[@]/%//src/test/java}" | grep -vE 'Tests?\.java$' | sort)

# --- build and tests

# The launchers' own, so that what they leave can be told from what others put into the temporary directory.
temporary=$(mktemp -d "${TMPDIR:-/tmp}/mpilock.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
mkdir "$temporary/t"
export VERIFY_RUN=$$-$RANDOM$RANDOM # in the environment of all that this run starts

descends_from_here() { # whether process $1 is this script or a child of it
  local pid=$1
  while [ "${pid:-0}" -gt 1 ]; do
    if [ "$pid" = "$$" ]; then return 0; fi
    pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null) || return 1
  done
  return 1
}

running() { # what this run has started, and is not under this script any more
  local directory pid
  for directory in /proc/[0-9]*; do
    pid=${directory#/proc/}
    if grep -qszxF "VERIFY_RUN=$VERIFY_RUN" "$directory/environ" && ! descends_from_here "$pid"; then
      echo "process $pid ($(tr '\0' ' ' 2>/dev/null <"$directory/cmdline" | cut -c 1-200))"
    fi
  done
}

arguments=()
# More than cores, since many tests wait: for launchers, for deaths to be noticed, for time-outs.
# The order puts none of the longest at the end, when the other forks have nothing left to do.
arguments+=("-DforkCount=$(($(nproc) + 1))" -Dsurefire.runOrder=reversealphabetical -Dfailsafe.runOrder=alphabetical)
case $lane in
  first) arguments+=(-DexcludedGroups=proof) ;;
  ci) arguments+=(-Pproofs -Dmpilock.proofs=short) ;;
  full) arguments+=(-Pproofs -Dmpilock.test.optimise=true) ;;
esac

status=0
# A failed test does not keep the modules after it from being tested: the reports decide.
TMPDIR=$temporary/t mvn -B "${arguments[@]}" -Dmaven.test.failure.ignore=true clean verify </dev/null ||
  status=$?
[ "$status" -eq 0 ] || problem "mvn ended with $status"

# --- a second build

if [ "$lane" != first ] && [ "$status" -eq 0 ]; then
  config/build/reproduce.sh || problem "a second build is not the same"
fi

# --- what the reports say

reports() { # the report files of module $1 whose names match $2
  if [ -d "$1/target" ]; then find "$1/target" -path "$1/target/*-reports/$2" -type f | sort; fi
}

suites() { # of each test suite of all modules: seconds, name, tests, skipped, failures, errors
  local module
  for module in "${modules[@]}"; do
    reports "$module" 'TEST-*.xml'
  done | while IFS= read -r report; do
    sed -n '/<testsuite /{p;q;}' "$report"
  done | awk '
    function value(name) { return match($0, " " name "=\"[^\"]*\"") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4) : 0 }
    { seconds = value("time"); gsub(",", "", seconds) }
    { print seconds, value("name"), value("tests"), value("skipped"), value("failures"), value("errors") }'
}
suites >"$temporary/suites"

sum() { awk -v column="$1" '{ sum += $column } END { print sum + 0 }' "$temporary/suites"; }
tests=$(sum 3)
skipped=$(sum 4)
failed=$(($(sum 5) + $(sum 6)))
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

while read -r module class; do
  [ -n "$(reports "$module" "TEST-$class.xml")" ] || problem "$module: $class did not run"
done < <(classes)

# --- what is left behind

remains() {
  if [ "$VERIFY_SEPARATE" = yes ]; then
    find /dev/shm -mindepth 1
    config/hosts.sh list | sed 's/^/simulated hosts /'
  fi
  running
  find "$temporary/t" -mindepth 1 ! -type d
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
[ "$VERIFY_SEPARATE" = yes ] || note "there is no separate /dev/shm (only root can have one), so what is left there was not checked"

echo "The slowest classes, in seconds:"
# awk reads to the end: a reader that stops early can end sort, and with it this script, before the last line is said.
sort -rn "$temporary/suites" | awk 'NR <= 10 { printf "%8.1f  %s\n", $1, $2 }'
echo "$((SECONDS / 60)) minutes and $((SECONDS % 60)) seconds"
echo "$passed passed, $failed failed"
[ "$problems" -eq 0 ]
