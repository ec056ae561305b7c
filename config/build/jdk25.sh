# shellcheck shell=bash
# Finds a JDK of version 25 or newer and exports it as JAVA_HOME and first on PATH: JAVA_HOME itself, else the java on PATH, else the
# usual directories of JVMs, 25 before any newer one. To be sourced: . config/build/jdk25.sh
# Says what is missing, and returns 1, if there is none.

jdk25_major() { # the major version of the JDK at $1; fails if that is none
  [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] || return 1
  local version
  version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release" 2>/dev/null)
  if [ -z "$version" ]; then
    version=$("$1/bin/java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
  fi
  [ -n "$version" ] || return 1
  printf '%s\n' "$version"
}

jdk25_is() { # whether the JDK at $1 is new enough
  local major
  major=$(jdk25_major "$1") && [ "$major" -ge 25 ]
}

jdk25_find() {
  local home major java best="" best_major=0
  if [ -n "${JAVA_HOME:-}" ] && jdk25_is "$JAVA_HOME"; then
    printf '%s\n' "$JAVA_HOME"
    return 0
  fi
  if java=$(command -v java); then
    java=$(readlink -f "$java" 2>/dev/null || printf '%s\n' "$java")
    home=$(dirname "$(dirname "$java")")
    if jdk25_is "$home"; then
      printf '%s\n' "$home"
      return 0
    fi
  fi
  for home in /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /usr/local/java/* /opt/java/* /opt/*jdk* /opt/jvm/* \
    "${HOME:-/nonexistent}"/.sdkman/candidates/java/* "${HOME:-/nonexistent}"/.jdks/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home; do
    if major=$(jdk25_major "$home") && [ "$major" -ge 25 ]; then
      if [ -z "$best" ] || [ "$major" -lt "$best_major" ]; then
        best=$home
        best_major=$major
      fi
    fi
  done
  [ -n "$best" ] && printf '%s\n' "$best"
}

if jdk25_home=$(jdk25_find); then
  export JAVA_HOME=$jdk25_home
  export PATH=$JAVA_HOME/bin:$PATH
  unset jdk25_home
else
  echo "No JDK 25 or newer was found: neither JAVA_HOME nor java on PATH is one, nor is any in /usr/lib/jvm or the" \
    "other usual directories. Install one, or set JAVA_HOME to it." >&2
  unset jdk25_home
  # shellcheck disable=SC2317 # exit is for a script that is run instead of sourced
  return 1 2>/dev/null || exit 1
fi
