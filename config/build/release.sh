#!/usr/bin/env bash
# Makes what a release consists of, from the commit that is checked out. See --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
maven=3.9.16 # the check of the POM needs 3.9, and Debian has an older one

usage() {
  cat <<'HELP'
Usage: config/build/release.sh VERSION [--sign] [--to DIRECTORY]

Builds the commit that is checked out as VERSION, in a copy, and puts what a release consists of into a directory, laid
out as a Maven repository: for the parent its POM; for the core and the starter POM, jar, sources, Javadoc and the bill
of materials; for each file its checksums. The POMs are checked against Maven Central's rules. Runs no test:
config/verify.sh --full does. Nothing is sent anywhere.

  --sign           sign each file with the default key of gpg
  --to DIRECTORY   where to; it must not be there yet (default: target/release-VERSION)
  --help           this text
HELP
}

fail() {
  echo "release.sh: $1" >&2
  exit "${2:-1}"
}

version=""
to=""
sign=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help)
      usage
      exit 0
      ;;
    --sign) sign=(-Dgpg.skip=false) ;;
    --to)
      [ $# -gt 1 ] || fail "--to needs a directory (see --help)" 2
      to=$2
      shift
      ;;
    -*) fail "there is no option $1 (see --help)" 2 ;;
    *)
      [ -z "$version" ] || fail "there is one version only (see --help)" 2
      version=$1
      ;;
  esac
  shift
done
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[A-Za-z0-9.]+)?$ ]] || fail "'$version' is no version such as 0.1.0 (see --help)" 2
[[ $version != *-SNAPSHOT ]] || fail "$version is no release" 2
to=$(realpath -m "${to:-$root/target/release-$version}")
[ ! -e "$to" ] || fail "$to is there already"

cd "$root"
# shellcheck source=config/build/jdk25.sh
. config/build/jdk25.sh
[ -z "$(git status --porcelain)" ] || fail "there are changes that are not committed; a release is a commit"

umask 022
copy=$(mktemp -d "${TMPDIR:-/tmp}/mpilock-release.XXXXXX")
trap 'rm -rf "$copy"' EXIT
git archive HEAD | tar --extract --directory "$copy"

cd "$copy"
run() { # what it says is shown if it fails
  if ! "$@" >build.log 2>&1 </dev/null; then
    grep -v '^WARNING' build.log | tail -n 40 >&2
    fail "$* failed"
  fi
}
run mvn -q -B -N dependency:unpack "-Dartifact=org.apache.maven:apache-maven:$maven:zip:bin" "-DoutputDirectory=$copy/maven"
built=(sh "$copy/maven/apache-maven-$maven/bin/mvn" -q -B)
run "${built[@]}" -N org.codehaus.mojo:versions-maven-plugin:2.18.0:set "-DnewVersion=$version" -DgenerateBackupPoms=false
run "${built[@]}" -Prelease -DskipTests "${sign[@]}" -pl .,mpilock-core,mpilock-spring-boot-starter \
  deploy "-DaltDeploymentRepository=release::file://$copy/out"

for module in mpilock-core mpilock-spring-boot-starter; do
  for what in .pom .jar -sources.jar -javadoc.jar -cyclonedx.json; do
    file=$copy/out/io/mpilock/$module/$version/$module-$version$what
    for one in "$file" "$file.sha1" ${sign:+"$file.asc"}; do
      [ -s "$one" ] || fail "${one#"$copy/out/"} is missing"
    done
  done
done
mkdir -p "$(dirname "$to")"
mv "$copy/out" "$to"
find "$to" -type f -name "*$version*" ! -name '*.md5' ! -name '*.sha1' | sort
