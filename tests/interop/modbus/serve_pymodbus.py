#!/usr/bin/env python3
"""Serves registers over Modbus TCP with pymodbus until it is terminated.

Reads `unit table address value` lines from standard input (table 3 holding, 4 input), prints the port.
"""

import asyncio
import sys

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


def runs(words):
    """Neighbouring registers as one block each; pymodbus refuses every address that is in no block."""
    blocks = []
    for address in sorted(words):
        if blocks and blocks[-1][0] + len(blocks[-1][1]) == address:
            blocks[-1][1].append(words[address])
        else:
            blocks.append((address, [words[address]]))
    return [SimData(address, values=values, datatype=DataType.REGISTERS) for address, values in blocks]


async def main():
    units = {}
    for line in sys.stdin:
        unit, table, address, value = map(int, line.split())
        units.setdefault(unit, {3: {}, 4: {}})[table][address] = value
    unused = [SimData(0, values=0, datatype=DataType.REGISTERS)]
    devices = [
        SimDevice(
            id=unit,
            simdata=(
                [SimData(0, values=False, datatype=DataType.BITS)],
                [SimData(0, values=False, datatype=DataType.BITS)],
                runs(tables[3]) or unused,
                runs(tables[4]) or unused,
            ),
        )
        for unit, tables in units.items()
    ]
    server = ModbusTcpServer(devices, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    print(server.transport.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
