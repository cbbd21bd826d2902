#include "plugin/catalogue.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "plugin/library.hpp"

namespace sluice::plugin {
namespace {

namespace fs = std::filesystem;

class CatalogueTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "sluice-catalogue-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }
  fs::path directory(const std::string& name) {
    fs::create_directory(root_ / name);
    ::chmod((root_ / name).c_str(), 0755);
    return root_ / name;
  }
  static void add(const fs::path& directory, const std::string& name, const std::string& id) {
    std::ofstream(directory / (name + ".yaml")) << "id: " << id << "\ntitle: t\nversion: \"1.0\"\n";
    std::ofstream(directory / (name + ".so")) << "no code";
    for (const char* end : {".yaml", ".so"}) ::chmod((directory / (name + end)).c_str(), 0644);
  }
  fs::path root_;
};

TEST_F(CatalogueTest, FirstOfAnIdWinsAndTheOtherSaysWhy) {
  add(directory("a"), "luxos", "luxos");
  add(directory("b"), "luxos", "luxos");
  const auto catalogue = discover(std::vector<SearchPath>{
      {(root_ / "a").string(), true}, {(root_ / "b").string(), true}, {(root_ / "absent").string(), true}});
  ASSERT_EQ(catalogue.entries().size(), 2U);
  EXPECT_TRUE(catalogue.entries()[0].usable());
  EXPECT_EQ(catalogue.entries()[1].skipped, "already found at " + (root_ / "a/luxos.so").string());
  EXPECT_EQ(catalogue.find("luxos").value()->path, (root_ / "a/luxos.so").string());
}

TEST_F(CatalogueTest, NamesWhatThereIs) {
  add(directory("a"), "luxos", "luxos");
  add(root_ / "a", "vnish", "vnish");
  const auto catalogue = discover(std::vector<SearchPath>{{(root_ / "a").string(), true}});
  EXPECT_EQ(catalogue.find("luxus").error().text, "there is no adapter \"luxus\"; there are: luxos, vnish");
}

TEST_F(CatalogueTest, SkipsWhatIsNotWhatItSays) {
  add(directory("a"), "luxos", "vnish");
  fs::remove(root_ / "a/gone.so");
  std::ofstream(root_ / "a/gone.yaml") << "id: gone\ntitle: t\nversion: \"1\"\n";
  const auto catalogue = discover(std::vector<SearchPath>{{(root_ / "a").string(), true}});
  ASSERT_EQ(catalogue.entries().size(), 2U);
  EXPECT_NE(catalogue.find("gone").error().text.find("No such file"), std::string::npos);
  EXPECT_NE(catalogue.find("luxos").error().text.find("its manifest says id \"vnish\""), std::string::npos);
}

TEST_F(CatalogueTest, CodeThatOthersCouldChangeIsNotUsed) {
  const fs::path installed = directory("installed");
  add(installed, "luxos", "luxos");
  const std::vector<SearchPath> paths{{installed.string(), false}};
  if (::geteuid() == 0) {
    EXPECT_TRUE(discover(paths).find("luxos"));
    ASSERT_EQ(::chown((installed / "luxos.so").c_str(), 12345, 0), 0);
  }
  EXPECT_NE(discover(paths).find("luxos").error().text.find("does not belong to root"), std::string::npos);
  EXPECT_TRUE(discover(std::vector<SearchPath>{{installed.string(), true}}).find("luxos"))
      << "a directory named by the user may be anybody's";
}

TEST_F(CatalogueTest, WritableByAllIsNeverUsed) {
  const fs::path open = directory("open");
  add(open, "luxos", "luxos");
  ::chmod((open / "luxos.so").c_str(), 0666);
  for (const bool named : {true, false}) {
    const auto found = discover(std::vector<SearchPath>{{open.string(), named}}).find("luxos");
    EXPECT_NE(found.error().text.find("writable by everybody"), std::string::npos);
  }
  ::chmod((open / "luxos.so").c_str(), 0644);
  ::chmod(open.c_str(), 0777);
  EXPECT_FALSE(discover(std::vector<SearchPath>{{open.string(), true}}).find("luxos"))
      << "who may write the directory may replace the file";
}

TEST_F(CatalogueTest, AFileThatIsNoLibrarySaysSo) {
  add(directory("a"), "luxos", "luxos");
  const auto catalogue = discover(std::vector<SearchPath>{{(root_ / "a").string(), true}});
  const auto library = Library::load(*catalogue.find("luxos").value());
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().kind, ErrorKind::io);
}

}  // namespace
}  // namespace sluice::plugin
