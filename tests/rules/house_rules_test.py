#!/usr/bin/env python3
"""Every house rule, shown a violation it must find and a neighbour it must leave alone."""

import unittest

from house_rules import REGISTRY_HOSTS, RULES, File

BUILT = File("lib/base/CMakeLists.txt", "sluice_library(sluice_base SOURCES log.cpp)")
SLASH = "/"  # keeps the planted paths of this file from being found in it

# rule → (files that break it, line it must name, files that do not)
CASES = {
    "layers": [
        ([File("lib/control/a.cpp", '#include <vector>\n#include "ports/clock.hpp"\n')], 2,
         [File("lib/control/a.cpp", '#include "model/site.hpp"\n#include "control/twin.hpp"\n#include "twin.hpp"\n')]),
        ([File("lib/model/a.hpp", '#include "control/twin.hpp"\n')], 1,
         [File("cmd/sluiced/a.cpp", '#include "web/a.hpp"\n')]),
        ([File("lib/runtime/a.cpp", '#include "store/history.hpp"\n')], 1,
         [File("lib/runtime/a.cpp", '#include "ports/store.hpp"\n')]),
        ([File("adapters/luxos/a.cpp", '#include "ports/miner.hpp"\n')], 1,
         [File("adapters/luxos/a.cpp", '#include "sluice/adapter.hpp"\n#include "luxos/state.hpp"\n')]),
        ([File("lib/novelty/a.cpp", "")], 1, [File("lib/tariff/a.cpp", "")]),
    ],
    "third_party_headers": [
        ([File("lib/control/a.cpp", "#include <sqlite3.h>\n")], 1, [File("lib/store/a.cpp", "#include <sqlite3.h>\n")]),
        ([File("lib/io/a.cpp", "#include <boost/asio.hpp>\n")], 1, [File("lib/io/a.cpp", "#include <sys/socket.h>\n")]),
    ],
    "heavy_headers": [
        ([File("lib/web/a.hpp", "#include <httplib.h>\n")], 1,
         [File("lib/web/a.cpp", "#include <httplib.h>\n"),
          File("lib/web/a.hpp", "#include <nlohmann/json_fwd.hpp>\n")]),
    ],
    "pure_folders": [
        ([File("lib/tariff/a.cpp", "\n#include <unistd.h>\n")], 2, [File("lib/io/a.cpp", "#include <unistd.h>\n")]),
        ([File("lib/control/a.cpp", "#include <thread>\n")], 1, [File("lib/ports/a.hpp", "#include <mutex>\n")]),
    ],
    "clock_and_chance": [
        ([File("lib/runtime/a.cpp", "auto t = std::chrono::steady_clock::now();")], 1,
         [File("lib/io/clock.cpp", "auto t = std::chrono::steady_clock::now();"),
          File("lib/sim/a.cpp", "MonoTime SimClock::now() const {\n  return clock_.now();\n}\n// a_clock::now()\n")]),
        ([File("lib/house/a.cpp", "\nstd::this_thread::sleep_for(1s);")], 2,
         [File("lib/house/a.cpp", "miner.sleep();\nvoid Miner::sleep() {}")]),
        ([File("lib/sim/a.cpp", "std::random_device seed;")], 1, [File("lib/sim/a.cpp", "// no std::random_device\n")]),
        ([File("lib/config/a.cpp", 'getenv("HOME")')], 1, [File("cmd/sluice/a.cpp", 'getenv("HOME")')]),
        ([File("lib/store/a.cpp", 'system("rm");')], 1, [File("lib/store/a.cpp", 'file_system("x"); "system(";')]),
        ([File("adapters/x/a.cpp", "time(nullptr)")], 1, [File("adapters/x/a.cpp", "host.time(0)")]),
    ],
    "equal_everywhere": [
        ([File("lib/sim/a.cpp", "std::normal_distribution<double> noise;")], 1,
         [File("lib/sim/a.cpp", "Gaussian noise; // not std::normal_distribution")]),
    ],
    "printing": [
        ([File("lib/store/a.cpp", 'std::cerr << "full";')], 1,
         [File("cmd/sluice/a.cpp", 'std::cout << "ok";'), File("lib/store/a.cpp", 'std::snprintf(b, 1, "");')]),
    ],
    "headers": [
        ([File("lib/base/a.hpp", "/// Words.\n")], 1, [File("lib/base/a.hpp", "#pragma once\n/// Words.\n")]),
        ([File("lib/base/a.hpp", "#pragma once\n")], 1, []),
        ([File("lib/base/a.hpp", "#pragma once\n/// Words.\nusing namespace std;\n")], 3, []),
    ],
    "every_source_is_built": [
        ([BUILT, File("lib/base/backlog.cpp", "")], 1, [BUILT, File("lib/base/log.cpp", "")]),
        ([File("lib/model/a.hpp", "")], 1, [BUILT, File("lib/base/a.hpp", "")]),
    ],
    "packages": [
        ([File("cmake/Dependencies.cmake", "find_package(fmt REQUIRED)")], 1,
         [File("cmake/Dependencies.cmake", "find_package(fmt REQUIRED)"),
          File("script/lib/packages-build.txt", "# formatting\nlibfmt-dev\n")]),
        ([File("cmake/Dependencies.cmake", "\npkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)")], 2,
         [File("cmake/Dependencies.cmake", "pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)"),
          File("script/lib/packages-build.txt", "libzstd-dev\n")]),
        ([File("lib/CMakeLists.txt", "find_package(fmt)"), File("script/lib/packages-test.txt", "libfmt-dev\n")], 1,
         [File("tests/CMakeLists.txt", "find_package(GTest)"), File("script/lib/packages-test.txt", "libgtest-dev\n")]),
        ([File("cmake/Dependencies.cmake", "find_package(Boost)")], 1, []),
    ],
    "unfinished": [
        ([File("lib/base/a.cpp", "// TODO: the rest")], 1, [File("docs/a.md", "The TODO list is empty.")]),
        ([File("tests/unit/a/a_test.cpp", "\nGTEST_SKIP();")], 2, []),
    ],
    "machine_paths": [
        ([File("docs/a.md", f"see {SLASH}home{SLASH}maria/sluice")], 1,
         [File("docs/a.md", "/etc/sluice and ~/home/x")]),
        ([File("docs/a.md", f"from https://{REGISTRY_HOSTS[0]}/simple")], 1, [File("docs/a.md", "from PyPI")]),
    ],
    "addresses": [
        ([File("tests/loopback/a/a.cpp", 'connect("192.168' + '.1.20")')], 1,
         [File("tests/loopback/a/a.cpp", 'connect("127.0.10.3") bind("0.0.0.0") name("192.0.2.7")'),
          File("tests/unit/config/a.cpp", '"192.168' + '.1.20"'), File("cmd/a.hpp", "// 192.168" + ".1.20:502"),
          File("cmd/sluice/a.cpp", '"v1.2.3.4.5"')]),
    ],
    "links": [
        ([File("docs/guide/a.md", "see [there](../adr/0009-none.md)")], 1,
         [File("docs/guide/a.md", "see [b](b.md#part), [up](../../README.md), [out](https://example.org), [x](#here)"),
          File("docs/guide/b.md", ""), File("README.md", "[guides](docs/guide)")]),
        ([File("lib/base/a.hpp", "/// Why: docs/adr/0099.\n")], 1,
         [File("lib/base/a.hpp", "/// Why: docs/adr/0001.\n"), File("docs/adr/0001-why.md", "")]),
    ],
}


class HouseRules(unittest.TestCase):
    def test_every_rule_has_a_case(self):
        self.assertEqual(set(RULES), set(CASES))

    def test_planted_violations_are_found(self):
        for name, cases in CASES.items():
            for number, (broken, line, _) in enumerate(cases):
                with self.subTest(rule=name, case=number):
                    found = list(RULES[name](broken))
                    self.assertEqual([spot[1] for spot in found], [line], found)
                    self.assertIn(found[0][0], {file.path for file in broken} | {"lib/model"})

    def test_neighbours_are_left_alone(self):
        for name, cases in CASES.items():
            for number, (_, _, sound) in enumerate(cases):
                with self.subTest(rule=name, case=number):
                    self.assertEqual(list(RULES[name](sound)), [])


if __name__ == "__main__":
    unittest.main()
