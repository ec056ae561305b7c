#!/usr/bin/env bash
# Measures mpilock beside other locks and what the machine can do at best, and prints Markdown tables. See --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
  cat <<'HELP'
Usage: config/bench.sh [--quick] [--only PART]

Builds what is needed, runs the benchmark's programs (on an otherwise idle machine, please), and prints the tables of
docs/benchmarks.md: about 25 minutes, with --quick about 5.

  --quick      shorter rounds, and fewer
  --only PART  one part of it:
    template   Spring's template, meters and observations over the plain controller, in one JVM
    ranks      under Open MPI and MPICH, beside MPI_Win_lock, FileChannel.lock and ReentrantReadWriteLock: free locks,
               contended ones, waiting; and on simulated hosts (config/hosts.sh), as root
    jvm        every form of mpilock beside the JDK's locks in one JVM, by JMH, with what they allocate
    peers      under Open MPI, beside Redisson, Curator, Hazelcast, PostgreSQL and Spring Integration's registry too
  --help       this text

The peers come from Maven Central, by the profile "bench"; Redis and PostgreSQL are Debian's packages, which are installed
if they are missing and this is root on Debian (config/setup.sh --bench). Each server is started for this alone: on a
free port of the loopback address, with its data in a temporary folder. Both are gone when the script ends or is ended.
HELP
}

misuse() {
  echo "bench.sh: $1 (--help tells more)" >&2
  exit 2
}

parts=(template ranks jvm peers)
quick=()
rounds=(21 200)
while [ $# -gt 0 ]; do
  case $1 in
    --quick)
      quick=(--quick)
      rounds=(7 50)
      ;;
    --only)
      case ${2:-} in
        template | ranks | jvm | peers) parts=("$2") ;;
        *) misuse "--only wants template, ranks, jvm or peers" ;;
      esac
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) misuse "there is no option $1" ;;
  esac
  shift
done

# shellcheck source=config/jdk25.sh
. "$root/config/jdk25.sh"
command -v mvn >/dev/null || {
  echo "bench.sh: Maven is missing; install it (on Debian: apt-get install maven)" >&2
  exit 1
}

wants() { # whether part $1 is to run
  local part
  for part in "${parts[@]}"; do
    if [ "$part" = "$1" ]; then return 0; fi
  done
  return 1
}

if wants peers; then "$root/config/setup.sh" --bench; fi
modules=()
if wants template || wants ranks; then modules+=(mpilock-spring-boot-starter); fi
if wants jvm || wants peers; then modules+=(config/bench); fi

cd "$root"
mvn -q -B -P bench -pl "$(IFS=,; echo "${modules[*]}")" -am test-compile dependency:build-classpath \
  -Dmdep.outputFile=target/bench.classpath -Dmdep.includeScope=test >/dev/null

program=""
end() { # the JVM ends what it has started
  if [ -n "$program" ]; then
    kill "$program" 2>/dev/null || true
    wait "$program" || true
  fi
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

run() { # a main class of module $1, and its arguments
  local module=$1
  shift
  "$JAVA_HOME/bin/java" --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
    -cp "$root/$module/target/test-classes:$root/$module/target/classes:$(cat "$module/target/bench.classpath")" "$@" &
  program=$!
  wait "$program"
  program=""
}

printf 'mpilock %s, %s, %s cores, load %s\n' "$(git rev-parse --short HEAD 2>/dev/null || echo '?')" \
  "$("$JAVA_HOME/bin/java" --version | head -n 1)" "$(nproc)" "$(cut -d ' ' -f 1-3 /proc/loadavg)"
if wants template; then run mpilock-spring-boot-starter io.mpilock.bench.TemplateBench "${rounds[@]}"; fi
if wants ranks; then run mpilock-spring-boot-starter io.mpilock.bench.Bench ${quick[@]+"${quick[@]}"}; fi
if wants jvm; then run config/bench io.mpilock.bench.jvm.OneJvmBench ${quick[@]+"${quick[@]}"}; fi
if wants peers; then run config/bench io.mpilock.bench.peers.PeersBench ${quick[@]+"${quick[@]}"}; fi
printf '\nload at the end %s\n' "$(cut -d ' ' -f 1-3 /proc/loadavg)"
