#!/usr/bin/env bash
# Uses the locks in every way at random for a long time, over a file that betrays any overlap. See --help.
set -euo pipefail

directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$directory")

usage() {
  cat <<'HELP'
Usage: config/soak.sh --minutes N [options]
       config/soak.sh --names N [--transport T] [--mpi M] [--ranks N] [--hosts H] [--heartbeat S] [--no-build]

Lets ranks x threads take N minutes of locks at random: reads and writes that wait, try, are timed or interrupted,
nested ones, upgrades, downgrades, optimistic reads, single writes that share and that fail, other controllers opened
and closed meanwhile. The resources are parts of a file on a local disk: each write overwrites all of its part and signs
each page, each read checks all of it against its lease's token, so an overlap, a lost update or a wrong token shows.

With --names it does something else: the ranks use N names once each, as many as 100000000, and one name all the time. It
fails if the memory of a rank grows with them, if the window fills up, or if the kept name does not exclude.

  --minutes N      how long; 0.5 is half a minute
  --names N        how many names
  --transport T    native (default), mpj, or local: the ranks are threads of one process
  --mpi M          openmpi (default) or mpich, whose launcher starts the ranks
  --ranks N        the number of ranks (default 4)
  --hosts H        spread over H simulated hosts (config/hosts.sh, as root); with local over H nodes in one process
  --threads N      threads of each rank that lock at random, beside one for what all ranks call together (default 3)
  --resources N    how many resources, 2 to 100 (default 6)
  --seed N         the choices of every thread follow from it (default: a new one, which is printed)
  --stall S        an operation that takes longer than S seconds is a stall (default 60)
  --heartbeat S    the controllers' heartbeat time-out in seconds (default 60, as everywhere)
  --no-build       use what is compiled in mpilock-core/target
  --fault F        what the last rank does wrong on purpose, to see that it is found: unlocked-write, unlocked-read,
                   held-for-ever, frozen
  --help           this text

It reports its progress every 10 s, and at the end how often each mode was granted, gave up and was refused. Ends with 0 if
nothing was found, with 2 for a wrong option, and with 1 for a fault. It then prints what was read and expected, by which
rank, thread and operation, and for a stall also who holds what, and the stacks of all ranks. Ctrl-C ends it early and in
order, a second one at once.

The same seed gives every thread the same choices again, but not the same interleaving.
HELP
}

fail() {
  echo "soak.sh: $1" >&2
  exit "${2:-1}"
}

misuse() {
  fail "$1 (see --help)" 2
}

minutes=""
names=""
transport=native
mpi=""
ranks=4
hosts=""
threads=3
resources=6
seed=""
stall=60
heartbeat=60
build=yes
fault=none

while [ $# -gt 0 ]; do
  option=$1
  shift
  case $option in
    -h | --help)
      usage
      exit 0
      ;;
    --no-build)
      build=""
      continue
      ;;
    --minutes=* | --names=* | --transport=* | --mpi=* | --ranks=* | --hosts=* | --threads=* | --resources=* | --seed=* | --stall=* | \
      --heartbeat=* | --fault=*)
      value=${option#*=}
      option=${option%%=*}
      ;;
    --minutes | --names | --transport | --mpi | --ranks | --hosts | --threads | --resources | --seed | --stall | --heartbeat | --fault)
      [ $# -gt 0 ] || misuse "$option needs a value"
      value=$1
      shift
      ;;
    *) misuse "there is no option $option" ;;
  esac
  printf -v "${option#--}" '%s' "$value"
done

whole() { # option, value, least, most
  if ! [[ $2 =~ ^(0|[1-9][0-9]{0,6})$ ]] || [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then
    misuse "$1 is a whole number from $3 to $4, not '$2'"
  fi
}

if [ -n "$names" ]; then
  [[ $names =~ ^[1-9][0-9]{0,9}$ ]] || misuse "--names is a whole number from 1 to 9999999999, not '$names'"
  [ -z "$minutes" ] || misuse "--names and --minutes are two soaks; leave one out"
  minutes=$(((names + 299999) / 300000)) # at most; it ends with its names
fi
[ -n "$minutes" ] || misuse "--minutes is missing"
if ! [[ $minutes =~ ^[0-9]{1,6}(\.[0-9]{1,6})?$ ]] || [[ $minutes =~ ^0+(\.0+)?$ ]]; then
  misuse "--minutes is a number above 0, such as 10 or 0.5, not '$minutes'"
fi
case $transport in
  native | mpj | local) ;;
  *) misuse "--transport is native, mpj or local, not '$transport'" ;;
esac
case $mpi in
  "" | openmpi | mpich) ;;
  *) misuse "--mpi is openmpi or mpich, not '$mpi'" ;;
esac
case $fault in
  none | unlocked-write | unlocked-read | held-for-ever | frozen) ;;
  *) misuse "--fault is unlocked-write, unlocked-read, held-for-ever or frozen, not '$fault'" ;;
esac
whole --ranks "$ranks" 1 256
[ -z "$hosts" ] || whole --hosts "$hosts" 1 99
whole --threads "$threads" 1 100
whole --resources "$resources" 2 100
whole --stall "$stall" 2 86400
whole --heartbeat "$heartbeat" 1 86400
[[ $seed =~ ^(|-?[0-9]{1,18})$ ]] || misuse "--seed is a whole number of at most 18 digits, not '$seed'"
[ "${hosts:-1}" -le "$ranks" ] || misuse "--hosts $hosts is more than --ranks $ranks"
if [ "$transport" = local ] && [ -n "$mpi" ]; then
  misuse "--transport local has no launcher; leave out --mpi $mpi"
fi
if [ "$transport" = local ] && [ "$fault" = frozen ]; then
  misuse "--fault frozen stops a process, and --transport local has one for all ranks"
fi
mpi=${mpi:-openmpi}
if [ "$transport-$mpi" = mpj-mpich ] && [ -n "$hosts" ]; then
  misuse "MPICH's launcher gives the ranks of several hosts no common name, which mpj meets by; take --mpi openmpi"
fi
if [ -n "$hosts" ] && [ "$transport" != local ] && [ "$(id -u)" -ne 0 ]; then
  fail "only root can simulate hosts; --transport local --hosts $hosts needs no root"
fi
if [ -z "$seed" ]; then
  seed=$(od -An -N6 -tu8 /dev/urandom | tr -d ' ')
fi

# shellcheck source-path=SCRIPTDIR source=build/jdk25.sh
. "$directory/build/jdk25.sh"

# --- what the machine must have

says() { # whether the version of the command $1 matches $2; no pipe into grep -q, which would break it off
  local version
  command -v "$1" >/dev/null && version=$("$1" --version 2>/dev/null </dev/null) && [[ ${version,,} =~ $2 ]]
}

find_launcher() { # the pattern that its version matches, the commands that it may be
  local candidate
  for candidate in "${@:2}"; do
    if says "$candidate" "$1"; then
      launcher=$candidate
      return 0
    fi
  done
  fail "the launcher of $mpi is missing (config/build/setup.sh installs it)"
}

launcher=""
case $transport-$mpi in
  local-*) ;;
  *-openmpi) find_launcher 'open mpi|openrte' mpirun.openmpi mpirun mpiexec ;;
  *-mpich) find_launcher hydra mpiexec.mpich mpiexec.hydra mpiexec mpirun ;;
esac

# --- build

classes=$root/mpilock-core/target
if [ -n "$build" ]; then
  command -v mvn >/dev/null || fail "Maven is missing; install it (on Debian: apt-get install maven)"
  echo "soak.sh: building" >&2
  (cd "$root" && mvn -q -B -pl mpilock-core test-compile) >&2 || fail "the build failed"
fi
[ -f "$classes/test-classes/io/mpilock/soak/Soak.class" ] || fail "nothing is built; leave out --no-build"

# --- the command

places=() # the ranks of each host
for ((i = 0; i < ${hosts:-1}; i++)); do
  places+=($(((ranks + i) / ${hosts:-1})))
done
by_host() { # in the form that launchers like
  local i list=""
  for ((i = 0; i < hosts; i++)); do list+="node$i:${places[i]},"; done
  echo "${list%,}"
}
ranks_per_host=$(
  IFS=,
  echo "${places[*]}"
)

folder=$(mktemp -d "${TMPDIR:-/tmp}/mpilock-soak.XXXXXX")
trap 'rm -rf "$folder"' EXIT
mkdir -m 700 "$folder/meet" "$folder/t"

heap=512m
[ -z "$names" ] || [ "$transport" = local ] || heap=256m # what is not given back would show
program=("$JAVA_HOME/bin/java" -XX:+UseSerialGC -XX:-UsePerfData "-Xmx$heap")
[ "$transport" != native ] || program+=(--enable-native-access=ALL-UNNAMED)
program+=(-cp "$classes/test-classes:$classes/classes" "io.mpilock.soak.${names:+Names}Soak")
program+=(--transport "$transport" --ranks-per-host "$ranks_per_host" --minutes "$minutes" --threads "$threads")
program+=(--resources "$resources" --seed "$seed" --stall "$stall" --heartbeat "$heartbeat" --folder "$folder")
program+=(--fault "$fault")
[ -z "$names" ] || program+=(--names "$names")

command=()
if [ "$transport" != local ]; then
  if [ -n "$hosts" ]; then
    command+=("$directory/hosts.sh" run --hosts "$hosts" --mpi "$mpi" --)
  else
    command+=("$launcher")
  fi
  if [ "$mpi" = openmpi ]; then
    command+=(--map-by slot:OVERSUBSCRIBE --bind-to none)
    if [[ $("${launcher:-mpirun}" --version 2>/dev/null) == *"(Open MPI) 4."* ]]; then command+=(--quiet); fi # 5 refuses it
    [ "$(id -u)" -ne 0 ] || command+=(--allow-run-as-root)
    [ -z "$hosts" ] || command+=(--host "$(by_host)")
    if [ "$transport" = mpj ]; then command+=(-x MPILOCK_MPJ_DIRECTORY); fi
  elif [ -n "$hosts" ]; then
    command+=(-hosts "$(by_host)")
  fi
  command+=(-n "$ranks")
fi
export MPILOCK_MPJ_DIRECTORY=$folder/meet
export TMPDIR=$folder/t # a launcher that is ended at once may leave something there

# --- run

# If not even the ranks' watchdogs run any more, the launcher is ended. timeout has a process group of its own, so
# Ctrl-C at a terminal reaches this script alone.
longest=$(awk -v m="$minutes" -v s="$stall" 'BEGIN { printf "%d", m * 60 + 3 * s + 120 }')
timeout --kill-after=30 "$longest" "${command[@]}" "${program[@]}" </dev/null &
job=$!
stops=0
asked=0
# shellcheck disable=SC2317 # called by the traps
stop() { # asks the ranks to come to an end, the second time the launcher
  stops=$((stops + 1))
  asked=$1
  if [ "$stops" -eq 1 ]; then
    touch "$folder/stop"
    echo "soak.sh: coming to an end" >&2
  else
    kill -TERM "$job" 2>/dev/null || true
  fi
}
trap 'stop 129' HUP
trap 'stop 130' INT
trap 'stop 143' TERM
while true; do
  status=0
  wait "$job" || status=$?
  kill -0 "$job" 2>/dev/null || break # else it was a signal that ended the wait
done

if [ "$status" -eq 0 ] && [ -f "$folder/report-closing" ]; then
  echo "soak: passed: $(cat "$folder/report-closing")"
  exit "$asked"
fi
if [ -f "$folder/report-verdict" ]; then
  cat "$folder/report-verdict" >&2
  for ((i = 0; i < ranks; i++)); do
    if [ -f "$folder/report-rank-$i" ]; then cat "$folder/report-rank-$i" >&2; fi
  done
fi
if [ "$asked" -ne 0 ]; then exit "$asked"; fi
case $status in
  124 | 137) reason="the job did not end within $longest s" ;;
  *) reason="the job ended with status $status" ;;
esac
echo "soak: failed: $reason; seed $seed" >&2
exit 1
