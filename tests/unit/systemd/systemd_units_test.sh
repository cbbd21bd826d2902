#!/bin/bash
# Installs what the service manager needs into an empty tree and lets systemd's own tools judge it.
# Usage: systemd_units_test.sh CMAKE BUILD_DIRECTORY PREFIX BINDIR
set -euo pipefail

cmake=$1
build=$2
prefix=$3
bindir=$4

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

failures=0
check() { # check DESCRIPTION COMMAND…: the command must succeed
  local what=$1
  shift
  if "$@" >"$root/output" 2>&1; then
    echo "ok: $what"
  else
    echo "FAILED: $what"
    sed 's/^/    /' "$root/output"
    failures=$((failures + 1))
  fi
}
silent() { # silent COMMAND…: succeeds and says nothing
  local said
  if said=$("$@" 2>&1) && [ -z "$said" ]; then return 0; fi
  echo "$said"
  return 1
}

DESTDIR=$root/tree "$cmake" --install "$build" --component service >/dev/null
tree=$root/tree$prefix
unit=$tree/lib/systemd/system/sluiced.service

for file in "$unit" "$tree/lib/sysusers.d/sluice.conf" "$tree/lib/tmpfiles.d/sluice.conf" \
  "$tree/share/sluice/sluice.example.yaml"; do
  check "installed: ${file#"$root/tree"}" test -s "$file"
done

# The programs themselves belong to other components: their places are filled with something executable.
mkdir -p "$root/tree$bindir"
for program in sluiced sluice; do
  printf '#!/bin/sh\n' >"$root/tree$bindir/$program"
  chmod 755 "$root/tree$bindir/$program"
done
verified=$root/sluiced.service
sed "s|=$bindir/|=$root/tree$bindir/|" "$unit" >"$verified"
check "every program of the unit was found" test "$(grep -c "=$root/tree$bindir/" "$verified")" = 2
check "systemd-analyze verify has nothing to say" silent systemd-analyze verify --man=no "$verified"
check "exposure at most 1.5" systemd-analyze security --offline=true --threshold=15 --no-pager "$verified"

# What the design promises and no tool can know.
while read -r line; do
  check "$line" grep -qxF -- "$line" "$unit"
done <<'EOF'
Type=notify
WatchdogSec=5
Restart=always
RestartSec=5
StartLimitIntervalSec=0
TimeoutStopSec=15
LimitCORE=0
ExecReload=kill -HUP $MAINPID
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
StateDirectory=sluice
RuntimeDirectory=sluice
ConfigurationDirectory=sluice
EOF
check "the daemon's configuration is the one in the guide" \
  grep -qxF -- "ExecStart=$bindir/sluiced --config /etc/sluice/sluice.yaml" "$unit"
check "a dead daemon's miners are parked" grep -qxF -- "ExecStopPost=$bindir/sluice park --if-unclean" "$unit"

check "systemd-sysusers understands the user" \
  systemd-sysusers --dry-run --root="$root/tree" "$tree/lib/sysusers.d/sluice.conf"
if [ "$(id -u)" -eq 0 ]; then
  mkdir -p "$root/tree/etc"
  check "systemd-sysusers makes the user" \
    systemd-sysusers --root="$root/tree" "$tree/lib/sysusers.d/sluice.conf"
  check "the user exists afterwards" grep -q '^sluice:' "$root/tree/etc/passwd"
  check "systemd-tmpfiles makes the folders" \
    systemd-tmpfiles --create --root="$root/tree" "$tree/lib/tmpfiles.d/sluice.conf"
  check "secrets are closed to others" test "$(stat -c %a "$root/tree/etc/sluice/secrets")" = 750
else
  echo "not checked: systemd-tmpfiles needs root to make folders of another user"
fi

[ "$failures" -eq 0 ] || {
  echo "$failures failed"
  exit 1
}
