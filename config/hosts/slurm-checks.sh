#!/usr/bin/env bash
# What mpilock and the demo do under Slurm, on the cluster of slurm.sh. See --help.
# shellcheck disable=SC2317 # functions that are called by their names in "what"
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

usage() {
  cat <<'HELP'
Usage: config/hosts/slurm-checks.sh openmpi|mpich CLASSPATH [NAME...]
       config/hosts/slurm-checks.sh --list

Runs on the cluster of config/hosts/slurm.sh, whose nodes see this project, and prints a line for each check: its name,
and "yes (N s)" or "no: " and why. What a check that failed has said goes to standard error. Ends with 1 if one failed.

  contract-1  the contract of the locks on 4 ranks of one node
  contract-2  the same on 2 and 2 ranks of two nodes
  demo-1      the demo on 4 ranks of one node, by srun
  demo-2      the demo on 2 and 2 ranks of two nodes, by srun
  batch       the batch scripts of config/launch/slurm for this MPI, with the demo, to their end
  scancel     scancel of a batch job in the middle of the demo: an orderly stop; started again, the demo goes on to its end.
              With Open MPI the same again for mpirun in the batch script, by stop-on-usr1.sh
  limit       the same at the time limit, by the signal before it (--signal=TERM@20), and by the limit itself
  down        a node that is set down in the middle: Slurm puts the job back, and when the node is there again the demo
              goes on to its end
  requeue     scontrol requeue in the middle: the same, without a node that fails
  wrong       srun with an --mpi that is not this MPI's, and without one: no rank starts, and the message names --mpi
  dies        node1 ends in the middle without a word, with all that ran there; the demo goes on to its end on node0.
              The last, since nothing that needs two nodes can be checked after it

  --list      their names
  --help      this text
HELP
}

all=(contract-1 contract-2 demo-1 demo-2 batch scancel limit down requeue wrong dies)
case ${1-} in
  -h | --help) usage && exit 0 ;;
  --list) printf '%s\n' "${all[@]}" && exit 0 ;;
  openmpi | mpich) mpi=$1 ;;
  *) echo "slurm-checks.sh: openmpi or mpich is needed (--help tells more)" >&2 && exit 2 ;;
esac
classpath=${2:?a class path is needed}
shift 2
[ $# -gt 0 ] || set -- "${all[@]}"

java="$JAVA_HOME/bin/java"
export PATH="$JAVA_HOME/bin:$PATH" # for the batch scripts
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 # for mpirun in a batch script
jar=$root/demo-batch/target/demo-batch.jar
scripts=$root/config/launch/slurm
case $mpi in
  openmpi) right=pmix wrong="none pmi2" library=libmpi.so.40 ;;
  mpich) right=pmi2 wrong="none pmix" library=libmpich.so.12 ;;
esac

contract() { # nodes
  local suite='io.mpilock.NativeContractTest$' places=""
  if [ "$1" -eq 2 ]; then places="-Dmpilock.test.hosts=node0:2,node1:2"; fi # which each rank looks at
  # shellcheck disable=SC2086 # words
  timeout -k 10 240 srun --mpi="$right" --cpu-bind=none --nodes="$1" --ntasks=4 --ntasks-per-node=$((4 / $1)) "$java" \
    --enable-native-access=ALL-UNNAMED -Xmx256m -Dmpilock.test.library=$library $places -Dmpilock.test.folder=/srv \
    -cp "$classpath" io.mpilock.testing.RankSuite "${suite}Locks" "${suite}SingleWrites" "${suite}Lifecycles" \
    "${suite}Deadlocks" "${suite}Statuses"
}

demo=("$java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -jar "$jar" "--demo.input=$root/demo-batch/data/flights.csv"
  "--mpilock.native.library=$library" --demo.progress=lines)

demo() { # nodes, folder, options of the demo
  local nodes=$1 folder=$2
  shift 2
  timeout -k 10 240 srun --mpi="$right" --cpu-bind=none --nodes="$nodes" --ntasks=4 --ntasks-per-node=$((4 / nodes)) \
    "${demo[@]}" "--demo.output=$folder" "$@"
}

whole() { # folder: the demo is through, which has read its file back, and says so of all its rows
  grep -E '^20,000 rows from [48] rank' "$1.out" && [ -s "$1/flights.h5" ] && [ ! -e "$1/flights.h5.partial" ]
}

on_both() { # folder: the report of the locks tells where each rank was
  grep -E '^[0-9]+ +node0 ' "$1.out" && grep -E '^[0-9]+ +node1 ' "$1.out"
}

demo_whole() { # nodes
  demo "$1" "/srv/demo-$1" --demo.fresh=true 2>&1 | tee "/srv/demo-$1.out"
  if [ "$1" -eq 2 ]; then on_both /srv/demo-2; fi
  whole "/srv/demo-$1"
}

batch() {
  local script name
  for script in "$scripts"/*"$mpi"*.sbatch; do
    name=$(basename "$script" .sbatch)
    # shellcheck disable=SC2086 # one word, or none
    timeout -k 10 400 sbatch --wait --output="/srv/$name.out" "$script" "$jar" \
      "--demo.input=$root/demo-batch/data/flights.csv" "--demo.output=/srv/$name" || { cat "/srv/$name.out" && return 1; }
    cat "/srv/$name.out"
    on_both "/srv/$name"
    whole "/srv/$name"
  done
}

submit() { # folder, options of sbatch; the demo with pauses, 20 a rank; prints the job's id
  local folder=$1
  shift
  sbatch --parsable --output="$folder.out" --open-mode=append --nodes=2 --ntasks=4 --ntasks-per-node=2 "$@" \
    --wrap "${start:-srun --mpi=$right --cpu-bind=none} ${demo[*]} --demo.output=$folder --demo.chunk-pause=${pause:-5s}"
}

waits() { # seconds, then a command that is to succeed within them
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { echo "not in time: $*" && return 1; }
    sleep 0.5
  done
}

state_of() { scontrol show job "$1" | grep -o 'JobState=[A-Z_]*' | cut -d= -f2; }
ended() { ! squeue --noheader --jobs="$1" | grep -q .; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
working() { [ "$(stat -c %s "$1/journal.partial")" -gt 20000 ]; } # some chunks are done
no_ranks() { ! pgrep -f demo-batch.jar; } # node0 sees node1's processes too

goes_on() { # folder, nodes (2): the demo, started again by srun, goes on with what was done
  demo "${2:-2}" "$1" 2>&1 | tee "$1.again"
  grep 'Going on where an earlier run ended' "$1.again"
  cp "$1.again" "$1.out"
  whole "$1"
}

stopped() { # folder: in good order
  cat "$1.out"
  grep "demo-batch STOPPED" "$1.out"
}

scancel_by() { # folder, options of scancel
  local folder=$1 job begin
  job=$(submit "$folder")
  waits 120 working "$folder"
  begin=$SECONDS
  scancel "${@:2}" "$job"
  waits 60 ended "$job"
  echo "ended $((SECONDS - begin)) s after scancel: $(state_of "$job")"
  stopped "$folder"
  waits 10 no_ranks
  goes_on "$folder"
}

scancel_() {
  scancel_by /srv/scancel
  if [ "$mpi" = openmpi ]; then
    start="exec mpirun --bind-to none $root/config/launch/stop-on-usr1.sh" scancel_by /srv/usr1 --signal=USR1 --batch
  fi
}

limit_() { # a name, options of sbatch
  local folder=/srv/limit-$1 job
  job=$(pause=10s submit "$folder" --time=2 "${@:2}") # Slurm looks at times once in half a minute or so
  waits 300 ended "$job"
  echo "ended: $(state_of "$job")"
  stopped "$folder"
  waits 10 no_ranks
  goes_on "$folder"
}

limit() {
  limit_ signal --signal=TERM@20
  limit_ itself
}

again() { # folder, job: put back by Slurm, it goes on to its end
  waits 300 ended "$2"
  cat "$1.out"
  scontrol show job "$2" | grep -E 'JobState|Restarts'
  scontrol show job "$2" | grep -q 'Restarts=1 '
  grep 'Going on where an earlier run ended' "$1.out"
  is_state "$2" COMPLETED
  whole "$1"
}

down() {
  local folder=/srv/down job begin
  job=$(pause=2s submit "$folder" --requeue)
  waits 120 working "$folder"
  begin=$SECONDS
  scontrol update nodename=node1 state=down reason=test
  waits 90 is_state "$job" PENDING
  echo "put back $((SECONDS - begin)) s after the node was set down"
  waits 60 no_ranks
  scontrol update nodename=node1 state=resume
  again "$folder" "$job"
}

requeue() {
  local folder=/srv/requeue job
  job=$(pause=2s submit "$folder" --requeue)
  waits 120 working "$folder"
  scontrol requeue "$job"
  again "$folder" "$job"
}

dies() {
  local folder=/srv/dies job begin
  job=$(submit "$folder" --no-requeue)
  waits 120 working "$folder"
  begin=$SECONDS
  nsenter --net=/etc/slurm/network-of-node1 ip link set eth0 down # as without power: the others are told of nothing
  kill -KILL "$NODE1"
  waits 120 ended "$job"
  echo "ended $((SECONDS - begin)) s after node1: $(state_of "$job")"
  cat "$folder.out"
  waits 30 no_ranks
  goes_on "$folder" 1
}

wrong() {
  local kind
  for kind in $wrong; do
    if timeout -k 10 120 srun --mpi="$kind" --nodes=1 --ntasks=2 "${demo[@]}" "--demo.output=/srv/wrong-$kind" \
      >"/srv/wrong-$kind.out" 2>&1; then
      cat "/srv/wrong-$kind.out"
      echo "--mpi=$kind: ended with 0"
      return 1
    fi
    cat "/srv/wrong-$kind.out"
    grep -q -e "--mpi=$right" "/srv/wrong-$kind.out"
    [ ! -e "/srv/wrong-$kind/flights.h5" ]
  done
}

failed=0
for name in "$@"; do
  begin=$SECONDS
  status=0
  case $name in
    contract-[12]) what=(contract "${name#*-}") ;;
    demo-[12]) what=(demo_whole "${name#*-}") ;;
    batch | limit | down | requeue | dies | wrong) what=("$name") ;;
    scancel) what=(scancel_) ;;
    *) echo "slurm-checks.sh: there is no check $name (--help tells more)" >&2 && exit 2 ;;
  esac
  set +e # "set -e" holds in no command whose status is looked at
  (set -e && "${what[@]}") >"/srv/$name.log" 2>&1 </dev/null
  status=$?
  set -e
  if [ "$status" -eq 0 ]; then
    echo "$name yes ($((SECONDS - begin)) s)"
  else
    failed=1
    echo "$name no: status $status"
    tail -n 60 "/srv/$name.log" >&2
  fi
  if [ -n "${MPILOCK_SLURM_LOGS-}" ]; then
    mkdir -p "$MPILOCK_SLURM_LOGS" && cp /srv/*.log "$MPILOCK_SLURM_LOGS"
  fi
  scancel --full --user=root 2>/dev/null || true
done
exit "$failed"
