#!/usr/bin/env bash
# Measures mpilock beside MPI_Win_lock, FileChannel.lock and ReentrantReadWriteLock, and prints Markdown tables.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
  cat <<'HELP'
Usage: config/bench.sh [--quick]

Builds what is needed, runs the benchmark's programs under Open MPI and MPICH (on an otherwise idle machine, please), and
prints the tables of docs/benchmarks.md: about 8 minutes, with --quick about 3. The last part runs on simulated hosts
(config/hosts.sh), as root.
HELP
}

quick=()
rounds=(21 200)
for option in "$@"; do
  case $option in
    --quick)
      quick=(--quick)
      rounds=(7 50)
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      echo "bench.sh: there is no option $option (--help tells more)" >&2
      exit 2
      ;;
  esac
done

# shellcheck source=config/jdk25.sh
. "$root/config/jdk25.sh"
command -v mvn >/dev/null || {
  echo "bench.sh: Maven is missing; install it (on Debian: apt-get install maven)" >&2
  exit 1
}

cd "$root"
mvn -q -B -pl mpilock-spring-boot-starter -am test-compile dependency:build-classpath \
  -Dmdep.outputFile=target/bench.classpath -Dmdep.includeScope=test >/dev/null
classpath=mpilock-spring-boot-starter/target/test-classes:mpilock-spring-boot-starter/target/classes
classpath=$classpath:$(cat mpilock-spring-boot-starter/target/bench.classpath)

printf 'mpilock %s, %s, %s cores, load %s\n' "$(git rev-parse --short HEAD 2>/dev/null || echo '?')" \
  "$("$JAVA_HOME/bin/java" --version | head -n 1)" "$(nproc)" "$(cut -d ' ' -f 1-3 /proc/loadavg)"
java=("$JAVA_HOME/bin/java" --enable-native-access=ALL-UNNAMED -cp "$classpath")
"${java[@]}" io.mpilock.bench.TemplateBench "${rounds[@]}"
"${java[@]}" io.mpilock.bench.Bench "${quick[@]}"
