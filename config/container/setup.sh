#!/bin/sh
# What the demo needs, in an image of Debian 13: its packages and a user. As root, in the image. The Dockerfile and the
# definition for Apptainer call it, and nothing else in them installs anything, so they cannot differ.
# "setup.sh ssh" also installs ssh, for mpirun over several pods (the MPI Operator). On one host nothing needs it.
set -eu

packages="openjdk-25-jre-headless openmpi-bin"
if [ "${1:-}" = ssh ]; then packages="$packages openssh-client openssh-server"; fi
export DEBIAN_FRONTEND=noninteractive
mkdir -p /usr/share/man/man1 # which Debian's slim images lack, and Java's package puts links into
apt-get update -qq
# shellcheck disable=SC2086 # words
apt-get install -y -qq --no-install-recommends $packages
rm -rf /var/lib/apt/lists/*

# The numbers and the home are those of the MPI Operator's own images.
useradd --uid 1000 --create-home mpiuser
mkdir /output && chown mpiuser:mpiuser /output

if [ "${1:-}" = ssh ]; then
  rm /etc/ssh/ssh_host_* # or all images of this build had the same
  # The keys are the operator's, in ~/.ssh: a mounted secret, which all may read, and where nothing can be written.
  cat >/home/mpiuser/.sshd_config <<'CONFIG'
Port 2222
HostKey /home/mpiuser/.ssh/id_rsa
PidFile none
StrictModes no
CONFIG
  cat >/etc/ssh/ssh_config.d/mpi.conf <<'CONFIG'
Port 2222
ConnectionAttempts 30
StrictHostKeyChecking no
UserKnownHostsFile /dev/null
LogLevel ERROR
CONFIG
fi
