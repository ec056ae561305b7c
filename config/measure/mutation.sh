#!/usr/bin/env bash
# Measures how many small faults in the protocol the tests notice (PIT). See --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

usage() {
  cat <<'HELP'
Usage: config/measure/mutation.sh [--quick] [--package P] [--group G]... [--threshold N]

Plants one small fault after another (a "mutant") into the classes of io.mpilock.internal and the packages below it,
runs the tests that reach it, and counts the faults that a test noticed: by failing, or by never ending. Fails if fewer
than 85 % were noticed, or if a package is measured by no group. Prints a table of the classes; the
report mpilock-core/target/mutation/GROUP/index.html lists, line by line, what was not noticed.

The classes are measured in groups, each with its tests: pure ones, and simulations with a small number of runs. No
launcher is started. It takes long. On a busy machine a fault may count as never ending only because its tests were
slow, so measure on an idle machine, or group by group. job, window, node and rank take minutes, call a quarter of
an hour, agent and core more than an hour.

  --quick         only the groups whose tests are pure: job, window
  --package P     only the group of io.mpilock.internal.job (P = job), or all others (P = internal)
  --group G       only this group, or these: job, window, lock, rank, calls, agent, core
  --threshold N   fail below N % instead of 85
  --help          this text
HELP
}

fail() {
  echo "mutation.sh: $1" >&2
  exit "${2:-1}"
}

groups=()
threshold=85
while [ $# -gt 0 ]; do
  case $1 in
    --quick) groups=(job window) ;;
    --package)
      case ${2:-} in
        job) groups=(job) ;;
        internal) groups=(window node rank call agent core) ;;
        *) fail "--package is followed by job or internal (see --help)" 2 ;;
      esac
      shift
      ;;
    --group)
      [[ ${2:-} =~ ^(job|window|node|rank|call|agent|core)$ ]] || fail "there is no group ${2:-} (see --help)" 2
      groups+=("$2")
      shift
      ;;
    --threshold)
      [[ ${2:-} =~ ^[0-9]{1,3}$ ]] || fail "--threshold is followed by a number (see --help)" 2
      threshold=$2
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "there is no option $1 (see --help)" 2 ;;
  esac
  shift
done
[ ${#groups[@]} -gt 0 ] || groups=(job window node rank call agent core)

# --- which packages are measured by which tests

# The group of a package measures all of its classes; core is what is in none below io.mpilock.internal.
declare -A tests=(
  [job]="job.*Test"
  [window]="window.*Test node.NodeLockWordsTest node.NodeLockTest"
  [node]="node.*Test NodeLockSimulationTest agent.NodeGateSimulationTest"
  [rank]="rank.*Test NamesSimulationTest agent.NodeGateSimulationTest"
  [call]="call.*Test agent.StreamRelayTest OneNodeContract LockListenerTest"
  [agent]="agent.*Test CallsAlongTheTreeTest JobStatusTest AgentSimulationTest"
  [core]="ControllerCoreTest agent.AgentTest JobStatusTest OneNodeContract TwoNodesContract"
)

# How many runs of each simulation: those of whole controllers are long.
declare -A runs=([agent]=10)

cd "$root"
sources=mpilock-core/src/main/java/io/mpilock/internal
for package in "$sources"/*/; do
  package=$(basename "$package")
  [ -n "${tests[$package]:-}" ] || fail "package $package is in no group of this script, so it is not measured"
done

# shellcheck source-path=SCRIPTDIR source=../build/jdk25.sh
. config/build/jdk25.sh
command -v mvn >/dev/null || fail "Maven is missing; install it (on Debian: apt-get install maven)"

# --- measure

comma_separated() { # the full names of the tests $1
  local name names list=()
  read -ra names <<<"$1"
  for name in "${names[@]}"; do
    case $name in
      OneNodeContract | TwoNodesContract | LockListenerTest | JobStatusTest) list+=("io.mpilock.$name") ;;
      *) list+=("io.mpilock.internal.$name") ;;
    esac
  done
  (IFS=, && echo "${list[*]}")
}

mvn -q -B -pl mpilock-core test-compile </dev/null || fail "the tests do not compile"
reports=()
for group in "${groups[@]}"; do
  report=mpilock-core/target/mutation/$group
  rm -rf "$report"
  mkdir -p "${report%/*}"
  echo "mutation.sh: group $group" >&2
  # The threshold is for all groups together.
  mvn -q -B -pl mpilock-core -Pmutation -Dmutation.threshold=0 "-Dmutation.reports=$root/$report" \
    "-Dmutation.runs=${runs[$group]:-300}" \
    "-Dmutation.classes=io.mpilock.internal.$([ "$group" = core ] && echo "ControllerCore*,io.mpilock.internal.StatusMerger*" || echo "$group.*")" "-Dmutation.tests=$(comma_separated "${tests[$group]}")" \
    org.pitest:pitest-maven:mutationCoverage </dev/null >"$report.log" 2>&1 ||
    fail "group $group failed; $report.log says why"
  reports+=("$report/mutations.xml")
done

# --- what the reports say

awk -v threshold="$threshold" '
  /<mutation / {
    match($0, /status=.[A-Z_]*/)
    status = substr($0, RSTART + 8, RLENGTH - 8)
    match($0, /<mutatedClass>[^<$]*/)
    class = substr($0, RSTART + 14, RLENGTH - 14)
    sub(/^io\.mpilock\.internal\./, "", class)
    if (!(class in all)) order[++classes] = class
    all[class]++
    if (status == "TIMED_OUT") endless[class]++
    if (status != "SURVIVED" && status != "NO_COVERAGE") noticed[class]++
  }
  function row(name, noticed, endless, all) {
    printf "%-16s %8d %8d %13d %6.1f %%\n", name, all, noticed, endless, 100 * noticed / all
  }
  END {
    if (classes == 0) { print "mutation.sh: no mutant was made" > "/dev/stderr"; exit 1 }
    printf "%-16s %8s %8s %13s %8s\n", "class", "mutants", "noticed", "(never ended)", "score"
    for (i = 1; i <= classes; i++) {
      class = order[i]
      row(class, noticed[class], endless[class], all[class])
      sum += all[class]; sumNoticed += noticed[class]; sumEndless += endless[class]
    }
    row("all", sumNoticed, sumEndless, sum)
    if (100 * sumNoticed < threshold * sum) {
      printf "mutation.sh: fewer than %d %% of the mutants were noticed\n", threshold > "/dev/stderr"
      exit 1
    }
  }' "${reports[@]}"
