#!/usr/bin/env bash
# Measures mpilock beside other locks and what the machine can do at best, and prints Markdown tables. See --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
  cat <<'HELP'
Usage: config/bench.sh [--quick] [--only PART]

Builds what is needed, runs the benchmark's programs, and prints the tables of docs/benchmarks.md. Takes at most 40
minutes, with --quick less than 3, and some more to build. Run it on an otherwise idle machine.

  --quick      fewer and shorter rounds; most parts under Open MPI only
  --only PART  only one part:
    free       a free lock under Open MPI and MPICH, beside MPI_Win_lock, FileChannel.lock and ReentrantReadWriteLock
    mixes      reads and writes of one lock by 1 to 8 ranks with 1 and 4 threads each
    waits      from a release to the grant, and the processor time of ranks that wait
    threads    10 to 10,000 threads of one rank that wait for a lock, beside ReentrantReadWriteLock(true)
    sharing    single writes that share up to 256 MiB, beside copying them
    resources  one of up to 10,000 resources at random, and the memory that they take
    start      from the start of a JVM to its controller; sync and close
    hosts      two simulated hosts (config/hosts.sh), as root
    template   Spring's template, meters and observations over the plain controller, in one JVM
    work       units that ranks share: static slices, guided self-scheduling, factoring; in one JVM
    jvm        every form of mpilock beside the JDK's locks in one JVM, by JMH, with what they allocate
    peers      under Open MPI, beside Redisson, Curator, Hazelcast, PostgreSQL and Spring Integration's registry too
  --help       this text

The peers come from Maven Central, by the profile "bench"; Redis and PostgreSQL are Debian's packages, which are installed
if they are missing and this is root on Debian (config/build/setup.sh --bench). Each server is started for this alone: on a
free port of the loopback address, with its data in a temporary folder. Both are gone when the script ends or is ended.
HELP
}

misuse() {
  echo "bench.sh: $1 (see --help)" >&2
  exit 2
}

all=(free mixes waits threads sharing resources start hosts template work jvm peers)
parts=("${all[@]}")
quick=()
rounds=(21 200)
while [ $# -gt 0 ]; do
  case $1 in
    --quick)
      quick=(--quick)
      rounds=(5 40)
      ;;
    --only)
      [[ " ${all[*]} " == *" ${2:-?} "* ]] || misuse "--only wants one of ${all[*]}"
      parts=("$2")
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

# shellcheck source=config/build/jdk25.sh
. "$root/config/build/jdk25.sh"
command -v mvn >/dev/null || {
  echo "bench.sh: Maven is missing; install it (on Debian: apt-get install maven)" >&2
  exit 1
}

module() { # that part $1 belongs to
  case $1 in
    template | work) echo mpilock-spring-boot-starter ;;
    jvm | peers) echo config/bench ;;
    *) echo mpilock-core ;;
  esac
}

if [[ " ${parts[*]} " =~ " start "|" peers " ]]; then "$root/config/build/setup.sh" --bench; fi
modules=$(for part in "${parts[@]}"; do module "$part"; done | sort -u | paste -sd ,)

cd "$root"
mvn -q -B -P bench -pl "$modules" -am test-compile dependency:build-classpath \
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
    -Dmpilock.test.optimise=true \
    -cp "$root/$module/target/test-classes:$root/$module/target/classes:$(cat "$module/target/bench.classpath")" "$@" &
  program=$!
  wait "$program"
  program=""
}

printf '<!-- tables of config/bench.sh -->\n\n'
printf 'mpilock %s, %s, %s cores, load %s%s.\n' "$(git rev-parse --short HEAD 2>/dev/null || echo '?')" \
  "$("$JAVA_HOME/bin/java" --version | head -n 1)" "$(nproc)" "$(cut -d ' ' -f 1-3 /proc/loadavg)" \
  "${quick[*]+, with ${quick[*]}}"
for part in "${parts[@]}"; do
  SECONDS=0
  module=$(module "$part")
  case $part in
    template) run "$module" io.mpilock.bench.TemplateBench "${rounds[@]}" ;;
    work) run "$module" io.mpilock.spring.batch.WorkBench $(((rounds[0] + 3) / 4)) ;;
    jvm) run "$module" io.mpilock.bench.jvm.OneJvmBench ${quick[@]+"${quick[@]}"} ;;
    peers) run "$module" io.mpilock.bench.peers.PeersBench ${quick[@]+"${quick[@]}"} ;;
    *) run "$module" io.mpilock.bench.Bench "$part" ${quick[@]+"${quick[@]}"} ;;
  esac
  printf '\n%s (%s s)%s\n' "\`config/bench.sh --only $part\`" "$SECONDS" "${quick[*]+, with \`${quick[*]}\`}"
done
printf '\nLoad at the end %s.\n' "$(cut -d ' ' -f 1-3 /proc/loadavg)"
