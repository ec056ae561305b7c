#!/usr/bin/env bash
# Builds the demo's image without a registry, and runs the demo from it. See --help.
# shellcheck disable=SC2016 # what jq expands
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mpilock/container

usage() {
  cat <<'HELP'
Usage: config/container/build.sh [--ssh] [--keep DIR]

Builds the image of config/container/Dockerfile as an OCI layout, on a base that mmdebstrap makes (some 80 MB, kept in the
user's cache folder) in place of one from a registry. It unpacks what it has built, and runs the demo from it on 4 ranks as
containers run by default: a user other than root, without capabilities, a root that is only read, spaces of their own for
processes, mounts, network, host name and IPC, 64 MB of /dev/shm, no process_vm_readv, and 256 processes and threads at
most. Then it checks that the file has all flights.

  --ssh        the image for several pods, with ssh; its demo runs on 2 and 2 ranks in two such containers, by a third, with
               a network between them, as the MPI Operator starts it
  --keep DIR   leaves the image in DIR/oci and the demo's results in DIR/output; the rest is deleted
  --help       this text

What it needs: root, a JDK 25 under /usr/lib/jvm, Maven, and mmdebstrap, buildah, umoci, runc, jq, hdf5-tools, iproute2 and
openssh-client, which it installs if they are missing.
HELP
}

ssh="" keep=""
while [ $# -gt 0 ]; do
  case $1 in
    --ssh) ssh=ssh ;;
    --keep) keep=${2:?--keep needs a folder} && shift ;;
    -h | --help) usage && exit 0 ;;
    *) echo "build.sh: there is no option $1 (--help tells more)" >&2 && exit 2 ;;
  esac
  shift
done
[ "$(id -u)" -eq 0 ] || { echo "build.sh: only root can make a root file system" >&2 && exit 1; }
missing=()
for tool in mmdebstrap buildah umoci runc jq h5ls:hdf5-tools ip:iproute2 ssh-keygen:openssh-client; do
  command -v "${tool%:*}" >/dev/null || missing+=("${tool#*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/dev/null
fi

work=$(mktemp -d)
pods=()
# shellcheck disable=SC2317 # called by the trap
clean() {
  for each in ${pods[@]+"${pods[@]}"}; do
    runc --root "$work/runc" kill "mpilock-demo-$$-$each" KILL || true
    ip netns delete "$each-$$" || true
  done
  if [ ${#pods[@]} -gt 0 ]; then
    wait
    ip link delete "b$$" || true
  fi
  rm -rf "$work"
} 2>/dev/null
trap clean EXIT
results=$work
if [ -n "$keep" ]; then
  mkdir -p "$keep" && results=$(cd "$keep" && pwd)
fi
image=$results/oci output=$results/output name=demo${ssh:+-ssh}
rm -rf "$image" && mkdir -p "$output"

note() { echo "build.sh: $1" >&2; }
quietly() { "$@" >"$work/log" 2>&1 || { tail -n 60 "$work/log" >&2 && note "failed: $1" && exit 1; }; }
tool() { command buildah --root "$work/store" --runroot "$work/run" --storage-driver overlay "$@"; }

# What is installed is in setup.sh, for both; what is copied is named in each.
both=$(sed -n 's/^COPY \(.*\) [^ ]*$/\1/p' "$root/config/container/Dockerfile" | tr ' ' '\n' | sort)
definition=$(sed -n '/^%files/,/^$/s/^ \+\([^ ]*\) .*/\1/p' "$root/config/container/demo.def" | sort)
[ "$both" = "$definition" ] || { note "Dockerfile and demo.def copy different files:" && diff <(echo "$both") <(echo "$definition"); exit 1; }

note "the jar"
quietly "$root/demo-batch/run.sh" --transport local --fresh --output "$work/local" # builds what is out of date

base=$(sed -n 's/^FROM debian:\(.*\)-slim$/\1/p' "$root/config/container/Dockerfile")
if [ ! -e "$cache/$base.tar" ]; then
  note "the base, $base"
  mkdir -p "$cache"
  # A mirror that stands still is good enough: what it has is signed all the same. No manuals, as in the slim images.
  quietly mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' "$base" "$work/base.tar"
  mv "$work/base.tar" "$cache/$base.tar"
fi

note "the image"
container=$(tool from scratch)
quietly tool add --quiet "$container" "$cache/$base.tar" /
quietly tool commit --quiet --rm "$container" base
quietly tool build --isolation chroot --from localhost/base --build-arg ssh="$ssh" -f "$root/config/container/Dockerfile" \
  -t "$name" "$root"
quietly tool push "$name" "oci:$image:$name"

quietly umoci unpack --image "$image:$name" "$work/unpacked"
rm -rf "${output:?}"/* "$output/.batch" && chown 1000:1000 "$output"

bundle() { # a name, and what jq changes beside the limits; for runc, which gets its folder
  mkdir "$work/$1"
  jq --arg name "$1" --arg work "$work" --arg output "$output" '
    .process.terminal = false | .process.noNewPrivileges = true | del(.process.rlimits)
    | .root = {path: "\($work)/unpacked/rootfs", readonly: true} | .hostname = "mpilock-demo-\($name)"
    | .process.capabilities = {bounding: [], effective: [], inheritable: [], permitted: [], ambient: []}
    | .mounts |= map(select(.destination != "/etc/resolv.conf"))
    | .mounts += [
        {destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "mode=1777", "size=256m"]},
        {destination: "/output", type: "bind", source: $output, options: ["rbind", "rw"]}]
    | .linux.resources.pids = {limit: 256}
    | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
        {names: ["process_vm_readv", "process_vm_writev", "ptrace"], action: "SCMP_ACT_ERRNO", errnoRet: 1}]}
    | '"${2:-.}" "$work/unpacked/config.json" >"$work/$1/config.json"
  local shm
  shm=$(jq -r '.mounts[] | select(.destination == "/dev/shm").options[] | select(startswith("size="))' "$work/$1/config.json")
  [ "$shm" = size=65536k ] || { note "the container would have another /dev/shm ($shm)" && exit 1; }
}
# shellcheck disable=SC2317 # called through "quietly"
start() { timeout --kill-after=10 400 runc --root "$work/runc" run --bundle "$work/$1" "mpilock-demo-$$-$1" </dev/null; }

pod() { # number, name; a network namespace with an address, and a bundle that is in it
  local space=$2-$$
  ip netns add "$space"
  pods+=("$2")
  ip link add "p$1-$$" type veth peer name eth0 netns "$space"
  ip link set "p$1-$$" master "b$$" up
  ip -n "$space" address add "10.88.0.1$1/24" dev eth0
  ip -n "$space" link set eth0 up
  ip -n "$space" link set lo up
  echo "10.88.0.1$1 mpilock-demo-$2.mpilock-demo mpilock-demo-$2" >>"$work/hosts"
  # As the operator does: keys, of which only the first need not be readable for all; names; and the host file.
  bundle "$2" '(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/'"$space"'"
    | .mounts += [
        {destination: "/home/mpiuser/.ssh", type: "bind", source: "\($work)/keys", options: ["rbind", "ro"]},
        {destination: "/etc/hosts", type: "bind", source: "\($work)/hosts", options: ["rbind", "ro"]}]
    | '"$3"
}

if [ -z "$ssh" ]; then
  note "the demo"
  bundle one
  quietly start one
else
  note "the demo on two pods"
  mkdir "$work/keys" "$work/mpi"
  chmod 755 "$work"
  ssh-keygen -q -t ecdsa -b 521 -N '' -f "$work/keys/id_rsa"
  cp "$work/keys/id_rsa.pub" "$work/keys/authorized_keys"
  chown -R 0:1000 "$work/keys" && chmod 750 "$work/keys" && chmod 640 "$work"/keys/*
  echo "127.0.0.1 localhost" >"$work/hosts"
  ip link add "b$$" type bridge
  ip link set "b$$" up
  for worker in worker-0 worker-1; do
    pod "${worker#*-}" "$worker" '.process.args = ["/usr/sbin/sshd", "-De", "-f", "/home/mpiuser/.sshd_config"]'
    echo "mpilock-demo-$worker.mpilock-demo slots=2" >>"$work/mpi/hostfile"
    start "$worker" >"$work/$worker.log" 2>&1 &
  done
  pod 2 launcher '.mounts += [{destination: "/etc/mpi", type: "bind", source: "\($work)/mpi", options: ["rbind", "ro"]}]
    | .process.env += ["OMPI_MCA_orte_keep_fqdn_hostnames=true", "OMPI_MCA_orte_default_hostfile=/etc/mpi/hostfile",
        "OMPI_MCA_plm_rsh_args=-o ConnectionAttempts=10", "OMPI_MCA_orte_set_default_slots=2"]'
  quietly start launcher
  for worker in worker-0 worker-1; do
    grep -q "mpilock-demo-$worker" "$output/mpilock-report.json" || { note "no rank was on $worker" && exit 1; }
  done
fi

flights=$(($(wc -l <"$root/demo-batch/data/flights.csv") - 1)) # its first line has the names
for dataset in date delay rank; do
  h5ls "$output/flights.h5/flights/$dataset" | grep -q "Dataset {$flights/" ||
    { note "flights.h5 lacks rows of $dataset: $(h5ls "$output/flights.h5/flights/$dataset" 2>&1)" && exit 1; }
done
writers=$(h5dump -y -w 1 -d /flights/rank "$output/flights.h5" | grep -oE '^ +[0-9]+,?$' | tr -d ' ,' | sort -n | uniq -c)
[ "$(wc -l <<<"$writers")" -eq 4 ] || { note "not 4 ranks have written: $writers" && exit 1; }
note "$flights flights, written by 4 ranks; $(grep -c . "$work/log") lines of output"
