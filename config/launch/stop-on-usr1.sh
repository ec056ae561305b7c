#!/bin/sh
# Stops a rank in good order on SIGUSR1, under Open MPI 5 and 6. See --help.
case ${1:---help} in
  -h | --help)
    cat <<'HELP'
Usage: mpirun -n N config/launch/stop-on-usr1.sh java -jar app.jar

On SIGTERM and Ctrl-C, the mpirun of Open MPI 5 and 6 kills all ranks half a second later, and no setting changes that.
SIGUSR1 it passes on to the ranks of all hosts at once, and waits for them. This script is put in front of java: it turns
SIGUSR1 into the SIGTERM on which a JVM stops in good order, and ends with the JVM's status.

  kill -USR1 PID-OF-MPIRUN
HELP
    exit 0
    ;;
esac
trap '' USR1 # inherited by the command: mpirun signals all processes of a rank
"$@" &
command=$!
trap 'kill -TERM "$command" 2>/dev/null' USR1 TERM
status=0
wait "$command" || status=$?
while kill -0 "$command" 2>/dev/null; do # it was the signal that ended the wait
  status=0
  wait "$command" || status=$?
done
exit "$status"
