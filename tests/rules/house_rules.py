#!/usr/bin/env python3
"""The house rules, as a program: what reviewers would otherwise have to remember.

    house_rules.py ROOT      prints every violation as `path:line: rule: what, and what would be right`; exit code 1

Each rule is a function over the tree that yields findings. house_rules_test.py plants a violation of every one of them.
A rule that turns out wrong is changed here, in the open; there is no way to switch one off for a line.
"""

import dataclasses
import os
import pathlib
import re
import sys
from collections.abc import Callable, Iterator

# ---- The written tables -------------------------------------------------------------------------------------------

# Which folders of lib/ a folder of lib/ may include, beside itself. ARCHITECTURE.md tells why.
CORE = {"base", "model"}
LAYERS = {
    "base": set(),
    "model": {"base"},
    "yaml": {"base"},  # data files as text in, a tree and mistakes with places out
    "control": CORE,
    "ledger": CORE,
    "tariff": CORE | {"yaml"},
    "devices": CORE | {"yaml"},
    "feeds": CORE | {"yaml"},
    "ports": CORE,
    "runtime": CORE | {"control", "ledger", "ports", "tariff"},  # tariff: heat and calendars, each tick
    "io": CORE | {"devices", "feeds", "ports", "tariff"},  # tariff: the table of a time zone
    "store": CORE | {"ledger", "ports"},
    "config": CORE | {"ports", "tariff"},  # tariff: the same values, read and checked
    "plugin": CORE | {"ports"},
    "web": CORE | {"ports"},
    "mqtt": CORE | {"ports"},
    "sim": CORE | {"control", "ports"},
    "house": CORE | {"devices", "ports", "sim"},
}

# Third-party headers, by the beginning of their name, and the only folders that may include them.
THIRD_PARTY = {
    "CLI/": ["cmd"],
    "benchmark/": ["tests"],
    "date/": ["lib/io"],  # time zones; lib/tariff computes with the table that lib/io reads
    "fmt/": ["lib", "cmd", "tests"],
    "gmock/": ["tests"],
    "google/protobuf/": ["adapters/braiins", "lib/house/firmware", "tests"],
    "grpc": ["adapters/braiins", "lib/house/firmware", "tests"],
    "gtest/": ["tests"],
    "httplib.h": ["lib/io", "lib/web", "lib/house", "tests"],
    "modbus": ["lib/io", "lib/house", "tests"],
    "mosquitto.h": ["lib/mqtt", "tests"],
    "nlohmann/": ["lib/config", "lib/devices", "lib/feeds", "lib/house", "lib/io", "lib/store", "lib/tariff",
                  "lib/web", "adapters", "cmd", "tests"],  # lib/tariff: rates of the OpenEI database
    "openssl/": ["lib/io", "lib/store"],
    "rapidcheck": ["tests"],
    "sqlite3.h": ["lib/store", "tests"],
    "systemd/": ["lib/io", "cmd/sluiced"],
    "tl/": ["lib/base"],
    "yaml-cpp/": ["lib/config", "lib/house", "lib/plugin", "lib/yaml", "tests"],
    "zlib.h": ["lib/sim"],
    "zstd.h": ["lib/store", "tests"],
}

# Slow to compile or leaking macros: never in a header of lib/.
ONLY_IN_SOURCES = ("date/", "google/protobuf/", "grpc", "httplib.h", "modbus", "mosquitto.h", "nlohmann/json.hpp",
                   "sqlite3.h", "yaml-cpp/", "zstd.h")

# Folders that hold no door to the operating system: the same input gives the same output, anywhere. The log's sink and
# the clock one waits on are shared between threads; device templates are files.
PURE = {"base", "model", "yaml", "control", "ledger", "tariff", "devices", "feeds", "ports"}
THREADS_MEET = {"base", "ports"}
FILE_READERS = {"devices", "feeds"}
THREAD_HEADERS = {"atomic", "condition_variable", "future", "mutex", "thread"}

# Debian package of every library that CMake looks for.
PACKAGE_OF = {
    "CLI11": "libcli11-dev",
    "GTest": "libgtest-dev",
    "Protobuf": "libprotobuf-dev",
    "Threads": "g++",
    "ZLIB": "zlib1g-dev",
    "benchmark": "libbenchmark-dev",
    "cpp-httplib": "libcpp-httplib-dev",
    "date": "libhowardhinnant-date-dev",
    "fmt": "libfmt-dev",
    "gRPC": "libgrpc++-dev",
    "libcrypto": "libssl-dev",
    "libmodbus": "libmodbus-dev",
    "libmosquitto": "libmosquitto-dev",
    "libsystemd": "libsystemd-dev",
    "libzstd": "libzstd-dev",
    "nlohmann_json": "nlohmann-json3-dev",
    "PkgConfig": "pkg-config",
    "rapidcheck": "librapidcheck-dev",
    "sqlite3": "libsqlite3-dev",
    "tl-expected": "libexpected-dev",
    "yaml-cpp": "libyaml-cpp-dev",
    "zlib": "zlib1g-dev",
}

# Calls that make code untestable at speed or unpredictable, and what takes their place.
CLOCK_AND_CHANCE = {
    r"_clock::now\s*\(|::now\s*\(\s*\)(?!\s*(const|override|noexcept|\{))": "take a ports::Clock instead",
    r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(|(?<!\w)::sleep\s*\(": "wait on a condition with a deadline",
    r"\b(clock_gettime|gettimeofday)\b|(?<![\w.>])time\s*\(\s*(nullptr|NULL|0)\s*\)": "take a ports::Clock instead",
    r"\bs?rand\s*\(|\bstd::random_device\b": "take a seeded generator through the constructor",
    r"\b(secure_)?getenv\s*\(": "read the environment in cmd and pass the value on",
    r"(?<![:\w.>])(std::)?system\s*\(|\bpopen\s*\(": "start programs in lib/io",
}
PRINTING = r"\bstd::(cout|cerr|clog)\b|(?<![:\w.>])(std::)?(printf|puts|putchar)\s*\(|\bfmt::print\s*\("
UNEQUAL_BETWEEN_LIBRARIES = r"\bstd::(\w+_distribution|shuffle|sample)\b"

# Written in halves, so that this file does not break its own rule.
REGISTRY_HOSTS = [".".join(parts) for parts in (
    ("pypi", "org"), ("pythonhosted", "org"), ("registry.npmjs", "org"), ("crates", "io"), ("proxy.golang", "org"),
    ("deb.debian", "org"), ("repo1.maven", "org"), ("rubygems", "org"),
)]
MACHINE_PATH = re.compile(r"(?<![\w.$}~-])/" + r"(home|work|farm|root|Users)/\w")
# Loopback, unspecified, net masks, and the ranges that documentation may use (RFC 5737).
HARMLESS_ADDRESS = re.compile(r"127\.|0\.0\.0\.0$|255\.|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.")
# Here addresses could be contacted. Unit tests open no sockets, so LAN addresses in their examples are only checked.
TALKING_FOLDERS = ("cmd", "lib/house", "lib/sim", "tests/bench", "tests/conformance", "tests/faults", "tests/interop",
                   "tests/loopback", "tests/scenarios")

# ---- The tree -----------------------------------------------------------------------------------------------------

SOURCE_SUFFIXES = {".cpp", ".hpp", ".c", ".h"}
TEXT_SUFFIXES = SOURCE_SUFFIXES | {".md", ".txt", ".cmake", ".json", ".yaml", ".yml", ".py", ".sh", ".service", ".conf",
                                   ".proto", ".in", ""}
SKIPPED_FOLDERS = {".git", ".cache", ".venv", "build", "node_modules", "__pycache__"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
STANDARD_HEADER = re.compile(r"[a-z_0-9]+$|(assert|ctype|errno|inttypes|limits|math|signal|stdarg|stddef|stdint|stdio|"
                             r"stdlib|string|time)\.h$")
SYSTEM_HEADER = re.compile(r"(sys|arpa|net|netinet|linux)/\w+\.h$|(dirent|dlfcn|fcntl|grp|ifaddrs|malloc|netdb|poll|"
                           r"pthread|pwd|sched|spawn|syslog|termios|unistd)\.h$")


@dataclasses.dataclass(frozen=True)
class Finding:
    rule: str
    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


@dataclasses.dataclass(frozen=True)
class File:
    path: str  # relative to the root, with forward slashes
    text: str

    @property
    def suffix(self) -> str:
        return pathlib.PurePosixPath(self.path).suffix

    @property
    def is_source(self) -> bool:
        return self.suffix in SOURCE_SUFFIXES

    @property
    def component(self) -> str | None:
        """The folder of lib/ that the file belongs to."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "lib" and len(parts) > 2 else None

    def within(self, *folders: str) -> bool:
        return any(self.path.startswith(folder + "/") for folder in folders)

    def lines(self) -> Iterator[tuple[int, str]]:
        return enumerate(self.text.splitlines(), start=1)

    def code_lines(self) -> Iterator[tuple[int, str]]:
        """Lines without comments and without what stands between quotes; line numbers stay."""
        return enumerate(without_comments_and_strings(self.text).splitlines(), start=1)

    def lines_without_comments(self) -> Iterator[tuple[int, str]]:
        if not self.is_source:
            return self.lines()
        kept = TOKENS.sub(lambda match: "\n" * match[0].count("\n") if match["comment"] else match[0], self.text)
        return enumerate(kept.splitlines(), start=1)

    def includes(self) -> Iterator[tuple[int, bool, str]]:
        """Line, whether in angle brackets, name."""
        for number, line in self.lines():
            if match := INCLUDE.match(line):
                yield number, match[1] == "<", match[2]


TOKENS = re.compile(
    r'(?P<raw>R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")|(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<char>(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\')', re.DOTALL)


def without_comments_and_strings(text: str) -> str:
    return TOKENS.sub(lambda match: '""' + "\n" * match[0].count("\n"), text)


def read_tree(root: pathlib.Path) -> list[File]:
    files = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        for name in sorted(names):
            path = pathlib.Path(folder, name)
            if path.suffix in TEXT_SUFFIXES and path.is_file() and not path.is_symlink():
                try:
                    files.append(File(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")))
                except UnicodeDecodeError:
                    continue  # captured frames and the like; no rule is about them
    return files


# ---- The rules ----------------------------------------------------------------------------------------------------

Spots = Iterator[tuple[str, int, str]]  # path, line, what and what would be right
Rule = Callable[[list[File]], Spots]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    RULES[function.__name__] = function
    return function


@rule
def layers(files: list[File]) -> Spots:
    """Includes point one way: base, model, {control, tariff, devices, ports}, the ports' implementations, cmd."""
    for file in files:
        if not file.is_source or not file.within("lib", "adapters"):
            continue
        if file.component and file.component not in LAYERS:
            yield file.path, 1, f"lib/{file.component} has no row in the table of layers"
            continue
        allowed = LAYERS[file.component] | {file.component} if file.component else set()
        owner = f"lib/{file.component}" if file.component else "an adapter"
        sees = ", ".join(sorted(allowed)) or "the SDK only"
        for number, angled, name in file.includes():
            target = name.split("/")[0]
            if not angled and target in LAYERS and "/" in name and target not in allowed:
                yield file.path, number, f"{owner} must not include {name}; it may see {sees}"


@rule
def third_party_headers(files: list[File]) -> Spots:
    """Each third-party header stays in the folders that wrap it."""
    for file in files:
        if not file.is_source:
            continue
        for number, angled, name in file.includes():
            if not angled or STANDARD_HEADER.match(name) or SYSTEM_HEADER.match(name) or name.startswith("sluice/"):
                continue
            row = next((prefix for prefix in THIRD_PARTY if name.startswith(prefix)), None)
            if row is None:
                yield file.path, number, f"<{name}> has no row in the table of third-party headers"
            elif not file.within(*THIRD_PARTY[row]):
                yield file.path, number, f"<{name}> belongs in {', '.join(THIRD_PARTY[row])} only"


@rule
def heavy_headers(files: list[File]) -> Spots:
    """A heavy third-party header is included by sources, never by a header of lib/."""
    for file in files:
        if file.within("lib") and file.suffix in {".hpp", ".h"}:
            for number, _, name in file.includes():
                if name.startswith(ONLY_IN_SOURCES):
                    yield file.path, number, f"{name} in a header; forward declare and include it in the .cpp"


@rule
def pure_folders(files: list[File]) -> Spots:
    """No operating system, no threads in the folders that only compute."""
    for file in files:
        if not file.is_source or file.component not in PURE:
            continue
        for number, _, name in file.includes():
            threads = name in THREAD_HEADERS and file.component not in THREADS_MEET
            reads = name in {"fstream", "iostream"} and file.component not in FILE_READERS
            if SYSTEM_HEADER.match(name) or threads or reads:
                yield file.path, number, f"<{name}> in lib/{file.component}, which only computes"


@rule
def clock_and_chance(files: list[File]) -> Spots:
    """Time, chance and the environment come in through constructors."""
    for file in files:
        if not file.is_source or not file.within("lib", "adapters") or file.within("lib/io"):
            continue
        for number, line in file.code_lines():
            for pattern, instead in CLOCK_AND_CHANCE.items():
                if match := re.search(pattern, line):
                    yield file.path, number, f"'{match[0].strip()}' outside lib/io and cmd; {instead}"


@rule
def equal_everywhere(files: list[File]) -> Spots:
    """Standard distributions differ between libraries; control, sim and house replay the same everywhere."""
    for file in files:
        if file.is_source and file.within("lib/control", "lib/sim", "lib/house"):
            for number, line in file.code_lines():
                if match := re.search(UNEQUAL_BETWEEN_LIBRARIES, line):
                    yield file.path, number, f"{match[0]} differs between libraries; use sim/random.hpp"


@rule
def printing(files: list[File]) -> Spots:
    """Only programs print; a library logs through base/log.hpp or returns an error."""
    for file in files:
        if file.is_source and file.within("lib", "adapters") and not file.within("lib/io"):
            for number, line in file.code_lines():
                if match := re.search(PRINTING, line):
                    yield file.path, number, f"'{match[0]}' in a library; log or return an error"


@rule
def headers(files: list[File]) -> Spots:
    """A header of lib/ is included once, says what it is for, and opens no namespace for its readers."""
    for file in files:
        if not file.within("lib") or file.suffix != ".hpp":
            continue
        if "#pragma once" not in file.text:
            yield file.path, 1, "no #pragma once"
        if "///" not in file.text:
            yield file.path, 1, "no /// comment: say what it is for, with units, errors and threads"
        for number, line in file.code_lines():
            if re.search(r"\busing\s+namespace\b", line):
                yield file.path, number, "'using namespace' in a header"


@rule
def every_source_is_built(files: list[File]) -> Spots:
    """Every folder of lib/ has a target, and every source is named by a CMake file of its folder or of one above it."""
    cmake = [file for file in files if file.path.endswith(("CMakeLists.txt", ".cmake"))]
    for component in sorted({file.component for file in files if file.component}):
        if not any(file.path == f"lib/{component}/CMakeLists.txt" for file in cmake):
            yield f"lib/{component}", 1, "a folder without CMakeLists.txt"
    for file in files:
        if file.suffix != ".cpp" or not file.within("lib", "adapters", "cmd", "tests"):
            continue
        path = pathlib.PurePosixPath(file.path)
        above = [other for other in cmake if path.is_relative_to(pathlib.PurePosixPath(other.path).parent)
                 and other.path not in {"CMakeLists.txt"}]
        if not any(re.search(rf"(?<![\w-]){re.escape(path.name)}\b", other.text) for other in above):
            yield file.path, 1, "no CMake file names this source"


@rule
def packages(files: list[File]) -> Spots:
    """script/bootstrap installs what CMake looks for: build packages for the product, test packages for its tests."""
    listed = {file.path: {line for line in file.text.splitlines() if line and not line.startswith("#")}
              for file in files if file.path.startswith("script/lib/packages-")}
    build = listed.get("script/lib/packages-build.txt", set())
    test = build | listed.get("script/lib/packages-test.txt", set())
    for file in files:
        if not file.path.endswith(("CMakeLists.txt", ".cmake")) or file.within("adapters/sdk", "tests/conformance/out_of_tree"):
            continue
        in_tests = file.within("tests")
        for number, line in file.lines():
            in_tests = in_tests or "SLUICE_BUILD_TESTS" in line
            for name in re.findall(r"^\s*(?:find_package\(\s*|pkg_check_modules\([^)]*\s)([\w-]+)", line):
                package = PACKAGE_OF.get(name)
                if package is None:
                    yield file.path, number, f"{name} has no row in the table of Debian packages"
                elif package not in (test if in_tests else build):
                    kind = "test" if in_tests else "build"
                    yield file.path, number, f"{name} needs {package} in script/lib/packages-{kind}.txt"


@rule
def unfinished(files: list[File]) -> Spots:
    """Nothing unfinished is committed, and no test is switched off."""
    for file in files:
        if file.path.startswith("tests/rules/"):
            continue
        if file.is_source or file.suffix in {".py", ".cmake", ".sh"}:
            for number, line in file.lines():
                if match := re.search(r"\b(TODO|FIXME|XXX)\b|\bGTEST_SKIP\b|\bDISABLED_\w+", line):
                    yield file.path, number, f"{match[0]}: finish it, or leave it out"


@rule
def machine_paths(files: list[File]) -> Spots:
    """No path of a developer's machine, no host of a package registry."""
    for file in files:
        for number, line in file.lines():
            if match := MACHINE_PATH.search(line):
                yield file.path, number, f"'{match[0]}…' is a path of somebody's machine"
            for host in REGISTRY_HOSTS:
                if host in line:
                    yield file.path, number, f"{host}: registries are the package managers' business"


@rule
def addresses(files: list[File]) -> Spots:
    """Whatever can open a socket in a test or a demo only knows loopback and documentation addresses."""
    for file in files:
        if not file.within(*TALKING_FOLDERS):
            continue
        for number, line in file.lines_without_comments():
            for match in re.finditer(r"(?<![\w.-])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\w-]|\.\d)", line):
                if all(int(part) <= 255 for part in match.groups()) and not HARMLESS_ADDRESS.match(match[0]):
                    yield file.path, number, f"{match[0]} is somebody's address; use 127.0.0.0/8 or RFC 5737"


@rule
def links(files: list[File]) -> Spots:
    """A relative link in a document, and a mention of docs/ in a source, leads to a file of the project."""
    known = {file.path for file in files}
    folders = {parent.as_posix() for path in known for parent in pathlib.PurePosixPath(path).parents}
    for file in files:
        if file.is_source or file.suffix in {".yaml", ".cmake"}:
            for number, line in file.lines():
                for target in re.findall(r"\bdocs/[\w/-]+(?:\.md)?", line):
                    if not any(path.startswith(target) for path in known):
                        yield file.path, number, f"{target} does not exist"
        if file.suffix != ".md":
            continue
        for number, line in file.lines():
            for target in re.findall(r"\]\(([^)\s#]+)", line):
                if re.match(r"[a-z]+:", target) or pathlib.PurePosixPath(target).suffix in {".svg", ".png", ".gz"}:
                    continue
                if _normal(pathlib.PurePosixPath(file.path).parent / target) not in known | folders:
                    yield file.path, number, f"{target} does not exist"


def _normal(path: pathlib.PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts) or "."


def check(root: pathlib.Path) -> list[Finding]:
    files = read_tree(root)
    return [Finding(name, *spot) for name, function in RULES.items() for spot in function(files)]


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    findings = check(pathlib.Path(arguments[1]))
    for finding in findings:
        print(finding)
    print(f"house rules: {len(RULES)} rules, {len(findings)} violations")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
