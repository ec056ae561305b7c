#!/bin/sh
# Runs the demo on as many ranks as RANKS says (4), all in this container, or in the pods of the MPI Operator's host file.
# Arguments go to the demo. SIGTERM, as from "docker stop" or the end of a pod, stops it in good order.
set -eu
places="--map-by slot:OVERSUBSCRIBE"
if [ -e /etc/mpi/hostfile ]; then places="--hostfile /etc/mpi/hostfile"; fi
# shellcheck disable=SC2086 # words
mpirun $places --bind-to none -n "${RANKS:-4}" /opt/demo/stop-on-usr1.sh \
  java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx256m -jar /opt/demo/demo-batch.jar \
  --demo.input=/opt/demo/flights.csv --demo.output=/output --mpilock.expected-ranks="${RANKS:-4}" "$@" &
launcher=$!
stopped=
trap 'stopped=yes; kill -USR1 "$launcher" 2>/dev/null || true' TERM INT
status=0
wait "$launcher" || status=$?
while [ -n "$stopped" ]; do # it may have been the signal that ended the wait
  stopped=
  again=0
  wait "$launcher" || again=$?
  [ "$again" -eq 127 ] || status=$again
done
exit "$status"
