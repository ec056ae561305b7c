#!/usr/bin/env bash
# Makes what lets the demo start faster. See --help.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")

usage() {
  cat <<'HELP'
Usage: demo-batch/aot.sh

Builds the demo with Spring's work ahead of time, unpacks its jar, since the JDK's AOT cache knows no jars in jars, and
makes two caches by a run of one rank each, under Open MPI's launcher if there is one:

  demo-batch/target/aot/demo-batch.jar   to be started, with lib/ beside it
  demo-batch/target/aot/whole.jar        the jar as it was built, which takes no cache
  demo-batch/target/aot/jdk.aot          for -XX:AOTCache=…
  demo-batch/target/aot/both.aot         the same, for -Dspring.aot.enabled=true

Does nothing if they are there and newer than the sources. A cache is for the JDK, the jar and the garbage collector that
it was made with (-XX:+UseSerialGC -XX:TieredStopAtLevel=1); with others Java starts without it.
HELP
}

case ${1:-} in
  "") ;;
  -h | --help)
    usage
    exit 0
    ;;
  *)
    echo "aot.sh: there is no option $1 (--help tells more)" >&2
    exit 2
    ;;
esac

# shellcheck source-path=SCRIPTDIR source=../config/build/jdk25.sh
. "$root/config/build/jdk25.sh"

target=$here/target/aot
if [ -f "$target/both.aot" ] && [ -z "$(
  find "$root/pom.xml" "$root/mpilock-core/pom.xml" "$root/mpilock-core/src/main" \
    "$root/mpilock-spring-boot-starter/pom.xml" "$root/mpilock-spring-boot-starter/src/main" \
    "$here/pom.xml" "$here/src/main" "$here/data" -newer "$target/both.aot" -print -quit
)" ]; then
  exit 0
fi

echo "aot.sh: building" >&2
(cd "$root" && mvn -q -B -DskipTests -Paot -pl demo-batch -am package)
rm -rf "$target"
"$JAVA_HOME/bin/java" -Djarmode=tools -jar "$here/target/ahead/demo-batch.jar" extract --destination "$target"
mv "$here/target/ahead/demo-batch.jar" "$target/whole.jar"

launcher=()
if command -v mpirun.openmpi >/dev/null; then
  launcher=(mpirun.openmpi --bind-to none -n 1)
  if [ "$(id -u)" -eq 0 ]; then launcher+=(--allow-run-as-root); fi
fi
scratch=$(mktemp -d "${TMPDIR:-/tmp}/mpilock-aot.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

train() { # the cache $1 from a run with the options that follow
  local cache=$1
  shift
  echo "aot.sh: making ${cache##*/}" >&2
  ${launcher[@]+"${launcher[@]}"} "$JAVA_HOME/bin/java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    "-XX:AOTCacheOutput=$cache" "$@" \
    -jar "$target/demo-batch.jar" "--demo.input=$here/data/flights.csv" "--demo.output=$scratch" \
    --demo.progress=none >/dev/null
  [ -f "$cache" ] || {
    echo "aot.sh: Java made no $cache" >&2
    exit 1
  }
}

train "$target/jdk.aot"
train "$target/both.aot" -Dspring.aot.enabled=true
