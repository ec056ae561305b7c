#!/usr/bin/env bash
# Rewrites what README.md and docs/guide.md take from the metadata of the properties and from sources. See --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

usage() {
  cat <<'HELP'
Usage: config/build/docs.sh [--check]

Compiles the starter, and writes the regions between "<!-- begin … -->" and "<!-- end -->" of README.md and
docs/guide.md: the tables of properties, from the metadata, and the programs, from the sources that are compiled and
tested. The build fails if they differ (DocumentsTests).

  --check   only compare; write nothing
  --help    this text
HELP
}

mode=fix
for option in "$@"; do
  case $option in
    --check) mode=check ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      echo "docs.sh: there is no option $option (see --help)" >&2
      exit 2
      ;;
  esac
done

# shellcheck source=config/build/jdk25.sh
. "$root/config/build/jdk25.sh"
command -v mvn >/dev/null || {
  echo "docs.sh: Maven is missing; install it (on Debian: apt-get install maven)" >&2
  exit 1
}

cd "$root"
mvn -q -B -pl mpilock-spring-boot-starter -am test -Dtest=DocumentsTests -Dsurefire.failIfNoSpecifiedTests=false \
  "-Ddocs.mode=$mode"
