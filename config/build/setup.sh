#!/usr/bin/env bash
# Makes sure that the machine has what the build and its tests use. See --help.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: config/build/setup.sh [--no-install] [--bench]

Looks for Maven, the launchers of Open MPI and of MPICH, MPJ Express, h5dump, shellcheck, Spin with a C compiler, ip,
Chromium with its driver, Prometheus and its Pushgateway, PostgreSQL and MariaDB. As root on Debian it installs what is
missing; otherwise, or with --no-install, it names what is missing and ends with 1. config/build/jdk25.sh
finds the JDK 25.

  --no-install   only look
  --bench        look instead for what config/bench.sh uses: Maven, both launchers, MPJ Express, ip, PostgreSQL and Redis
  --help         this text
HELP
}

fail() {
  echo "setup.sh: $1" >&2
  exit "${2:-1}"
}

install=yes
bench=""
for option in "$@"; do
  case $option in
    --no-install) install="" ;;
    --bench) bench=yes ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "there is no option $option (see --help)" 2 ;;
  esac
done

# Each need is a function, the Debian package that has it, and a name for people. Debian's names of the launchers come
# first: mpirun and mpiexec belong to whichever MPI is the default.
needs=(
  "has_maven|maven|Maven (mvn)"
  "has_open_mpi|openmpi-bin|Open MPI (mpirun)"
  "has_mpich|mpich|MPICH (mpiexec)"
  "has_mpj|libmpj-java|MPJ Express (mpj.jar)"
  "has_h5dump|hdf5-tools|the HDF5 tools (h5dump)"
  "has_shellcheck|shellcheck|shellcheck"
  "has_spin|spin|Spin (the model checker)"
  "has_cc|gcc|a C compiler (cc, for Spin)"
  "has_libc|libc6-dev|the headers of the C library (for Spin)"
  "has_ip|iproute2|ip (for the simulated hosts of config/hosts.sh)"
  "has_chromium|chromium|Chromium (the tests open the report in it)"
  "has_chromedriver|chromium-driver|chromedriver (by which the tests do so)"
  "has_prometheus|prometheus|Prometheus (the tests ask one of their own what the dashboard asks)"
  "has_pushgateway|prometheus-pushgateway|Prometheus' Pushgateway (the tests push to one of their own)"
  "has_postgresql|postgresql|PostgreSQL (the tests start one of their own)"
  "has_mariadb|mariadb-server|MariaDB (the same)"
)

if [ -n "$bench" ]; then
  needs=(
    "has_maven|maven|Maven (mvn)"
    "has_open_mpi|openmpi-bin|Open MPI (mpirun)"
    "has_mpich|mpich|MPICH (mpiexec)"
    "has_mpj|libmpj-java|MPJ Express (mpj.jar)"
    "has_ip|iproute2|ip (for the simulated hosts of config/hosts.sh)"
    "has_postgresql|postgresql|PostgreSQL (a lock to measure beside; started on its own)"
    "has_redis|redis-server|Redis (the same)"
  )
fi

has_maven() { command -v mvn >/dev/null; }
has_mpj() { [ -r /usr/share/java/mpj.jar ]; }
has_h5dump() { command -v h5dump >/dev/null; }
has_spin() { command -v spin >/dev/null && [[ $(spin -V 2>/dev/null </dev/null) == "Spin Version "* ]]; }
has_cc() { command -v cc >/dev/null; }
has_libc() { [ -r /usr/include/stdio.h ]; }
has_shellcheck() { command -v shellcheck >/dev/null; }
has_ip() { command -v ip >/dev/null; }
has_chromium() { command -v chromium >/dev/null; }
has_chromedriver() { command -v chromedriver >/dev/null; }
has_prometheus() { command -v prometheus >/dev/null; }
has_postgresql() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; } # Debian has it in no PATH
has_mariadb() { [ -x /usr/sbin/mariadbd ] && command -v mariadb-install-db >/dev/null; }
has_redis() { command -v redis-server >/dev/null; }
has_pushgateway() { command -v prometheus-pushgateway >/dev/null; }

says() { # whether the version of the command $1 matches $2; no pipe into grep -q, which would break it off
  local version
  command -v "$1" >/dev/null && version=$("$1" --version 2>/dev/null </dev/null) && [[ ${version,,} =~ $2 ]]
}
# "mpirun (Open MPI) 4.1.4", but "mpirun.openmpi (OpenRTE) 4.1.4"
open_mpi='open mpi|openrte'
has_open_mpi() { says mpirun.openmpi "$open_mpi" || says mpirun "$open_mpi" || says mpiexec "$open_mpi"; }
has_mpich() {
  says mpiexec.mpich hydra || says mpiexec.hydra hydra || says mpiexec hydra || says mpirun hydra
}

packages=()
names=()
look() {
  local need check package name
  packages=()
  names=()
  for need in "${needs[@]}"; do
    IFS='|' read -r check package name <<<"$need"
    if ! "$check"; then
      packages+=("$package")
      names+=("$name")
    fi
  done
}

look
[ ${#packages[@]} -gt 0 ] || exit 0
missing=$(printf '%s, ' "${names[@]}")
remedy="on Debian: apt-get install ${packages[*]}"

if [ -z "$install" ]; then
  fail "missing: ${missing%, } ($remedy)"
fi
if [ "$(id -u)" -ne 0 ] || [ ! -f /etc/debian_version ] || ! command -v apt-get >/dev/null; then
  fail "missing: ${missing%, }. Only root on Debian installs it here; $remedy"
fi

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >&2
}
echo "setup.sh: installing ${packages[*]}" >&2
# The lists of a fresh machine or image are absent or old: fetch them if it does not work with those that are there.
if ! apt install -y --no-install-recommends "${packages[@]}" 2>/dev/null; then
  apt update || fail "apt-get update failed, so ${packages[*]} cannot be installed"
  apt install -y --no-install-recommends "${packages[@]}" || fail "apt-get could not install ${packages[*]}"
fi
look
[ ${#packages[@]} -eq 0 ] || fail "installed, but still not found: ${packages[*]}"
