#!/usr/bin/env bash
# Builds a copy of this checkout and compares what comes out with what was built here. See --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

usage() {
  cat <<'HELP'
Usage: config/build/reproduce.sh [--help]

Copies the sources of this checkout (what git knows, and new files that it does not ignore) to another directory, builds
them there in another time zone and locale and as another user, and compares every jar and every bill of materials, byte
by byte, with those in this checkout's target directories ("mvn package" makes them). Names each that differs or is
missing, and ends with 1.

Jars record the permissions of the files in them, and which JDK ran Maven. Both builds must therefore use the same umask,
022, and the same JDK: this script takes the one that config/build/jdk25.sh finds.

  --help   this text
HELP
}

fail() {
  echo "reproduce.sh: $1" >&2
  exit "${2:-1}"
}

case ${1-} in
  "") ;;
  -h | --help)
    usage
    exit 0
    ;;
  *) fail "there is no option $1 (see --help)" 2 ;;
esac

cd "$root"
# shellcheck source=config/build/jdk25.sh
. config/build/jdk25.sh
git rev-parse --git-dir >/dev/null 2>&1 || fail "this is not a git checkout, so the files that belong to it are unknown"

artifacts() { # what the modules in the current directory have built
  find . -path './*/target/*' -prune \( -name '*.jar' -o -name 'bom.json' -o -name 'bom.xml' \) -type f -print | sort
}

here=$(artifacts)
[ -n "$here" ] || fail 'nothing is built here; run "mvn -DskipTests package" first'

umask 022
copy=$(mktemp -d "${TMPDIR:-/tmp}/mpilock-reproduce.XXXXXX")
trap 'rm -rf "$copy"' EXIT
git ls-files --cached --others --exclude-standard -z | tar --create --null --files-from=- | tar --extract --directory "$copy"

cd "$copy"
if ! TZ=Asia/Tokyo LC_ALL=C mvn -q -B -Duser.name=somebody -DskipTests package >build.log 2>&1 </dev/null; then
  tail -n 30 build.log >&2
  fail "the copy does not build"
fi

differ=0
count=0
while IFS= read -r file; do
  count=$((count + 1))
  if ! cmp --silent "$root/$file" "$file"; then
    echo "reproduce.sh: ${file#./} differs or is missing in one of the builds" >&2
    differ=$((differ + 1))
  fi
done < <(printf '%s\n%s\n' "$here" "$(artifacts)" | sort -u)
[ "$differ" -eq 0 ] || fail "$differ of $count files are not the same in two builds"
echo "reproduce.sh: $count files are the same in two builds"
