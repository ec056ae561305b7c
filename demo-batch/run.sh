#!/usr/bin/env bash
# Runs the demo on several ranks, after setting up what it needs. See --help.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")

usage() {
  cat <<'HELP'
Usage: demo-batch/run.sh [options]

Runs one Spring Batch job on each of several MPI ranks. All write one HDF5 file, under mpilock's lock.

  --ranks N        the number of ranks (default 4; with --transport local 1)
  --input FILE     the flights (default demo-batch/data/flights.csv)
  --output DIR     where flights.h5, report.csv and report.html go (default demo-batch/output)
  --transport T    auto, native, mpj: MPJ Express, for which the launcher only starts the ranks, or local: one rank
                   without a launcher (default auto)
  --mpi M          openmpi or mpich, whose launcher starts the ranks (default openmpi)
  --fresh          give up the work of an earlier run that did not come to its end, instead of going on with it
  --aot            start faster: with Spring's work ahead of time and the JDK's AOT cache, which the first such run makes
  --mpilock.x=y    any property of mpilock, such as --mpilock.enabled=false to see what the lock is for
  --demo.x=y       any property of the demo, such as --demo.chunk-size=100, --demo.skip-limit=0,
                   --demo.progress=bar|lines|none
  --help           this text

Finds a JDK 25 by itself, builds what is not built or out of date, and as root on Debian installs what is missing of
Open MPI (or MPICH), Maven and, with --transport mpj, MPJ Express. Ends with 0 if the job succeeded.
HELP
}

fail() {
  echo "run.sh: $1" >&2
  exit "${2:-1}"
}

misuse() {
  fail "$1 (--help tells more)" 2
}

# --- arguments

ranks=""
input=$here/data/flights.csv
output=$here/output
transport=auto
mpi=openmpi
aot=""
passed=()

while [ $# -gt 0 ]; do
  option=$1
  shift
  case $option in
    -h | --help)
      usage
      exit 0
      ;;
    --aot)
      aot=yes
      continue
      ;;
    --mpilock.*=* | --demo.*=* | --logging.*=*)
      passed+=("$option")
      continue
      ;;
    --fresh)
      passed+=(--demo.fresh=true)
      continue
      ;;
    --mpilock.* | --demo.*)
      misuse "$option needs a value, as in $option=VALUE"
      ;;
    --ranks=* | --input=* | --output=* | --transport=* | --mpi=*)
      value=${option#*=}
      option=${option%%=*}
      ;;
    --ranks | --input | --output | --transport | --mpi)
      [ $# -gt 0 ] || misuse "$option needs a value"
      value=$1
      shift
      ;;
    *)
      misuse "there is no option $option"
      ;;
  esac
  case $value in
    "" | --*) misuse "$option needs a value" ;;
  esac
  case $option in
    --ranks) ranks=$value ;;
    --input) input=$value ;;
    --output) output=$value ;;
    --transport) transport=$value ;;
    --mpi) mpi=$value ;;
  esac
done

case $transport in
  auto | native | mpj | local) ;;
  *) misuse "--transport is auto, native, mpj or local, not $transport" ;;
esac
case $mpi in
  openmpi | mpich) ;;
  *) misuse "--mpi is openmpi or mpich, not $mpi" ;;
esac
if [ -n "$aot" ] && [ -n "${SPRING_PROFILES_ACTIVE:-}" ]; then
  misuse "--aot takes no profiles, since Spring has decided on them ahead of time; unset SPRING_PROFILES_ACTIVE"
fi
if [ -z "$ranks" ]; then
  if [ "$transport" = local ]; then ranks=1; else ranks=4; fi
fi
if ! [[ $ranks =~ ^[1-9][0-9]{0,4}$ ]]; then
  misuse "--ranks needs a whole number of at least 1, not $ranks"
fi
if [ "$transport" = local ] && [ "$ranks" -gt 1 ]; then
  misuse "--transport local is one rank in one process; leave out --ranks $ranks, or take --transport native"
fi

# --- what the machine must have

installable() {
  [ "$(id -u)" -eq 0 ] && [ -f /etc/debian_version ] && command -v apt-get >/dev/null
}

updated=""
ensure() { # a package of Debian, what it is for, and a command that tells whether it is there
  local package=$1 purpose=$2
  shift 2
  if "$@"; then return; fi
  if ! installable; then
    fail "$purpose is missing; install it (on Debian: apt-get install $package)"
  fi
  echo "run.sh: installing $package" >&2
  if [ -z "$updated" ]; then
    apt-get update -qq >&2 || fail "apt-get update failed, so $package cannot be installed"
    updated=yes
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >&2 ||
    fail "$package could not be installed"
  "$@" || fail "$package was installed, but $purpose is still missing"
}

says() { # whether the version of the command $1 matches $2; no pipe into grep -q, which would break it off
  local version
  command -v "$1" >/dev/null || return 1
  version=$("$1" --version 2>/dev/null) || true
  [[ $version =~ $2 ]]
}

is_open_mpi() {
  says "$1" 'Open MPI|OpenRTE'
}

is_hydra() {
  says "$1" 'HYDRA|Hydra|hydra'
}

launcher=""
find_launcher() {
  local candidate
  if [ "$mpi" = openmpi ]; then
    for candidate in mpirun.openmpi mpirun mpiexec; do
      if is_open_mpi "$candidate"; then
        launcher=$candidate
        return 0
      fi
    done
  else
    for candidate in mpiexec.mpich mpiexec.hydra mpiexec mpirun; do
      if is_hydra "$candidate"; then
        launcher=$candidate
        return 0
      fi
    done
  fi
  return 1
}

has_maven() {
  command -v mvn >/dev/null
}

has_mpj() { # where mpilock looks for it, unless it is told another place
  [[ " ${passed[*]-} " == *" --mpilock.mpj.jar="* ]] || [ -n "${MPILOCK_MPJ_JAR:-}" ] || [ -r /usr/share/java/mpj.jar ]
}

# shellcheck source-path=SCRIPTDIR source=../config/build/jdk25.sh
. "$root/config/build/jdk25.sh"

if [ "$transport" != local ]; then
  if [ "$mpi" = openmpi ]; then
    ensure openmpi-bin "Open MPI (mpirun)" find_launcher
  else
    ensure mpich "MPICH (mpiexec)" find_launcher
  fi
fi

if [ "$transport" = mpj ]; then
  ensure libmpj-java "MPJ Express (mpj.jar)" has_mpj
fi

# --- build

jar=$here/target/demo-batch.jar
built=$here/target/demo-batch.built # the jar's own time is that of the release, for a reproducible build

up_to_date() {
  [ -f "$jar" ] && [ -f "$built" ] && [ -z "$(
    find "$root/pom.xml" "$root/mpilock-core/pom.xml" "$root/mpilock-core/src/main" \
      "$root/mpilock-spring-boot-starter/pom.xml" "$root/mpilock-spring-boot-starter/src/main" \
      "$here/pom.xml" "$here/src/main" "$here/data" -newer "$built" -print -quit
  )" ]
}

# Several JVMs share the machine for a short time: none needs a crowd of threads to collect its little garbage, nor code
# that is compiled for the long run.
java=("$JAVA_HOME/bin/java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1)
if [ -n "$aot" ]; then
  ensure maven "Maven (mvn)" has_maven
  "$here/aot.sh" >&2 || fail "the build ahead of time failed"
  jar=$here/target/aot/demo-batch.jar
  java+=("-XX:AOTCache=$here/target/aot/both.aot" -Dspring.aot.enabled=true)
elif ! up_to_date; then
  ensure maven "Maven (mvn)" has_maven
  echo "run.sh: building" >&2
  (cd "$root" && mvn -q -B -DskipTests -pl demo-batch -am package) >&2 || fail "the build failed"
  touch "$built"
fi

# --- run

cores() { # those that Open MPI counts: physical ones
  local count=""
  if command -v lscpu >/dev/null; then
    count=$(lscpu -p=CORE,SOCKET 2>/dev/null | grep -v '^#' | sort -u | wc -l)
  fi
  if [ "${count:-0}" -lt 1 ]; then count=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); fi
  echo "$count"
}

command=()
if [ "$transport" != local ]; then
  command+=("$launcher")
  if [ "$mpi" = openmpi ]; then
    if [ "$(id -u)" -eq 0 ]; then command+=(--allow-run-as-root); fi
    if [ "$ranks" -gt "$(cores)" ]; then command+=(--oversubscribe); fi
    command+=(--quiet) # the ranks say themselves why they end
  fi
  command+=(-n "$ranks")
fi
command+=("${java[@]}" -jar "$jar")
command+=("--demo.input=$input" "--demo.output=$output" "--mpilock.transport=$transport")
if [ -t 1 ]; then
  command+=(--demo.progress=bar) # the ranks themselves see only the launcher's pipes
fi
command+=(${passed[@]+"${passed[@]}"})
if [ "$transport" = local ]; then
  exec "${command[@]}"
fi

# Open MPI's mpirun passes Ctrl-C and SIGTERM on only after a while, is deaf until it has killed the ranks a second
# later, and loses what they say meanwhile. So the signal goes to the ranks, its children, and mpirun does not get it.
# MPICH's mpiexec passes it on at once, but may end with 0 then.
setsid "${command[@]}" &
mpirun=$!
stopped=""
# shellcheck disable=SC2317 # called by the traps
stop() { # by the signal $1, of the number $2
  local ranks=""
  stopped=$2
  if [ "$mpi" = openmpi ]; then
    ranks=$(cat "/proc/$mpirun/task/"*/children 2>/dev/null) || true
    set -- TERM # what they would get from mpirun
  fi
  # shellcheck disable=SC2086 # several numbers
  kill "-$1" ${ranks:-$mpirun} 2>/dev/null || true
}
trap 'stop INT 2' INT
trap 'stop TERM 15' TERM
while true; do
  status=0
  wait "$mpirun" || status=$?
  kill -0 "$mpirun" 2>/dev/null || break # else it was the signal that ended the wait
done
if [ -n "$stopped" ]; then
  if [ "$status" -eq 0 ]; then status=$((128 + stopped)); fi
  exit "$status"
fi
signal=$((status > 128 ? status - 128 : 0))
if [ "$mpi" = mpich ] && [ "$status" -gt 1 ] && [ "$status" -le 64 ]; then signal=$status; fi # its own way to tell it
if [ "$signal" -gt 0 ] && [ "$signal" -le 64 ]; then
  fail "a rank was ended by signal $signal; start again to go on with what is done" "$status"
fi
exit "$status"
