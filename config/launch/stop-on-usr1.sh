#!/bin/sh
# Stops a rank in good order on SIGUSR1, under Open MPI 5 and 6. See --help.
case ${1-} in
  "")
    echo "stop-on-usr1.sh: there is no command to run (see --help)" >&2
    exit 2
    ;;
  -h | --help)
    cat <<'HELP'
Usage: mpirun -n N config/launch/stop-on-usr1.sh java -jar app.jar

On SIGTERM and Ctrl-C, the mpirun of Open MPI 5 and 6 kills all ranks half a second later, and no setting changes that.
SIGUSR1 it passes on to the ranks of all hosts at once, and waits for them. This script is put in front of java: it turns
SIGUSR1 into the SIGTERM on which a JVM stops in good order, and ends with the JVM's status. In the first milliseconds,
before the script runs, SIGUSR1 ends the rank.

  kill -USR1 PID-OF-MPIRUN
HELP
    exit 0
    ;;
esac
trap '' USR1 # inherited by the command: mpirun signals all processes of a rank
exec 3<&0 # a shell gives a command in the background no input
"$@" <&3 3<&- &
command=$!
exec 3<&-
stopped=
trap 'stopped=yes; kill -TERM "$command" 2>/dev/null' USR1 TERM
status=0
wait "$command" || status=$?
while [ -n "$stopped" ]; do # it may have been the signal that ended the wait
  stopped=
  again=0
  wait "$command" || again=$?
  [ "$again" -eq 127 ] || status=$again # else the first wait had the command's own
done
exit "$status"
