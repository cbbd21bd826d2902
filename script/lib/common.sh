# Sourced by every script of this folder: the project's root, words for the reader, and how much the machine can bear.
# shellcheck shell=bash

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)

# Progress goes to standard error: standard output belongs to what a script was asked for (`script/demo --json`).
say() { printf '%s\n' "$*" >&2; }

die() {
  say "$(basename -- "$0"): $*"
  exit 1
}

# Parallel jobs: as many as there are cores, but 600 MB of available memory for each; SLUICE_JOBS overrules.
jobs_for_this_machine() {
  if [[ -n ${SLUICE_JOBS:-} ]]; then
    echo "$SLUICE_JOBS"
    return
  fi
  local cores memory_mb jobs
  cores=$(nproc)
  memory_mb=$(awk '$1 == "MemAvailable:" {print int($2 / 1024)}' /proc/meminfo)
  jobs=$((memory_mb / 600))
  ((jobs <= cores)) || jobs=$cores
  ((jobs >= 1)) || jobs=1
  echo "$jobs"
}

# build_preset PRESET [CMAKE OPTION…]: configure and build one preset of CMakePresets.json.
build_preset() {
  local preset=$1
  shift
  (cd -- "$root" && cmake --preset "$preset" "$@" && cmake --build "build/$preset" --parallel "$(jobs_for_this_machine)")
}
