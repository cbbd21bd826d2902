#include "devices/library.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace sluice::devices {
namespace {

namespace fs = std::filesystem;

class LibraryTest : public testing::Test {
 protected:
  LibraryTest() {
    std::string pattern = (fs::temp_directory_path() / "sluice-library-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    fs::create_directory(root_ / "shipped");
    fs::create_directory(root_ / "own");
  }
  ~LibraryTest() override { fs::remove_all(root_); }

  void write(const std::string& file, const std::string& id, const std::string& title) {
    std::ofstream(root_ / file) << "id: " << id << "\ntitle: " << title
                                << "\nchecked: 2026-07-20\nroles: [grid]\nmeasurements:\n  grid_w: {holding: 1}\n";
  }
  Result<Library> load() { return Library::load({root_ / "shipped", root_ / "own", root_ / "missing"}); }

  fs::path root_;
};

TEST_F(LibraryTest, ALaterFolderReplacesATemplate) {
  write("shipped/meter.yaml", "meter", "shipped");
  write("shipped/other.yaml", "other", "shipped");
  write("own/meter.yaml", "meter", "corrected");
  const auto library = load();
  ASSERT_TRUE(library) << library.error().text;
  EXPECT_EQ(library->ids(), (std::vector<std::string>{"meter", "other"}));
  EXPECT_EQ(library->find("meter")->title, "corrected");
  EXPECT_EQ(library->find("nothing"), nullptr);
  EXPECT_EQ(library->ids_for_role("grid").size(), 2U);
  EXPECT_TRUE(library->ids_for_role("battery").empty());
}

TEST_F(LibraryTest, AMistakeNamesItsFile) {
  write("shipped/meter.yaml", "metre", "x");
  std::ofstream(root_ / "own/bad.yaml") << "id: bad\n";
  const auto library = load();
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().kind, ErrorKind::invalid);
  EXPECT_NE(library.error().text.find("the id `metre` must be the file's name"), std::string::npos);
  EXPECT_NE(library.error().text.find("bad.yaml:1:1: `title` is missing"), std::string::npos) << library.error().text;
}

TEST_F(LibraryTest, SceneFilesAreNoTemplates) {
  write("shipped/meter.yaml", "meter", "x");
  std::ofstream(root_ / "shipped/meter.test.yaml") << "- scene: x\n";
  EXPECT_TRUE(load());
}

}  // namespace
}  // namespace sluice::devices
