#!/usr/bin/env bash
# Tries mpilock on the MPIs of several Debian releases. See --help.
# shellcheck disable=SC2016 # commands that a shell in a chroot expands
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mpilock/platforms

usage() {
  cat <<'HELP'
Usage: config/platforms.sh [--only NAME] [--list]

Makes a chroot of each Debian release that is needed (once, some 700 MB each, in the user's cache folder), and runs in it,
as root, in namespaces of its own (mount, pid, ipc, uts, net):

  - the contract of the locks on 2 and on 4 ranks, and on 2 and 2 of two simulated hosts (config/hosts.sh)
  - the tests of failures and of messages (once a release, for both of its MPIs)
  - the tests of deaths over simulated hosts (once a release, for its Open MPI: Hydra ends the job)
  - the demo on 4 ranks

And under Slurm, on two nodes of a small cluster (config/hosts/slurm.sh, and what config/hosts/slurm-checks.sh tells): the
contract, the demo, the batch scripts, what stops a job, and an --mpi that is wrong.

It writes each row into docs/platforms.md in place of the row of that name, and ends with 1 if a cell says no.

  --only NAME  only rows whose name begins so; the others stay as they are
  --list       names the rows
  --help       this text

What it needs: root, mmdebstrap (installed if missing), unshare, a JDK 25 under /usr/lib/jvm, Maven.
HELP
}

# name, release, launcher, library ("-" for the launcher's own)
rows='openmpi-4.1 bookworm openmpi -
mpich-4.0 bookworm mpich -
openmpi-5.0 trixie openmpi -
mpich-4.2 trixie mpich -
openmpi-6.0rc forky openmpi -
mpich-5.0 forky mpich -
openmpi-6.0rc-abi forky openmpi libmpi_abi.so.1
mpich-5.0-abi forky mpich libmpi_abi_mpich.so.1.0.0'

# name, release, whose library
slurm_rows='slurm-openmpi-5.0 trixie openmpi
slurm-mpich-4.2 trixie mpich'

only=""
while [ $# -gt 0 ]; do
  case $1 in
    --only) only=${2:?--only needs a name} && shift ;;
    --list) printf '%s\n' "$rows" "$slurm_rows" | cut -d' ' -f1 && exit 0 ;;
    -h | --help) usage && exit 0 ;;
    *) echo "platforms.sh: there is no option $1 (--help tells more)" >&2 && exit 2 ;;
  esac
  shift
done
[ "$(id -u)" -eq 0 ] || { echo "platforms.sh: only root can make chroots" >&2 && exit 1; }
command -v mmdebstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq mmdebstrap; } >/dev/null

# shellcheck source-path=SCRIPTDIR source=build/jdk25.sh
. "$root/config/build/jdk25.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() { # all, tests included, as the demo does when it is run; where there is no Maven it finds all up to date
  "$root/demo-batch/run.sh" --transport local --fresh --output "$work/demo" >"$work/build" 2>&1 ||
    { cat "$work/build" >&2 && exit 1; }
  mvn -q -B -f "$root/pom.xml" -pl mpilock-core dependency:build-classpath -Dmdep.outputFile="$work/classpath" >/dev/null
  repository=$(tr ':' '\n' <"$work/classpath" | grep -o '^.*/repository/' | sort -u | head -n 1)
}

chroot_of() { # a name, a release, more packages; makes the chroot
  local name=$1 packages=openmpi-bin,libopenmpi-dev,mpich,libmpich-dev,iproute2,procps${3:+,$3}
  if [ ! -e "$cache/$name/etc/debian_version" ]; then
    rm -rf "${cache:?}/$name" && mkdir -p "$cache"
    # A mirror that stands still is good enough: what it has is signed all the same.
    mmdebstrap --quiet --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' \
      --include="$packages" "$2" "$cache/$name"
  fi
}

limit=240
inside() { # a release, then a command, which gets so many seconds
  local chroot=$cache/$1
  shift
  timeout --kill-after=10 "$limit" unshare --mount --pid --ipc --uts --net --fork --kill-child bash -c '
    set -e
    chroot=$1 hostname=$2; shift 2
    mount --make-rprivate / && mount --bind "$chroot" "$chroot" # "ip netns exec" needs a mount at its root
    ip link set lo up && hostname "$hostname" && touch "$chroot/etc/hosts"
    while [ "$1" != -- ]; do mkdir -p "$chroot$1" && mount --rbind "$1" "$chroot$1"; shift; done
    shift
    mount -t proc proc "$chroot/proc" && mount --rbind /dev "$chroot/dev" && mount -t sysfs sysfs "$chroot/sys"
    mount -t tmpfs tmpfs "$chroot/dev/shm" && mount -t tmpfs tmpfs "$chroot/tmp" && mount -t tmpfs tmpfs "$chroot/run"
    exec chroot "$chroot" env -i HOME=/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 JAVA_HOME="$JAVA_HOME" "$@"
  ' bash "$chroot" platform "$JAVA_HOME" "$root" "$repository" -- "$@"
}

timed() { # seconds, then a command; what its cell says, while its output goes to $work/output
  local begin=$SECONDS status=0
  limit=$1
  shift
  "$@" >"$work/output" 2>&1 </dev/null || status=$?
  case $status in
    0) echo "yes ($((SECONDS - begin)) s)" ;;
    124 | 137) echo "no: not in $limit s" ;;
    *) echo "no: status $status" ;;
  esac
  if [ "$status" -ne 0 ]; then
    tail -n 60 "$work/output" >&2
  fi
}

launcher() { # openmpi or mpich, then 2 or 4 ranks, or "hosts"
  local mpirun="mpirun.$1" two="-n $2" hosts="$root/config/hosts.sh run --mpi $1 --"
  if [ "$2" = hosts ]; then
    two="-n 4"
  fi
  case $1-$2 in
    openmpi-hosts) mpirun=$hosts two="--mca btl_tcp_if_include eth0 --host node0:2,node1:2 -n 4" ;;
    mpich-hosts) mpirun=$hosts two="-hosts node0:2,node1:2 -n 4" ;;
  esac
  case $1 in
    openmpi) echo "$mpirun --allow-run-as-root --map-by slot:OVERSUBSCRIBE --bind-to none $two" ;;
    *) echo "$mpirun $two" ;;
  esac
}

java="$JAVA_HOME/bin/java --enable-native-access=ALL-UNNAMED -Xmx256m"
classes() { echo "$root/mpilock-core/target/classes:$root/mpilock-core/target/test-classes:$(cat "$work/classpath")"; }

contract() { # release, launcher, library, ranks or "hosts"
  local library="" places=""
  if [ "$4" = hosts ]; then
    places="-Dmpilock.test.hosts=node0:2,node1:2" # which each rank looks at
  fi
  [ "$3" = - ] || library="-Dmpilock.test.library=$3"
  local suite='io.mpilock.NativeContractTest$'
  # shellcheck disable=SC2046,SC2086 # words
  timed 240 inside "$1" $(launcher "$2" "$4") $java $library $places -Dmpilock.test.folder=/tmp -cp "$(classes)" \
    io.mpilock.testing.RankSuite "${suite}Locks" "${suite}SingleWrites" "${suite}Lifecycles" "${suite}Deadlocks" \
    "${suite}Statuses"
}

tests() { # release, class
  # shellcheck disable=SC2086 # words
  timed 600 inside "$1" $java -cp "$(classes)" io.mpilock.testing.RankSuite "$2"
}

demo() { # release, launcher, library
  local passed=()
  [ "$3" = - ] || passed=("--mpilock.native.library=$3")
  timed 240 inside "$1" "$root/demo-batch/run.sh" --mpi "$2" --ranks 4 --fresh --output /tmp/demo "${passed[@]}"
}

version() { # release, launcher
  inside "$1" sh -c "mpirun.$2 --version" 2>&1 | grep -oE '\(Open MPI\) [^ ]+|Version: +[^ ]+' | head -n 1 | sed 's/.* //'
}

page=$root/docs/platforms.md
replace() { # a name and its row, and its table: into the page, in place of the one of that name, or as the last
  NAME="| \`$1\` |" ROW=$2 TABLE="<!-- $3 -->" awk '
    { line[NR] = $0 }
    /^<!-- / { here = $0 == ENVIRON["TABLE"] }
    here && /^\|/ { last = NR }
    index($0, ENVIRON["NAME"]) == 1 { line[NR] = ENVIRON["ROW"]; there = 1 }
    END {
      for (i = 1; i <= NR; i++) {
        print line[i]
        if (i == last && !there) print ENVIRON["ROW"]
      }
    }
  ' "$page" >"$work/page"
  cp "$work/page" "$page"
}

build
declare -A failures deaths messages
bad=0
while read -r name release mpi library; do
  case $name in "$only"*) ;; *) continue ;; esac
  chroot_of "$release" "$release"
  echo "platforms.sh: $name" >&2
  if [ -z "${failures[$release]:-}" ]; then
    failures[$release]=$(tests "$release" io.mpilock.NativeFailureTest)
    messages[$release]=$(tests "$release" io.mpilock.transport.NativeMessengerTest)
  fi
  death="not for MPICH"
  if [ "$mpi" = openmpi ]; then
    [ -n "${deaths[$release]:-}" ] || deaths[$release]=$(tests "$release" io.mpilock.JobNativeFailureTest)
    death=${deaths[$release]}
  fi
  row="| \`$name\` | $release | $(version "$release" "$mpi") | $(contract "$release" "$mpi" "$library" 2) \
| $(contract "$release" "$mpi" "$library" 4) | $(contract "$release" "$mpi" "$library" hosts) \
| ${failures[$release]} | $death | ${messages[$release]} \
| $(demo "$release" "$mpi" "$library") | $(date -I) |"
  case $row in *"| no:"*) bad=1 ;; esac
  replace "$name" "$row" table
  echo "$row"
done <<<"$rows"

under_slurm() { # a chroot, whose library; the cells
  local check
  timeout --kill-after=10 3600 "$root/config/hosts/slurm.sh" --bind "$JAVA_HOME" --bind "$root" --bind "$repository" \
    "$cache/$1" "$root/config/hosts/slurm-checks.sh" "$2" "$(classes)" >"$work/slurm" </dev/null || true
  for check in $("$root/config/hosts/slurm-checks.sh" --list); do
    echo -n "| $(grep "^$check " "$work/slurm" | cut -d' ' -f2- | grep . || echo "no: it was not reached") "
  done
}

while read -r name release mpi; do
  case $name in "$only"*) ;; *) continue ;; esac
  chroot_of "$release-slurm" "$release" slurm-wlm,munge
  echo "platforms.sh: $name" >&2
  slurm=$(chroot "$cache/$release-slurm" slurmctld -V | cut -d' ' -f2)
  row="| \`$name\` | $release | $slurm | $(version "$release-slurm" "$mpi") $(under_slurm "$release-slurm" "$mpi")| $(date -I) |"
  case $row in *"| no:"*) bad=1 ;; esac
  replace "$name" "$row" slurm
  echo "$row"
done <<<"$slurm_rows"
exit "$bad"
