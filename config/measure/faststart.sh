#!/usr/bin/env bash
# Measures how soon the demo's ranks lock. See --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

usage() {
  cat <<'HELP'
Usage: config/measure/faststart.sh [--rounds N] [--ranks N]

Starts the demo under Open MPI's mpirun in turn: plain, with Spring's work ahead of time, with the JDK's AOT cache, and
with both. Prints a Markdown table of the seconds from mpirun to the first lock. That is when the HDF5 file is created,
which the master does under the first write. Run it on an otherwise idle machine.

  --rounds N   the number of rounds (default 9)
  --ranks N    the number of ranks (default 4)
  --help       this text
HELP
}

rounds=9
ranks=4
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help)
      usage
      exit 0
      ;;
    --rounds | --ranks)
      if ! [[ ${2:-} =~ ^[1-9][0-9]*$ ]]; then
        echo "faststart.sh: $1 needs a whole number of at least 1" >&2
        exit 2
      fi
      if [ "$1" = --rounds ]; then rounds=$2; else ranks=$2; fi
      shift 2
      ;;
    *)
      echo "faststart.sh: there is no option $1 (see --help)" >&2
      exit 2
      ;;
  esac
done

# shellcheck source=config/build/jdk25.sh
. "$root/config/build/jdk25.sh"
"$root/demo-batch/aot.sh" >&2

scratch=$(mktemp -d "${TMPDIR:-/tmp}/mpilock-start.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
head -n 401 "$root/demo-batch/data/flights.csv" >"$scratch/flights.csv" # what comes after the first lock is not measured
launcher=(mpirun.openmpi --oversubscribe --bind-to none -n "$ranks")
if [ "$(id -u)" -eq 0 ]; then launcher+=(--allow-run-as-root); fi
aot=$root/demo-batch/target/aot

names=(plain "Spring ahead of time" "AOT cache" both)
options() { # of variant $1, a word on each line
  case $1 in
    0) printf '%s\n' -jar "$aot/whole.jar" ;;
    1) printf '%s\n' -Dspring.aot.enabled=true -jar "$aot/whole.jar" ;;
    2) printf '%s\n' "-XX:AOTCache=$aot/jdk.aot" -jar "$aot/demo-batch.jar" ;;
    3) printf '%s\n' "-XX:AOTCache=$aot/both.aot" -Dspring.aot.enabled=true -jar "$aot/demo-batch.jar" ;;
  esac
}

start() { # variant $1; adds its seconds to its file
  local words began born
  mapfile -t words < <(options "$1")
  rm -rf "$scratch/output"
  mkdir "$scratch/output"
  began=$(date +%s.%N)
  "${launcher[@]}" "$JAVA_HOME/bin/java" -XX:+UseSerialGC "${words[@]}" "--demo.input=$scratch/flights.csv" \
    "--demo.output=$scratch/output" --demo.progress=none >"$scratch/log" 2>&1 || {
    cat "$scratch/log" >&2
    exit 1
  }
  born=$(stat -c %.9W "$scratch/output/flights.h5")
  case $born in
    0 | 0.* | -*)
      echo "faststart.sh: the file system of $scratch does not record when a file was created; set TMPDIR" >&2
      exit 1
      ;;
  esac
  awk -v a="$began" -v b="$born" 'BEGIN { printf "%.2f\n", b - a }' >>"$scratch/$1"
}

for variant in 0 1 2 3; do start "$variant"; done # what is read for the first time is in memory then
rm -f "$scratch"/[0-3]
for ((round = 0; round < rounds; round++)); do
  for variant in 0 1 2 3; do start "$variant"; done
done

printf 'mpilock %s, %s, %s cores, load %s, %s ranks, %s rounds\n\n' \
  "$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo '?')" "$("$JAVA_HOME/bin/java" --version | head -n 1)" \
  "$(nproc)" "$(cut -d ' ' -f 1-3 /proc/loadavg)" "$ranks" "$rounds"
echo '| start, s | median | least | most | to plain |'
echo '|---|---:|---:|---:|---:|'
median() {
  sort -n "$scratch/$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}
plain=$(median 0)
for variant in 0 1 2 3; do
  middle=$(median "$variant")
  printf '| %s | %.2f | %.2f | %.2f | %.2f |\n' "${names[$variant]}" "$middle" "$(sort -n "$scratch/$variant" | head -n 1)" \
    "$(sort -n "$scratch/$variant" | tail -n 1)" "$(awk -v a="$middle" -v b="$plain" 'BEGIN { print a / b }')"
done
