"""Runs clang-tidy over sources that changed since they last passed, several of a folder as one: their headers are nearly
all of the work, and are read once then. A source whose names clash with those before it goes into another batch. Where a
batch has findings its sources are looked at one by one, so that every finding comes from a source by itself."""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

BATCH = 10
ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "tidy"


def commands():
    """Of every source that the configuration of build/dev compiles: the arguments of its compiler, without file and output."""
    out = {}
    for entry in json.loads((ROOT / "build/dev/compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        at = words.index("-o")
        del words[at : at + 2]
        # Precompiled headers are GCC's, and hide what a source forgot to include.
        words = [w for i, w in enumerate(words) if "cmake_pch" not in (w + (words[i + 1] if w == "-include" else ""))]
        # clang does not know the first three of these flags of GCC.
        unknown = ("-fno-gnu-unique", "-Winvalid-pch", "-Wno-error=invalid-pch", "-c", entry["file"])
        words = [w for w in words if w not in unknown and not w.endswith("ccache")]
        out[entry["file"]] = (entry["directory"], tuple(words))
    return out


def stamp(source):
    return WORK / (str(source.relative_to(ROOT)).replace("/", "@") + ".ok")


def clang_tidy(sources, command, checks=""):
    """What it says about `sources`, empty when nothing."""
    directory, words = command
    folder = WORK / "batch" / stamp(sources[0]).stem
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--quiet", "-p", str(folder), f"--config-file={ROOT}/.clang-tidy"]
    main = sources[0]
    if len(sources) > 1:
        main = folder / "batch.cpp"
        main.write_text("".join(f'#include "{source}"\n' for source in sources))
        options += [f"--checks={checks or '-bugprone-suspicious-include'}", "--header-filter=/(lib|cmd|adapters)/.*"]
    entry = {"directory": directory, "file": str(main), "arguments": [*words, "-c", str(main)]}
    (folder / "compile_commands.json").write_text(json.dumps([entry]))
    run = subprocess.run(["clang-tidy-19", *options, str(main)], capture_output=True, text=True, check=False)
    return "" if run.returncode == 0 else run.stdout + run.stderr


def clashing(sources, command):
    """The sources that do not compile after those before them, found by little more than a compiler's front end."""
    apart = []
    together = list(sources)
    while len(together) > 1:
        report = clang_tidy(together, command, checks="-*,readability-redundant-smartptr-get")
        named = re.findall(r"^(/[^:]+\.cpp):\d+:\d+: error", report, re.MULTILINE)
        first = next((s for s in together[1:] if str(s) in named), None)
        if not report:
            break
        first = first or together[-1]
        together.remove(first)
        apart.append(first)
    return apart


def check(sources, command):
    """Findings in `sources`; those without one are stamped."""
    reports = []
    while sources:
        later = clashing(sources, command)
        batch = [s for s in sources if s not in later]
        report = clang_tidy(batch, command)
        alone = batch if report and len(batch) > 1 else []
        for source in alone or batch:
            own = clang_tidy([source], command) if alone else report
            if own:
                reports.append(own)
            else:
                stamp(source).touch()
        sources = later
    return reports


def batches(pending, known):
    """Sources of one folder with one command line, at most `BATCH` at a time."""
    groups = {}
    for source in pending:
        groups.setdefault((source.parent, known[str(source)]), []).append(source)
    for (_, command), sources in groups.items():
        count = -(-len(sources) // BATCH)
        for i in range(count):
            yield sources[i::count], command


def main():
    jobs = int(sys.argv[1])
    known = commands()
    named = [pathlib.Path(name).resolve() for name in sys.argv[2:]]
    sources = named or sorted(p for top in ("adapters", "cmd", "lib") for p in (ROOT / top).rglob("*.cpp"))
    headers = [p.stat().st_mtime for top in ("adapters", "cmd", "lib") for p in (ROOT / top).rglob("*.h*")]
    # A stamp is good while it is newer than its source, than the checks and than the newest header.
    newest = max([*headers, (ROOT / ".clang-tidy").stat().st_mtime])
    pending = []
    for source in sources:
        # What this machine's configuration leaves out (gRPC switched off) has no command to be checked with.
        passed = stamp(source).stat().st_mtime if stamp(source).exists() else 0.0
        if str(source) in known and passed <= max(newest, source.stat().st_mtime):
            pending.append(source)
    print(f"tidy: {len(pending)} of {len(sources)} sources to check", file=sys.stderr)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        reports = [r for found in pool.map(lambda b: check(*b), batches(pending, known)) for r in found]
    print("".join(reports), file=sys.stderr, end="")
    return 1 if reports else 0


if __name__ == "__main__":
    os.makedirs(WORK, exist_ok=True)
    sys.exit(main())
