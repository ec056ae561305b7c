#!/usr/bin/env bash
# What Open MPI's and MPICH's launchers call in the place of ssh to start something on a host of config/hosts.sh, whose
# ID is in MPILOCK_HOSTS: [OPTION...] HOST COMMAND...
set -euo pipefail

while [[ ${1:-} == -* ]]; do shift; done # Hydra's -x, for ssh
host=$1
shift
# As ssh does: the words are one command line of a shell.
exec "$(dirname "${BASH_SOURCE[0]}")/hosts.sh" exec "$MPILOCK_HOSTS" "$host" sh -c "$*"
