#!/usr/bin/env bash
# Runs the demo on several ranks, after setting up what it needs. See --help.
# shellcheck disable=SC2317 # functions that are called by traps and by "ensure"
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
  --transport T    auto, native, mpj (MPJ Express: the launcher only starts the ranks), or local: one rank without a
                   launcher (default auto)
  --mpi M          openmpi or mpich, whose launcher starts the ranks (default openmpi)
  --fresh          discard the unfinished work of an earlier run
  --aot            start faster, with Spring's work ahead of time and the JDK's AOT cache, which the first such run makes
  --mpilock.x=y    any property of mpilock, such as --mpilock.enabled=false to see what the lock is for
  --demo.x=y       any property of the demo, such as --demo.chunk-size=100 or --demo.progress=bar|lines|none
  --help           this text

Finds a JDK 25, builds what is out of date, and as root on Debian installs what is missing of Open MPI (or MPICH), Maven
and, with --transport mpj, MPJ Express. Ends with 0 if the job succeeded.
HELP
}
fail() { echo "run.sh: $1" >&2 && exit "${2:-1}"; }
misuse() { fail "$1 (--help tells more)" 2; }

ranks="" input=$here/data/flights.csv output=$here/output transport=auto mpi=openmpi aot="" passed=()
while [ $# -gt 0 ]; do
  option=$1 value=""
  shift
  case $option in
    -h | --help) usage && exit 0 ;;
    --aot) aot=yes && continue ;;
    --fresh) passed+=(--demo.fresh=true) && continue ;;
    --mpilock.*=* | --demo.*=* | --logging.*=*) passed+=("$option") && continue ;;
    --mpilock.* | --demo.*) misuse "$option needs a value, as in $option=VALUE" ;;
    --ranks=* | --input=* | --output=* | --transport=* | --mpi=*) value=${option#*=} option=${option%%=*} ;;
    --ranks | --input | --output | --transport | --mpi) if [ $# -gt 0 ]; then value=$1 && shift; fi ;;
    *) misuse "there is no option $option" ;;
  esac
  case $value in "" | --*) misuse "$option needs a value" ;; esac
  printf -v "${option#--}" '%s' "$value"
done
case $transport in auto | native | mpj | local) ;; *) misuse "--transport is auto, native, mpj or local, not $transport" ;; esac
case $mpi in openmpi | mpich) ;; *) misuse "--mpi is openmpi or mpich, not $mpi" ;; esac
if [ -n "$aot" ] && [ -n "${SPRING_PROFILES_ACTIVE:-}" ]; then
  misuse "--aot takes no profiles, since Spring has decided on them ahead of time; unset SPRING_PROFILES_ACTIVE"
fi
if [ -z "$ranks" ]; then ranks=$([ "$transport" = local ] && echo 1 || echo 4); fi
[[ $ranks =~ ^[1-9][0-9]{0,4}$ ]] || misuse "--ranks needs a whole number of at least 1, not $ranks"
if [ "$transport" = local ] && [ "$ranks" -gt 1 ]; then misuse "--transport local is one rank in one process"; fi

ensure() { # a package of Debian, what it is for, and a command that tells whether it is there
  local package=$1 purpose=$2
  shift 2
  if "$@"; then return; fi
  if [ "$(id -u)" -ne 0 ] || [ ! -f /etc/debian_version ]; then
    fail "$purpose is missing; install it (on Debian: apt-get install $package)"
  fi
  echo "run.sh: installing $package" >&2
  apt-get update -qq >&2 || fail "apt-get update failed, so $package cannot be installed"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >&2 || true
  "$@" || fail "$package could not be installed, or $purpose is still missing"
}
find_launcher() { # the first of the commands $2… whose version matches $1
  local version
  for launcher in "${@:2}"; do
    version=$(command -v "$launcher" >/dev/null && "$launcher" --version 2>/dev/null) || true
    if [[ $version =~ $1 ]]; then return; fi
  done
  return 1
}
has_mpj() { # where mpilock looks for it, unless it is told another place
  [[ " ${passed[*]-} ${MPILOCK_MPJ_JAR:+ --mpilock.mpj.jar=}" == *" --mpilock.mpj.jar="* ]] || [ -r /usr/share/java/mpj.jar ]
}

# shellcheck source-path=SCRIPTDIR source=../config/build/jdk25.sh
. "$root/config/build/jdk25.sh"
case $transport/$mpi in
  local/*) ;;
  */openmpi) ensure openmpi-bin "Open MPI (mpirun)" find_launcher 'Open MPI|OpenRTE' mpirun.openmpi mpirun mpiexec ;;
  */mpich) ensure mpich "MPICH (mpiexec)" find_launcher 'HYDRA|[Hh]ydra' mpiexec.mpich mpiexec.hydra mpiexec mpirun ;;
esac
if [ "$transport" = mpj ]; then ensure libmpj-java "MPJ Express (mpj.jar)" has_mpj; fi
# For several short JVMs on one machine: no threads that collect garbage, no code that is compiled for the long run.
jar=$here/target/demo-batch.jar
built=$here/target/demo-batch.built # the jar's own time is that of the release, for a reproducible build
java=("$JAVA_HOME/bin/java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1)
if [ -n "$aot" ]; then
  ensure maven "Maven (mvn)" command -v mvn >/dev/null
  "$here/aot.sh" >&2 || fail "the build ahead of time failed"
  jar=$here/target/aot/demo-batch.jar
  java+=("-XX:AOTCache=$here/target/aot/both.aot" -Dspring.aot.enabled=true)
elif [ ! -f "$jar" ] || [ ! -f "$built" ] || [ -n "$(find "$root"/{.,mpilock-core,mpilock-spring-boot-starter,demo-batch}/pom.xml \
  "$root"/{mpilock-core,mpilock-spring-boot-starter,demo-batch}/src/main "$here/data" -newer "$built" -print -quit)" ]; then
  ensure maven "Maven (mvn)" command -v mvn >/dev/null
  echo "run.sh: building" >&2
  (cd "$root" && mvn -q -B -DskipTests -pl demo-batch -am package) >&2 || fail "the build failed"
  touch "$built"
fi

command=("${java[@]}" -jar "$jar" "--demo.input=$input" "--demo.output=$output" "--mpilock.transport=$transport")
if [ -t 1 ]; then command+=(--demo.progress=bar); fi # the ranks themselves see only the launcher's pipes
command+=(${passed[@]+"${passed[@]}"})
if [ "$transport" = local ]; then exec "${command[@]}"; fi
mpirun=("$launcher" -n "$ranks")
if [ "$mpi" = openmpi ]; then
  mpirun+=(--map-by slot:OVERSUBSCRIBE --bind-to none) # a JVM on one core, as one or two ranks would get, is slow
  # The ranks say themselves why they end. Open MPI 5 has no such option.
  if [[ $("$launcher" --version) == *"(Open MPI) 4."* ]]; then mpirun+=(--quiet); fi
  if [ "$(id -u)" -eq 0 ]; then mpirun+=(--allow-run-as-root); fi
fi

# Open MPI's mpirun passes Ctrl-C and SIGTERM on only after a while, is deaf until it has killed the ranks a second
# later, and loses what they say meanwhile. So the signal goes to the ranks, its children, and mpirun does not get it.
# MPICH's mpiexec passes it on at once, but may end with 0 then.
setsid "${mpirun[@]}" "${command[@]}" &
launched=$!
stopped=""
stop() { # by the signal $1, of the number $2
  local children=""
  stopped=$2
  if [ "$mpi" = openmpi ]; then
    children=$(cat "/proc/$launched/task/"*/children 2>/dev/null) || true
    set -- TERM # what they would get from mpirun
  fi
  # shellcheck disable=SC2086 # several numbers
  kill "-$1" ${children:-$launched} 2>/dev/null || true
}
trap 'stop INT 2' INT
trap 'stop TERM 15' TERM
status=0
wait "$launched" || status=$?
while kill -0 "$launched" 2>/dev/null; do # it was the signal that ended the wait
  status=0
  wait "$launched" || status=$?
done
if [ -n "$stopped" ]; then exit $((status == 0 ? 128 + stopped : status)); fi
signal=$((status > 128 ? status - 128 : 0))
if [ "$mpi" = mpich ] && [ "$status" -gt 1 ] && [ "$status" -le 64 ]; then signal=$status; fi # its own way to tell it
if [ "$signal" -gt 0 ] && [ "$signal" -le 64 ]; then
  fail "a rank was ended by signal $signal; start again to go on with what is done" "$status"
fi
exit "$status"
