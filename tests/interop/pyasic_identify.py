#!/usr/bin/env python3
"""Asks pyasic, a client that was not written here, what stands at each address, and prints it as one JSON object.

    pyasic_identify.py 127.0.10.1 127.0.10.2

Per address: model, firmware, mac, hashrate_ths, wattage_w, is_mining; null where pyasic finds nothing.
"""

import asyncio
import ipaddress
import json
import sys
import warnings

import pyasic


def plain(value):
    """A number out of pyasic's hashrate type, text out of everything else."""
    return float(value) if hasattr(value, "rate") else value


async def identify(address):
    miner = await pyasic.get_miner(address)
    if miner is None:
        return None
    data = await miner.get_data()
    return {
        "class": type(miner).__name__,
        "model": data.model,
        "firmware": str(data.firmware),
        "firmware_version": data.fw_ver,
        "mac": data.mac,
        "hashrate_ths": plain(data.hashrate),
        "expected_hashrate_ths": plain(data.expected_hashrate),
        "wattage_w": data.wattage,
        "wattage_limit_w": data.wattage_limit,
        "is_mining": data.is_mining,
    }


async def main(addresses):
    found = {}
    for address in addresses:
        found[address] = await identify(address)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for argument in sys.argv[1:]:
        if not ipaddress.ip_address(argument).is_loopback:
            sys.exit(f"{argument}: only loopback addresses (127.0.0.0/8) are asked")
    warnings.simplefilter("ignore")
    asyncio.run(main(sys.argv[1:]))
