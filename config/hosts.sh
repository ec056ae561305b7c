#!/usr/bin/env bash
# Simulates several hosts on this machine, for jobs over more than one node. See --help.
set -euo pipefail

directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
  cat <<'HELP'
Usage: config/hosts.sh run [--hosts N] [--mpi openmpi|mpich] -- ARGUMENT...
       config/hosts.sh hold [--hosts N]
       config/hosts.sh launch ID [--mpi openmpi|mpich] -- ARGUMENT...
       config/hosts.sh exec ID HOST COMMAND...
       config/hosts.sh down|up ID HOST
       config/hosts.sh remove ID
       config/hosts.sh list

Simulates hosts node0, node1, ... on this machine, as root. Each is a network namespace with the address 10.99.0.1,
10.99.0.2, ... behind a bridge. The bridge has a namespace of its own, so nothing is added to the machine's network and
several sets of hosts do not meet. A process on a host sees that host's name (a UTS namespace), so MPI takes the hosts for
different nodes. The file system, /dev/shm and the process ids are the machine's.

  run      makes N hosts (2), runs mpirun on node0 with the arguments, removes the hosts, and ends with mpirun's status:
             config/hosts.sh run -- --map-by slot:OVERSUBSCRIBE --allow-run-as-root --bind-to none --host node0:2,node1:2 \
               java -jar app.jar
             config/hosts.sh run --mpi mpich -- -hosts node0:2,node1:2 -n 4 java -jar app.jar
  hold     makes N hosts, prints their ID, and removes them when its standard input ends
  launch   runs mpirun on node0 of existing hosts
  exec     runs a command on a host
  down|up  disconnects a host from the others, as if its cable were pulled, and connects it again
  remove   ends what runs on the hosts, and removes them, for example after a "hold" was killed
  list     the IDs of the hosts that exist
  --help   this text

The launcher reaches the other hosts through config/hosts/rsh.sh; it gets no other setting. UCX, which is under Debian's
MPICH, knows hosts by the kernel's boot id and so sends through shared memory between these: UCX_TLS=tcp,self in the
environment makes it take TCP, but then MPICH 4.0.2's MPI_Finalize may hang, with one rank closing its connections while
the others no longer make progress.
HELP
}

fail() {
  echo "hosts.sh: $1" >&2
  exit "${2:-1}"
}

count=2
mpi=openmpi
rest=()
parse() { # options and, behind --, the rest
  while [ $# -gt 0 ]; do
    case $1 in
      --hosts)
        count=${2:-}
        shift 2 || fail "--hosts requires a number" 2
        ;;
      --mpi)
        mpi=${2:-}
        shift 2 || fail "--mpi requires openmpi or mpich" 2
        ;;
      --)
        shift
        rest=("$@")
        break
        ;;
      *) fail "there is no option $1 (see --help)" 2 ;;
    esac
  done
  [[ $count =~ ^[1-9][0-9]?$ ]] || fail "--hosts must be from 1 to 99, not $count" 2
  [[ $mpi =~ ^(openmpi|mpich)$ ]] || fail "--mpi must be openmpi or mpich, not $mpi" 2
}

check_able() {
  command -v ip >/dev/null || fail "ip is missing (on Debian: apt-get install iproute2)"
  command -v unshare >/dev/null || fail "unshare is missing (on Debian: apt-get install util-linux)"
  [ "$(id -u)" -eq 0 ] || fail "only root can make network namespaces (in a container: with --privileged)"
}

# The names of the namespaces, which tell whose they are: a set of hosts has the process id of its maker as its ID.
namespace() { echo "mpilock-$1-$2"; }

all_namespaces() { # those of ID $1
  local name
  for name in /run/netns/mpilock-"$1"-*; do
    if [ -e "$name" ]; then basename "$name"; fi
  done
}

check_id() {
  if [[ ! ${1:-} =~ ^[0-9]+$ ]] || [ -z "$(all_namespaces "$1")" ]; then fail "there are no hosts ${1:-}"; fi
}

check_host() {
  check_id "${1:-}"
  if [ -z "${2:-}" ] || [ ! -e "/run/netns/$(namespace "$1" "$2")" ]; then fail "hosts $1 have no ${2:-}"; fi
}

make() { # ID, number of hosts
  local id=$1 hosts=$2 switch name i j
  switch=$(namespace "$id" switch)
  ip netns add "$switch" || fail "network namespaces cannot be made here (in a container: --privileged)"
  ip -n "$switch" link add bridge type bridge || fail "bridges cannot be made here"
  ip -n "$switch" link set bridge up
  for ((i = 0; i < hosts; i++)); do
    name=$(namespace "$id" "node$i")
    ip netns add "$name"
    # The port at the bridge has the host's name.
    ip -n "$switch" link add "node$i" type veth peer name eth0 netns "$name"
    ip -n "$switch" link set "node$i" master bridge up
    ip -n "$name" address add "10.99.0.$((i + 1))/24" dev eth0
    ip -n "$name" link set lo up
    ip -n "$name" link set eth0 up
    # "ip netns exec" puts it in the place of /etc/hosts.
    mkdir -p "/etc/netns/$name"
    {
      echo "127.0.0.1 localhost"
      for ((j = 0; j < hosts; j++)); do echo "10.99.0.$((j + 1)) node$j"; done
    } >"/etc/netns/$name/hosts"
  done
}

processes() { # what runs on the hosts of ID $1, but for this script
  local name pid
  for name in $(all_namespaces "$1"); do
    for pid in $(ip netns pids "$name" 2>/dev/null); do
      if [ "$pid" -ne $$ ]; then echo "$pid"; fi
    done
  done
}

remove() {
  local id=$1 name pids tries
  for signal in TERM KILL; do
    for ((tries = 0; tries < 20; tries++)); do
      pids=$(processes "$id")
      [ -n "$pids" ] || break 2
      # shellcheck disable=SC2086 # they are numbers
      if [ "$tries" -eq 0 ]; then kill "-$signal" $pids 2>/dev/null || true; fi
      sleep 0.1
    done
  done
  for name in $(all_namespaces "$id"); do
    ip netns delete "$name" || true
    rm -rf "/etc/netns/$name"
  done
  rmdir /etc/netns 2>/dev/null || true
}

make_for_a_while() { # until this script ends, however it does
  trap 'remove $$' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  make $$ "$count"
}

on_host() { # ID, host, command...: in the place of this script
  local name=$2
  # shellcheck disable=SC2016 # for the inner shell
  exec ip netns exec "$(namespace "$1" "$2")" \
    unshare --uts sh -c 'hostname "$0" && exec "$@"' "$name" "${@:3}"
}

first_of() { # the first of the commands that is there
  local name
  for name in "$@"; do
    if command -v "$name"; then return 0; fi
  done
  fail "$1 is missing (config/build/setup.sh installs it)"
}

launch() { # ID, mpirun's arguments...: in the place of this script
  local launcher agent=$directory/hosts/rsh.sh
  export MPILOCK_HOSTS=$1
  case $mpi in
    openmpi)
      launcher=$(first_of mpirun.openmpi mpirun)
      on_host "$1" node0 "$launcher" --mca plm_rsh_agent "$agent" "${@:2}"
      ;;
    mpich)
      launcher=$(first_of mpiexec.mpich mpiexec.hydra mpiexec)
      on_host "$1" node0 "$launcher" -launcher ssh -launcher-exec "$agent" "${@:2}"
      ;;
  esac
}

end() { # a launcher, then this script with a status
  kill "$1" 2>/dev/null || true
  wait "$1" || true
  exit "$2"
}

action=${1:-}
shift || true
case $action in
  -h | --help)
    usage
    exit 0
    ;;
  run | hold | launch | exec | down | up | remove | list) check_able ;;
  *) fail "there is no action $action (see --help)" 2 ;;
esac

case $action in
  run)
    parse "$@"
    [ ${#rest[@]} -gt 0 ] || fail "mpirun's arguments are missing, behind --" 2
    make_for_a_while
    # In the background: a trap waits for a command in the foreground.
    launch $$ "${rest[@]}" <&0 &
    launched=$!
    trap 'end $launched 129' HUP
    trap 'end $launched 130' INT
    trap 'end $launched 143' TERM
    wait $launched
    ;;
  hold)
    parse "$@"
    make_for_a_while
    echo $$
    while read -r _; do :; done
    ;;
  launch)
    id=${1:-}
    check_id "$id"
    parse "${@:2}"
    launch "$id" "${rest[@]}"
    ;;
  exec)
    check_host "${1:-}" "${2:-}"
    on_host "$@"
    ;;
  down | up)
    check_host "${1:-}" "${2:-}"
    ip -n "$(namespace "$1" switch)" link set "$2" "$action"
    ;;
  remove)
    check_id "${1:-}"
    remove "$1"
    ;;
  list)
    for name in /run/netns/mpilock-*-switch; do
      if [ -e "$name" ]; then basename "$name" -switch | cut -d - -f 2; fi
    done
    ;;
esac
