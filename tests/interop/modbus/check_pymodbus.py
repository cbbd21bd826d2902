#!/usr/bin/env python3
"""Our client must read from pymodbus's server what our encoder wrote, for several register layouts.

    check_pymodbus.py MODBUS_PEER VENV_PYTHON SERVE_SCRIPT
"""

import os
import subprocess
import sys

SCENES = {
    "sunspec": {"grid_w": -1234.0, "pv_w": 4321.0, "battery_w": -1500.0, "soc_pct": 55.5, "inverter_ac_w": 2800.0},
    "sunspec-meter": {"grid_w": 777.0, "grid_hz": 49.98},
    "eastron-sdm630": {"grid_w": -5000.25, "grid_v": 231.5},
    "victron-gx": {"grid_l1_w": -900.0, "grid_l2_w": 20.0, "battery_w": 450.0, "soc_pct": 61.0, "pv_w": 3000.0},
    "huawei-sun2000": {"grid_w": 1500.0, "battery_w": -2000.0, "soc_pct": 44.5, "pv_w": 5000.0},
}


def check(peer, python, script, template, values):
    arguments = [f"{name}={value}" for name, value in values.items()]
    image = subprocess.run([peer, "image", template, *arguments], capture_output=True, text=True, check=True).stdout
    with subprocess.Popen([python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            server.stdin.write(image)
            server.stdin.close()
            port = server.stdout.readline().strip()
            if not port:
                return [f"{template}: pymodbus does not start"]
            asked = subprocess.run([peer, "poll", template, port], capture_output=True, text=True, timeout=30)
        finally:
            server.terminate()
    if asked.returncode != 0:
        return [f"{template}: {asked.stderr.strip()}"]
    seen = {name: float(value) for name, value in (line.split() for line in asked.stdout.splitlines())}
    return [
        f"{template}: {name} is {seen.get(name)}, not {value}"
        for name, value in values.items()
        if name not in seen or abs(seen[name] - value) > 0.51
    ]


def main(peer, python, script):
    if not os.path.exists(python):
        return f"{python} is missing: script/test makes it from tests/requirements.txt, with PyPI at hand"
    wrong = [line for template, values in SCENES.items() for line in check(peer, python, script, template, values)]
    return "\n".join(wrong)


sys.exit(main(*sys.argv[1:]) or 0)
