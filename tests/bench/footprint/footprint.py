#!/usr/bin/env python3
"""Measures the daemon from outside: memory, processor, disk, and how soon a changed meter becomes a command.

script/footprint calls it. It starts emulated houses and daemons of one build directory in real time on loopback, ends
them, and prints a table (or --json). docs/reference/footprint.md tells what each figure means.
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import datetime
import http.client
import json
import math
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]

SETTLE_S = 20
WINDOW_S = 60
LOOK_S = 5  # between two looks at the memory
LONGEST_S = 270  # the whole run; an alarm ends it after that
DAY_S = 86_400

# The staircase of the household's load that one miner has to follow, below constant sun.
SUN_W = 3500
FIRST_LOAD_W = 1250
CUT_W = 200
STAIRS_SETTLE_S = 24
# Not 1 s: the meter's phase shall wander over the daemon's, as clocks of real devices do.
METER_SAMPLE_S = 1.1

# (aim, must); None where the project sets none. Decimal megabytes.
TARGETS = {
    "rss_without_mb": (15, 20),
    "rss_with_mb": (26, 32),
    "anonymous_without_mb": (6, None),
    "anonymous_with_mb": (9, None),
    "cpu_pct": (1, None),
    "step_us": (20, None),
    "disk_mb_a_day": (2, 20),
    "latency_p50_s": (1.0, 1.0),
    "latency_p99_s": (2.0, 2.0),
    "luxos_p50_s": (2.5, 2.5),
    "luxos_p99_s": (4.0, 4.0),
}


class Trouble(Exception):
    """Ends the run with one sentence."""


# ---- Houses and daemons -------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Miner:
    name: str
    plant: str
    adapter: str
    password: str = ""


LUXOS = Miner("s21", "luxos-target", "luxos")
VNISH = Miner("s19j", "vnish-throttle", "vnish", "admin")
SECOND_VNISH = dataclasses.replace(VNISH, name="s19x")
BRAIINS = Miner("s19", "braiins-fast", "braiins", "root")


@dataclasses.dataclass(frozen=True)
class Stairs:
    """How one firmware is measured: each cut comes when the miner has settled at the one before (dead time and ramp of
    lib/sim/plant_specs.cpp), and several houses run at once, because slow miners allow few cuts."""
    miner: Miner
    every_s: int
    cuts: int
    houses: int


STAIRS = (Stairs(LUXOS, 12, 6, 3), Stairs(VNISH, 20, 5, 3), Stairs(BRAIINS, 38, 3, 4))


class Children:
    """Child processes that end with the block: first all daemons, which put their miners to sleep, then the houses."""

    def __init__(self):
        self._children: list[tuple[bool, subprocess.Popen]] = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for daemons in (True, False):
            wave = [child for is_daemon, child in self._children if is_daemon == daemons]
            for child in wave:
                child.terminate()
            for child in wave:
                try:
                    child.wait(timeout=15)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()

    def start(self, command: list[str], log: pathlib.Path, is_daemon: bool, **pipes) -> subprocess.Popen:
        with open(log, "wb") as out:
            child = subprocess.Popen(command, stderr=out, **pipes)
        self._children.append((is_daemon, child))
        return child


class Home:
    """One emulated house and the daemon that runs it."""

    def __init__(self, build: pathlib.Path, place: pathlib.Path, number: int, scenario: str, miners: list[Miner],
                 children: Children):
        self.place = place
        place.mkdir()
        (place / "house.yaml").write_text(scenario + "miners:\n" + "".join(
            f"  - {{name: {m.name}, plant: {m.plant}, start: running, target_w: 2300}}\n" for m in miners))
        self.told = self._start_house(build, number, children)
        self.origin_ns = int(self.told["clock"]["origin"].split(":")[0])
        self.origin_unix_ms = int(self.told["clock"]["origin"].split(":")[1])
        self._copy_adapters(build, {m.adapter for m in miners})
        (place / "sluice.yaml").write_text(self._configuration(miners))
        self.daemon = children.start(
            [str(build / "cmd/sluiced/sluiced"), "--config", str(place / "sluice.yaml"), "--state-dir", str(place),
             "--socket", str(place / "sock"), "--adapter-path", str(place / "adapters"), "--template-path",
             str(ROOT / "config/devices"), "--clock-scale", "1", "--clock-origin", self.told["clock"]["origin"]],
            place / "sluiced.log", is_daemon=True)

    def _start_house(self, build: pathlib.Path, number: int, children: Children) -> dict:
        house = children.start([str(build / "cmd/sluice-house/sluice-house"), "--scenario",
                                str(self.place / "house.yaml"), "--base-address", f"127.0.{number}.0"],
                               self.place / "house.log", is_daemon=False, stdout=subprocess.PIPE)
        line = house.stdout.readline()
        if not line:
            raise Trouble("the emulated house did not start: " + (self.place / "house.log").read_text())
        return json.loads(line)

    def _copy_adapters(self, build: pathlib.Path, names: set[str]) -> None:
        (self.place / "adapters").mkdir(mode=0o755)
        for name in names:
            for source in (build / f"lib/sluice/adapters/{name}{suffix}" for suffix in (".so", ".yaml")):
                if not source.exists():
                    raise Trouble(f"{source} is missing: this build has no adapter {name}")
                shutil.copy(source, self.place / "adapters")

    def _configuration(self, miners: list[Miner]) -> str:
        modbus = self.told["modbus"]
        where = f"host: {modbus['host']}, port: {modbus['port']}"
        text = ("version: 1\nsite: {name: footprint, timezone: UTC, main: {breaker_a: 100, volts: 240}}\ndevices:\n"
                f"  - {{name: meter, template: sunspec-meter, role: grid, "
                f"modbus: {{{where}, unit: {modbus['meter_unit']}}}}}\n"
                f"  - {{name: inverter, template: sunspec-inverter, role: pv, "
                f"modbus: {{{where}, unit: {modbus['inverter_unit']}}}}}\n"
                "circuits:\n  - {name: shed, breaker_a: 80, volts: 240}\nminers:\n")
        for miner, told in zip(miners, self.told["miners"]):
            password = f", password: {{value: {miner.password}}}" if miner.password else ""
            text += (f"  - {{name: {miner.name}, adapter: {miner.adapter}, host: {told['host']}, port: {told['port']}, "
                     f"circuit: shed, mac: \"{told['mac']}\"{password}}}\n")
        return text + "control: {strategy: solar}\n"

    def status(self) -> dict:
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(5)
            door.connect(str(self.place / "sock"))
            door.sendall(b'{"do": "status"}\n')
            with door.makefile("rb") as lines:
                return json.loads(lines.readline())["status"]

    def await_daemon(self) -> None:
        for _ in range(100):
            with contextlib.suppress(OSError, KeyError, ValueError):
                self.status()
                return
            if self.daemon.poll() is not None:
                break
            time.sleep(0.1)
        raise Trouble("the daemon did not start: " + (self.place / "sluiced.log").read_text())

    def meter_w(self) -> float:
        """What the meter's registers hold now."""
        # A connection for each look: the house closes those that rest for seconds.
        control = self.told["control"]
        with contextlib.closing(http.client.HTTPConnection(control["host"], control["port"], timeout=5)) as connection:
            connection.request("GET", "/truth")
            return json.loads(connection.getresponse().read())["meter_w"]

    def elapsed_s(self) -> float:
        """Seconds of the house's clock, which is CLOCK_MONOTONIC and the daemon's too."""
        return (time.monotonic_ns() - self.origin_ns) / 1e9


# ---- Memory, processor, disk --------------------------------------------------------------------------------------


def proc_fields(pid: int, file: str) -> dict[str, int]:
    fields = {}
    for line in pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines():
        key, _, rest = line.partition(":")
        if rest.split() and rest.split()[0].isdigit():
            fields[key] = int(rest.split()[0])
    return fields


def cpu_s(pid: int) -> float:
    after_name = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def stored_bytes(place: pathlib.Path) -> int:
    return sum(f.stat().st_size for pattern in ("history.db*", "state.db*") for f in place.glob(pattern))


# Of the program alone, without the kernel: what an ordinary user may count where the machine has a counter.
INSTRUCTIONS = "instructions:u"


def counted_instructions(told: str) -> int | None:
    """The count in what `perf stat -x,` said; None for its `<not supported>` and `<not counted>`."""
    lines = [line for line in told.splitlines() if f",{INSTRUCTIONS}," in line]
    match = re.match(r"(\d+),", lines[0]) if lines else None
    return int(match.group(1)) if match else None


def why_not_counted() -> str:
    """Why this machine does not let perf count instructions; empty where it does. Many virtual ones do not."""
    if shutil.which("perf") is None:
        return "perf is not installed (Debian package linux-perf)"
    probe = subprocess.run(["perf", "stat", "-x,", "-e", INSTRUCTIONS, "true"], capture_output=True, text=True)
    if counted_instructions(probe.stderr) is not None:
        return ""
    return "perf finds no counter for them (usual on virtual machines) or may not use it (kernel.perf_event_paranoid)"


def begin_counting(pid: int) -> subprocess.Popen:
    return subprocess.Popen(["perf", "stat", "-x,", "-e", INSTRUCTIONS, "-p", str(pid), "--", "sleep",
                             str(WINDOW_S - 2)], stderr=subprocess.PIPE, text=True)


def counted(perf: subprocess.Popen) -> float | None:
    """Instructions a tick: the window of `perf` is in seconds and the daemon ticks once a second."""
    count = counted_instructions(perf.communicate()[1])
    return count / (WINDOW_S - 2) if count is not None else None


def measure_costs(homes: dict[str, Home]) -> dict[str, dict]:
    """Every home over the same window."""
    time.sleep(SETTLE_S)
    with_perf = not why_not_counted()
    first = {}
    for name, home in homes.items():
        pid = home.daemon.pid
        first[name] = {"at": time.monotonic(), "cpu_s": cpu_s(pid), "io": proc_fields(pid, "io"),
                       "stored": stored_bytes(home.place), "ticks": home.status()["ticks"],
                       "perf": begin_counting(pid) if with_perf else None}
    most = {name: {"rss": 0, "anonymous": 0, "threads": 0} for name in homes}
    ends = time.monotonic() + WINDOW_S
    while time.monotonic() < ends:
        time.sleep(LOOK_S)
        for name, home in homes.items():
            now = proc_fields(home.daemon.pid, "status")
            seen = {"rss": now["VmRSS"], "anonymous": now["RssAnon"], "threads": now["Threads"]}
            most[name] = {key: max(most[name][key], value) for key, value in seen.items()}
    return {name: costs_of(home, first[name], most[name]) for name, home in homes.items()}


def costs_of(home: Home, first: dict, most: dict) -> dict:
    pid = home.daemon.pid
    wall_s = time.monotonic() - first["at"]
    status = home.status()
    a_day = DAY_S / wall_s
    io = proc_fields(pid, "io")
    return {
        "rss_mb": most["rss"] * 1024 / 1e6,
        "anonymous_mb": most["anonymous"] * 1024 / 1e6,
        "threads": most["threads"],
        "cpu_pct": 100 * (cpu_s(pid) - first["cpu_s"]) / wall_s,
        "instructions_per_tick": counted(first["perf"]) if first["perf"] else None,
        "ticks": status["ticks"] - first["ticks"],
        "late_ticks": status["late_ticks"],
        "worst_step_us": status["worst_step_us"],
        "window_write_bytes": io["write_bytes"] - first["io"]["write_bytes"],
        "write_mb_a_day": (io["write_bytes"] - first["io"]["write_bytes"]) * a_day / 1e6,
        "growth_mb_a_day": (stored_bytes(home.place) - first["stored"]) * a_day / 1e6,
    }


# ---- From the meter to the command --------------------------------------------------------------------------------


def staircase_scenario(place: pathlib.Path, stairs: Stairs, seed: int) -> str:
    """The load as a trace, one row a second, and the house around it."""
    trace = place / f"{stairs.miner.adapter}.csv"
    rows = ["t_s,pv_w,load_w"]
    for second in range(cut_at_s(stairs, stairs.cuts) + 60):
        climbed = sum(second >= cut_at_s(stairs, number) for number in range(stairs.cuts))
        rows.append(f"{second},{SUN_W},{FIRST_LOAD_W + climbed * CUT_W}")
    trace.write_text("\n".join(rows) + "\n")
    return f"name: stairs\ntrace: {trace}\nstart: \"00:00\"\nseed: {seed}\nmeter: {{sample_s: {METER_SAMPLE_S}}}\n"


def cut_at_s(stairs: Stairs, number: int) -> int:
    return STAIRS_SETTLE_S + number * stairs.every_s


def last_command(home: Home) -> tuple[float | None, float | None]:
    """When the last command's first byte was written, on the house's clock, and its target."""
    status = home.status()
    command = status["miners"][0]["command"] or {}
    if command.get("sent_s_ago") is None:
        return None, command.get("target_w")
    return (status["unix_ms"] - home.origin_unix_ms) / 1000 - command["sent_s_ago"], command.get("target_w")


def await_meter(home: Home, at_s: float, until_s: float) -> float | None:
    """When the meter showed the step: between the last look that did not see it and the first that did."""
    before_w = home.meter_w()
    while home.elapsed_s() < at_s:
        time.sleep(0.02)
    unseen_s = home.elapsed_s()
    while unseen_s < until_s:
        moved_w = home.meter_w() - before_w
        now_s = home.elapsed_s()
        if moved_w > CUT_W / 2:
            return (unseen_s + now_s) / 2
        unseen_s = now_s
        time.sleep(0.02)
    return None


def await_cut(home: Home, changed_s: float, old_w: float, until_s: float) -> float | None:
    """Seconds from the change of the meter to the command that answers it. It must cut the target by at least half of
    the step: a trim that happened to be under way is no answer."""
    while home.elapsed_s() < until_s:
        sent_s, target_w = last_command(home)
        if sent_s is not None and sent_s > changed_s - 0.05 and old_w - target_w >= CUT_W / 2:
            return max(0.0, sent_s - changed_s)
        time.sleep(0.1)
    return None


def follow(home: Home, stairs: Stairs) -> list[float | None]:
    """One latency a cut, None where no command answered it before the next."""
    latencies = []
    for number in range(stairs.cuts):
        at_s = cut_at_s(stairs, number)
        until_s = at_s + stairs.every_s - 0.3
        while home.elapsed_s() < at_s - 0.15:
            time.sleep(0.02)
        _, old_w = last_command(home)
        changed_s = await_meter(home, at_s, until_s)
        answered = changed_s is not None and old_w is not None
        latencies.append(await_cut(home, changed_s, old_w, until_s) if answered else None)
    return latencies


def measure_latency(build: pathlib.Path, place: pathlib.Path) -> dict[str, dict]:
    # When interrupted the homes end before the pool waits for its threads: those then find nobody to ask.
    with contextlib.ExitStack() as stack:
        pool = concurrent.futures.ThreadPoolExecutor(sum(stairs.houses for stairs in STAIRS))
        stack.callback(pool.shutdown)
        children = stack.enter_context(Children())
        pairs = []
        for stairs in STAIRS:
            for number in range(stairs.houses):
                name = place / f"{stairs.miner.adapter}-{number}"
                scenario = staircase_scenario(place, stairs, number + 1)
                pairs.append((Home(build, name, 63 + len(pairs), scenario, [stairs.miner], children), stairs))
        for home, _ in pairs:
            home.await_daemon()
        found = list(pool.map(lambda pair: follow(*pair), pairs))
    by_firmware: dict[str, list[float | None]] = {}
    for (_, stairs), latencies in zip(pairs, found):
        by_firmware.setdefault(stairs.miner.adapter, []).extend(latencies)
    return {name: summed_up(latencies) for name, latencies in by_firmware.items()}


def percentile(values: list[float], part: float) -> float:
    """By nearest rank."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def summed_up(latencies: list[float | None]) -> dict:
    answered = [value for value in latencies if value is not None]
    out = {"steps": len(latencies), "answered": len(answered), "each_s": latencies}
    if answered:
        out |= {"p50_s": percentile(answered, 0.5), "p99_s": percentile(answered, 0.99)}
    return out


# ---- The benches of single parts ----------------------------------------------------------------------------------


def bench(build: pathlib.Path, path: str) -> tuple[str, str]:
    """Output and build directory of a bench; the release build has none, so the day-to-day build's does."""
    for directory in (build, ROOT / "build/dev"):
        program = directory / "tests/bench" / path
        if program.exists():
            return subprocess.run([str(program)], capture_output=True, text=True, timeout=60).stdout, directory.name
    return "", ""


def bench_figures(build: pathlib.Path) -> dict:
    step, step_build = bench(build, "control/control_step_bench")
    store, store_build = bench(build, "store/store_bench")
    step_ns = re.search(r"^ *3 miners: one step +(\d+) ns", step, re.MULTILINE)
    day = re.search(r"^kernel write_bytes +(\d+)", store, re.MULTILINE)
    handed = re.search(r"^written to files +(\d+)", store, re.MULTILINE)
    return {"step_us": int(step_ns.group(1)) / 1000 if step_ns else None, "step_build": step_build,
            "day_write_mb": max(int(day.group(1)), int(handed.group(1))) / 1e6 if day and handed else None,
            "store_build": store_build}


# ---- The report ---------------------------------------------------------------------------------------------------


def machine() -> dict:
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^(?:model name|Model)\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    return {"date": datetime.date.today().isoformat(), "architecture": platform.machine(),
            "processor": model.group(1) if model else "unknown", "cores": os.cpu_count(),
            "page_bytes": os.sysconf("SC_PAGE_SIZE"), "load_before": os.getloadavg()[0]}


def build_kind(build: pathlib.Path) -> str:
    cache = (build / "CMakeCache.txt").read_text()
    kind = re.search(r"^CMAKE_BUILD_TYPE:\w+=(.*)$", cache, re.MULTILINE).group(1)
    flags = re.search(rf"^CMAKE_CXX_FLAGS_{kind.upper()}:\w+=(.*)$", cache, re.MULTILINE).group(1)
    return f"{build.name} ({kind}, {flags})"


def verdict(key: str, value: float | None) -> tuple[str, str, str]:
    """Aim, must, and which of them is met."""
    aim, must = TARGETS[key]
    words = [f"≤ {limit:g}" if limit is not None else "–" for limit in (aim, must)]
    if value is None:
        return words[0], words[1], "not measured"
    if value <= aim:
        return words[0], words[1], "aim met"
    if must is None:
        return words[0], words[1], "aim missed"
    return words[0], words[1], "must met" if value <= must else "MUST MISSED"


def rows_of(result: dict) -> list[tuple[str, ...]]:
    rows = []

    def row(name: str, key: str | None, value: float | None, text: str, unknown: str = "not measured") -> None:
        shown = text.format(value) if value is not None else unknown
        rows.append((name, shown, *(verdict(key, value) if key else ("–", "–", ""))))

    for which, sentence in (("without", "without gRPC"), ("with", "with gRPC")):
        costs = result["costs"][which]
        row(f"RSS, {sentence}", f"rss_{which}_mb", costs["rss_mb"], "{:.1f} MB")
        row(f"of it anonymous, {sentence}", f"anonymous_{which}_mb", costs["anonymous_mb"], "{:.1f} MB")
        row(f"threads, {sentence}", None, costs["threads"], "{}")
        row(f"share of one core, {sentence}", "cpu_pct", costs["cpu_pct"], "{:.2f} %")
        row(f"instructions a tick, {sentence}", None, costs["instructions_per_tick"], "{:,.0f}", "not counted here")
        row(f"worst step in the daemon, {sentence}", None, costs["worst_step_us"], "{:.0f} µs")
        row(f"to disk in the window, as a day, {sentence}", None, costs["write_mb_a_day"], "{:.1f} MB")
        row(f"growth in the window, as a day, {sentence}", None, costs["growth_mb_a_day"], "{:.1f} MB")
    row("controller step, 3 miners, median", "step_us", result["bench"]["step_us"], "{:.2f} µs")
    row("to disk a day, store bench", "disk_mb_a_day", result["bench"]["day_write_mb"], "{:.2f} MB")
    for adapter, found in result["latency"].items():
        for part in ("p50_s", "p99_s"):
            judged = ("luxos_" if adapter == "luxos" else "latency_") + part
            row(f"meter to command, {adapter}, {part[:3]} of {found['answered']}", judged, found.get(part), "{:.2f} s")
    return rows


def print_table(result: dict) -> None:
    where = result["machine"]
    print(f"{where['date']}, {where['architecture']}, {where['processor']}, {where['cores']} cores, pages of "
          f"{where['page_bytes']} bytes, load {where['load_before']:.1f} before; build {result['build']}; benches from "
          f"build {result['bench']['step_build'] or 'none'}\n")
    table = [("figure", "measured", "aim", "must", "verdict"), *rows_of(result)]
    widths = [max(len(row[i]) for row in table) for i in range(5)]
    for number, row in enumerate(table):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    if result["costs"]["with"]["instructions_per_tick"] is None:
        print(f"\nInstructions are not counted here: {why_not_counted() or 'the daemon ended before they were'}.")
    for adapter, found in result["latency"].items():
        if found["answered"] < found["steps"]:
            print(f"{adapter}: {found['steps'] - found['answered']} of {found['steps']} cuts had no command of that "
                  "size before the next one.")


def measure(build: pathlib.Path, place: pathlib.Path) -> dict:
    result = {"machine": machine(), "build": build_kind(build), "bench": bench_figures(build)}
    sunny = "name: footprint\ntrace: day_b\nstart: \"11:00\"\npv_scale: 2.3\npv_rating_w: 18400\n"
    with Children() as children:
        homes = {"without": Home(build, place / "without", 61, sunny, [LUXOS, VNISH, SECOND_VNISH], children),
                 "with": Home(build, place / "with", 62, sunny, [LUXOS, VNISH, BRAIINS], children)}
        for home in homes.values():
            home.await_daemon()
        result["costs"] = measure_costs(homes)
    result["latency"] = measure_latency(build, place)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=pathlib.Path, required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    def end(number: int, _frame) -> None:
        raise Trouble("took too long" if number == signal.SIGALRM else "interrupted")

    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.alarm(LONGEST_S)
    # In the build directory, because /tmp is often memory, where nothing is ever written to a disk.
    with tempfile.TemporaryDirectory(prefix="footprint-", dir=options.build_dir) as place:
        try:
            result = measure(options.build_dir.resolve(), pathlib.Path(place))
        except (Trouble, OSError, http.client.HTTPException, subprocess.SubprocessError) as trouble:
            print(f"footprint: {trouble}", file=sys.stderr)
            return 1
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print_table(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
