#!/usr/bin/env python3
"""pyasic must recognise each emulated miner and read its hashrate and watts.

    check_pyasic.py MINER_STAND VENV_PYTHON IDENTIFY_SCRIPT
"""

import json
import os
import subprocess
import sys

NETWORK = "127.0.77"

# What pyasic is to see. Its figure for VNish is J/TH: it reads `power_usage`, the trap that the real firmware sets too.
EXPECTED = {
    f"{NETWORK}.101": {"firmware": "LuxOS", "model": "S19k Pro", "hashrate_ths": 59.8, "wattage_w": 1051},
    f"{NETWORK}.102": {"firmware": "VNish", "model": "S19", "hashrate_ths": 63.0, "wattage_w": 24},
    f"{NETWORK}.103": {"firmware": "BOS+", "model": "S19j Pro", "hashrate_ths": 88.0, "wattage_w": 2472},
}


def same(seen, expected):
    if isinstance(expected, float):
        return isinstance(seen, (int, float)) and abs(seen - expected) < 0.1
    return seen == expected


def main(stand, python, script):
    if not os.path.exists(python):
        return f"{python} is missing: script/test makes it from tests/requirements.txt, with PyPI at hand"
    with subprocess.Popen([stand, NETWORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as serving:
        if serving.stdout.readline() != b"serving\n":
            return "the emulated miners do not start: pyasic knows real ports only, so 80 must be free and allowed"
        asked = subprocess.run([python, script, *EXPECTED], capture_output=True, text=True, timeout=100)
        serving.stdin.close()
    if asked.returncode != 0:
        return f"pyasic failed:\n{asked.stderr}"
    print(asked.stdout)
    found = json.loads(asked.stdout)
    wrong = [
        f"{address}: {key} is {(found[address] or {}).get(key)!r}, expected {value!r}"
        for address, facts in EXPECTED.items()
        for key, value in facts.items()
        if not same((found[address] or {}).get(key), value)
    ]
    return "\n".join(wrong)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]) or 0)
