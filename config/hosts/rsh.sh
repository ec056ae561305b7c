#!/usr/bin/env bash
# The launchers of Open MPI and MPICH call this in place of ssh, on simulated hosts. See --help.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: config/hosts/rsh.sh [OPTION...] HOST COMMAND...

Runs a command on a host of config/hosts.sh, whose ID is in MPILOCK_HOSTS. The launchers of Open MPI and MPICH call it in
place of ssh. Options of ssh are ignored.

  --help   this text
HELP
}

if [ "${1:-}" = --help ]; then
  usage
  exit 0
fi
while [[ ${1:-} == -* ]]; do shift; done # Hydra's -x, for ssh
host=$1
shift
# As ssh does: the words are one command line of a shell.
exec "$(dirname "${BASH_SOURCE[0]}")/../hosts.sh" exec "$MPILOCK_HOSTS" "$host" sh -c "$*"
