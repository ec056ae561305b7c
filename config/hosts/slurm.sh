#!/usr/bin/env bash
# Runs a small Slurm cluster of two nodes on this machine. See --help.
# shellcheck disable=SC2016 # commands that a shell in a namespace expands
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: config/hosts/slurm.sh [--bind DIRECTORY]... [--cpus N] CHROOT COMMAND...

Starts Slurm on two nodes, node0 (slurmctld, slurmd) and node1 (slurmd), with the programs of a chroot that has them, runs
the command on node0, and ends with its status; then nothing of the cluster is left. As root.

Each node has namespaces of its own: mount, pid, ipc, uts, net. They have addresses 10.99.0.1 and 10.99.0.2, and no way
to the machine's network. Each has its own host name, boot id, /dev/shm, /tmp and /run; /srv is one for both, and empty.

  --bind DIRECTORY  a directory of the machine that the nodes see at the same place; may be repeated
  --cpus N          the processors that Slurm believes each node to have (4)
  --help            this text

The command's environment has HOME, PATH, LANG, JAVA_HOME if this script has it, and NODE1, the process whose end is the
end of node1. The network of node1 is /etc/slurm/network-of-node1, for nsenter.
HELP
}

fail() {
  echo "slurm.sh: $1" >&2
  exit "${2:-1}"
}

mount_own() { # on node0 and on node1: what a node has for itself
  mount -t proc proc "$chroot/proc"
  for place in dev/shm tmp run var/spool var/log var/lib/munge; do mount -t tmpfs tmpfs "$chroot/$place"; done
  mkdir -m 755 "$chroot"/run/munge "$chroot"/var/log/munge "$chroot"/var/spool/slurmd "$chroot"/var/spool/slurmctld
  chroot "$chroot" chown munge:munge /run/munge /var/log/munge /var/lib/munge
  chmod 1777 "$chroot/tmp" "$chroot/dev/shm"
}

in_chroot() { # in the place of this shell, or of a child
  exec chroot "$chroot" env -i HOME=/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    ${JAVA_HOME:+JAVA_HOME="$JAVA_HOME"} NODE1="${node1-}" "$@"
}

daemons() { # slurmd, behind what it needs
  (in_chroot runuser -u munge -- munged --foreground) >"$chroot/var/log/munged" 2>&1 &
  for ((i = 0; i < 100; i++)); do
    if [ -S "$chroot/run/munge/munge.socket.2" ]; then break; fi
    sleep 0.1
  done
  (in_chroot slurmd -D -N "$1") >"$chroot/var/log/slurmd" 2>&1 &
}

node1() { # the first process of node1
  ip link set lo up
  for ((i = 0; i < 100; i++)); do
    if ip address add 10.99.0.2/24 dev eth0 2>/dev/null; then break; fi # it comes from node0
    sleep 0.1
  done
  ip link set eth0 up
  hostname node1
  mount_own
  # Hosts are known by it, to UCX and to mpilock.
  cat "$chroot/proc/sys/kernel/random/uuid" >"$chroot/run/boot_id"
  mount --bind "$chroot/run/boot_id" "$chroot/proc/sys/kernel/random/boot_id"
  daemons node1
  wait
}

node0() { # the first process of node0: a command
  mount --make-rprivate /
  mount -t proc proc /proc # for "ip", which looks for node1 there
  mount --bind "$chroot" "$chroot"
  hostname node0
  ip link set lo up
  local place
  for place in ${places[@]+"${places[@]}"}; do
    mkdir -p "$chroot$place"
    mount --rbind "$place" "$chroot$place"
  done
  mount --rbind /dev "$chroot/dev"
  mount -t sysfs sysfs "$chroot/sys"
  mount -t tmpfs tmpfs "$chroot/srv"
  mount -t tmpfs tmpfs "$chroot/etc/slurm"
  configuration >"$chroot/etc/slurm/slurm.conf"
  echo CgroupPlugin=disabled >"$chroot/etc/slurm/cgroup.conf"
  printf '127.0.0.1 localhost\n10.99.0.1 node0\n10.99.0.2 node1\n' >"$chroot/etc/slurm/hosts"
  touch "$chroot/etc/hosts"
  mount --bind "$chroot/etc/slurm/hosts" "$chroot/etc/hosts"

  unshare --mount --pid --ipc --uts --net --fork --kill-child bash "$0" node1 "$chroot" &
  local outer=$! i node1=""
  for ((i = 0; i < 100; i++)); do # a child means that its namespaces are there
    node1=$(tr -d ' ' <"/proc/$outer/task/$outer/children")
    if [ -n "$node1" ]; then break; fi
    sleep 0.1
  done
  ip link add eth0 type veth peer name eth0 netns "$outer"
  ip address add 10.99.0.1/24 dev eth0
  ip link set eth0 up
  # Its network outlives it, or node0's end of it would go as well.
  touch "$chroot/etc/slurm/network-of-node1"
  mount --bind "/proc/$outer/ns/net" "$chroot/etc/slurm/network-of-node1"
  mount_own
  daemons node0
  (in_chroot slurmctld -D) >"$chroot/var/log/slurmctld" 2>&1 &
  local idle=0 status=1
  for ((i = 0; i < 300 && idle < 2; i++)); do
    sleep 0.2
    idle=$( (in_chroot sinfo --noheader --Node --states=idle --format=%N) 2>/dev/null | wc -l) || true
  done
  if [ "$idle" -eq 2 ]; then
    status=0
    (in_chroot "$@") || status=$?
  else
    echo "slurm.sh: after a minute the nodes are not idle" >&2
  fi
  if [ "$status" -ne 0 ]; then
    echo "slurm.sh: the last that the daemons said:" >&2
    tail -n 6 "$chroot"/var/log/slurmctld "$chroot"/var/log/slurmd >&2
  fi
  exit "$status" # it is the first process: all others end with it
}

configuration() {
  cat <<CONF
ClusterName=mpilock
SlurmctldHost=node0
SlurmUser=root
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
# A node has no control groups of its own.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AuthInfo=cred_expire=5
# A node that was set down stays down, and one that says nothing for so many seconds is down.
ReturnToService=0
SlurmdTimeout=10
NodeName=node0 NodeAddr=10.99.0.1 NodeHostname=node0 CPUs=$cpus
NodeName=node1 NodeAddr=10.99.0.2 NodeHostname=node1 CPUs=$cpus
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
}

cpus=4
places=()
if [ "${1-}" = node1 ] && [ $$ -eq 1 ]; then
  chroot=$2
  node1
  exit
fi
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --bind) places+=("${2:?--bind needs a directory}") && shift ;;
    --cpus) cpus=${2:?--cpus needs a number} && shift ;;
    -*) fail "there is no option $1 (--help tells more)" 2 ;;
    *) break ;;
  esac
  shift
done
[ $# -ge 2 ] || fail "a chroot and a command are needed (--help tells more)" 2
chroot=$1
shift
if [ "${MPILOCK_SLURM_NODE-}" = node0 ] && [ $$ -eq 1 ]; then
  unset MPILOCK_SLURM_NODE
  node0 "$@"
fi
[ "$(id -u)" -eq 0 ] || fail "only root can make nodes"
chroot "$chroot" /bin/sh -c "command -v slurmctld" >/dev/null || fail "$chroot has no slurmctld"
options=(--cpus "$cpus")
for place in ${places[@]+"${places[@]}"}; do options+=(--bind "$place"); done
MPILOCK_SLURM_NODE=node0 exec unshare --mount --pid --ipc --uts --net --fork --kill-child \
  bash "$0" "${options[@]}" "$chroot" "$@"
