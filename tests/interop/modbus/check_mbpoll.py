#!/usr/bin/env python3
"""mbpoll must read, at the addresses that the vendors print, what our encoder wrote.

    check_mbpoll.py MODBUS_PEER
"""

import re
import shutil
import subprocess
import sys

# template, unit, values, then: mbpoll's type, wire address, number expected there.
SCENES = [
    ("sunspec-meter", 240, ["grid_w=-4321"], ("4", 40088, 61215)),  # 65536 − 4321, scale factor 0
    ("sunspec-meter", 240, ["grid_w=-4321"], ("4", 40092, 0)),
    ("eastron-sdm630", 1, ["grid_w=-5000.25"], ("3:float", 52, -5000.25)),
    ("victron-gx", 100, ["soc_pct=61", "battery_w=-450"], ("4", 843, 61)),
    ("victron-gx", 100, ["soc_pct=61", "battery_w=-450"], ("4", 842, 450)),
    ("huawei-sun2000", 1, ["grid_w=-70000"], ("4:int", 37113, 70000)),
]


def check(peer, template, unit, values, read):
    kind, address, expected = read
    with subprocess.Popen([peer, "serve", template, *values], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        port = server.stdout.readline().strip()
        command = ["mbpoll", "-m", "tcp", "-p", port, "-a", str(unit), "-0", "-B", "-1", "-q"]
        command += ["-t", kind, "-r", str(address), "-c", "1", "127.0.0.1"]
        asked = subprocess.run(command, capture_output=True, text=True, timeout=30)
        server.stdin.close()
    found = re.search(rf"\[{address}\]:\s+(-?[\d.]+)", asked.stdout)
    if not found:
        return [f"{template} {address}: mbpoll read nothing: {asked.stdout} {asked.stderr}"]
    if abs(float(found[1]) - expected) > 1e-6:
        return [f"{template} {address}: mbpoll read {found[1]}, not {expected}"]
    return []


def main(peer):
    if not shutil.which("mbpoll"):
        return "mbpoll is missing: script/bootstrap --test installs it"
    return "\n".join(line for scene in SCENES for line in check(peer, *scene))


sys.exit(main(*sys.argv[1:]) or 0)
