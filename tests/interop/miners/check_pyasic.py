#!/usr/bin/env python3
"""pyasic must recognise each emulated miner and read its hashrate and watts; Sluice must read the true watts of each.

    check_pyasic.py MINER_STAND VENV_PYTHON IDENTIFY_SCRIPT SLUICE ADAPTERS TEMPLATES
"""

import json
import os
import subprocess
import sys
import tempfile

NETWORK = "127.0.77"

# What pyasic is to see. Its figure for VNish is no power: it takes the firmware's `power_usage` for watts, which is
# J/TH (1530 W / 63 TH/s = 24). The real firmware sets the same trap; `power_consumption` holds the watts.
EXPECTED = {
    f"{NETWORK}.101": {"firmware": "LuxOS", "model": "S19k Pro", "hashrate_ths": 59.8, "wattage_w": 1051},
    f"{NETWORK}.102": {"firmware": "VNish", "model": "S19", "hashrate_ths": 63.0, "wattage_w": 24},
    f"{NETWORK}.103": {"firmware": "BOS+", "model": "S19j Pro", "hashrate_ths": 88.0, "wattage_w": 2472},
}

# The same miners under Sluice's own adapters: name, address, settings, and the watts that the emulator has.
OURS = (
    ("luxos", f"{NETWORK}.101", "adapter: luxos", 1051),
    ("vnish", f"{NETWORK}.102", "adapter: vnish, password: {value: admin}", 1530),
    ("braiins", f"{NETWORK}.103", "adapter: braiins, password: {value: root}", 2472),
)


def same(seen, expected):
    if isinstance(expected, float):
        return isinstance(seen, (int, float)) and abs(seen - expected) < 0.1
    return seen == expected


def configuration():
    text = ("version: 1\nsite: {name: stand, timezone: UTC, currency: EUR, main: {breaker_a: 100, volts: 240}}\n"
            f"devices:\n  - {{name: meter, template: sunspec-meter, role: grid, modbus: {{host: {NETWORK}.100}}}}\n"
            "circuits:\n  - {name: shed, breaker_a: 80, volts: 240}\nminers:\n")
    return text + "".join(f"  - {{name: {name}, host: {address}, {settings}, circuit: shed}}\n"
                          for name, address, settings, _ in OURS)


def ours_wrong(sluice, adapters, templates):
    """What Sluice reads otherwise than it is, one line each."""
    wrong = []
    with tempfile.TemporaryDirectory() as place:
        config = os.path.join(place, "sluice.yaml")
        with open(config, "w", encoding="utf-8") as out:
            out.write(configuration())
        for name, _, _, watts in OURS:
            probe = subprocess.run([sluice, "probe", name, "--direct", "--json", "--config", config, "--adapter-path",
                                    adapters, "--template-path", templates],
                                   capture_output=True, text=True, timeout=60)
            if probe.returncode != 0:
                wrong.append(f"sluice probe {name}: {probe.stderr.strip()}")
                continue
            seen = json.loads(probe.stdout)["miner"]["reported_w"]
            print(f"sluice reads {seen} W from {name}")
            if not isinstance(seen, (int, float)) or abs(seen - watts) > 1:
                wrong.append(f"sluice probe {name}: reported_w is {seen!r}, the miner draws {watts}")
    return wrong


def main(stand, python, script, *sluice):
    if not os.path.exists(python):
        return f"{python} is missing: script/test makes it from tests/requirements.txt, with PyPI at hand"
    with subprocess.Popen([stand, NETWORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as serving:
        if serving.stdout.readline() != b"serving\n":
            return "the emulated miners do not start: pyasic knows real ports only, so 80 must be free and allowed"
        asked = subprocess.run([python, script, *EXPECTED], capture_output=True, text=True, timeout=100)
        wrong = ours_wrong(*sluice)
        serving.stdin.close()
    if asked.returncode != 0:
        return f"pyasic failed:\n{asked.stderr}"
    print(asked.stdout)
    found = json.loads(asked.stdout)
    wrong += [
        f"{address}: {key} is {(found[address] or {}).get(key)!r}, expected {value!r}"
        for address, facts in EXPECTED.items()
        for key, value in facts.items()
        if not same((found[address] or {}).get(key), value)
    ]
    return "\n".join(wrong)


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]) or 0)
