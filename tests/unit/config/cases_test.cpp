// Every bad input with the whole text that its writer gets to read. SLUICE_UPDATE_CASES=1 writes the files anew; review
// the difference like code.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "catalogue.hpp"

namespace sluice::config {
namespace {

struct Case {
  std::string name, yaml, expected;
};

struct CaseFile {
  std::string head;
  std::vector<Case> cases;
};

std::string path_of(const std::string& file) { return SLUICE_SOURCE_DIR "/tests/unit/config/" + file; }

CaseFile read_cases(const std::string& file) {
  std::ifstream in(path_of(file));
  CaseFile out;
  std::string line;
  bool expected = false;
  while (std::getline(in, line)) {
    if (line.starts_with("=== ")) {
      out.cases.push_back({line.substr(4), "", ""});
      expected = false;
    } else if (out.cases.empty()) {
      out.head += line + "\n";
    } else if (line == "==>") {
      expected = true;
    } else {
      (expected ? out.cases.back().expected : out.cases.back().yaml) += line + "\n";
    }
  }
  // An empty line parts the cases.
  for (Case& one : out.cases) {
    if (one.expected.ends_with("\n\n") || one.expected == "\n") one.expected.pop_back();
  }
  return out;
}

std::string expanded(std::string yaml) {
  const std::string mark = "%base\n";
  const std::size_t at = yaml.find(mark);
  return at == std::string::npos ? yaml : yaml.replace(at, mark.size(), kBase);
}

void update(const std::string& file, const CaseFile& content) {
  std::ofstream out(path_of(file));
  out << content.head;
  bool first = true;
  for (const Case& one : content.cases) {
    out << (first ? "" : "\n") << "=== " << one.name << "\n"
        << one.yaml << "==>\n"
        << format_all(load_text(expanded(one.yaml), "sluice.yaml", test_catalogue()));
    first = false;
  }
}

void run(const std::string& file, std::size_t at_least, bool loads) {
  const CaseFile content = read_cases(file);
  ASSERT_GE(content.cases.size(), at_least);
  if (std::getenv("SLUICE_UPDATE_CASES") != nullptr) return update(file, content);
  for (const Case& one : content.cases) {
    const LoadResult result = load_text(expanded(one.yaml), "sluice.yaml", test_catalogue());
    EXPECT_EQ(result.ok(), loads) << one.name;
    EXPECT_EQ(format_all(result), one.expected) << one.name;
  }
}

TEST(Cases, EveryBadInputHasOneClearError) { run("errors.cases", 40, false); }

TEST(Cases, DangerousButLegalSettingsLoadWithAWarning) { run("warnings.cases", 10, true); }

}  // namespace
}  // namespace sluice::config
