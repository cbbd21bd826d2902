#include "config/secrets.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace sluice::config {
namespace {

static_assert(!fmt::is_formattable<Secret>::value, "a secret never prints itself");

class SecretsTest : public testing::Test {
 protected:
  SecretsTest() {
    std::string pattern = testing::TempDir() + "sluice_secrets_XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directory(credentials());
    std::filesystem::create_directory(files());
  }
  ~SecretsTest() override { std::filesystem::remove_all(root_); }

  std::string credentials() const { return root_ + "/credentials"; }
  std::string files() const { return root_ + "/secrets"; }
  static void write(const std::string& path, const std::string& content, mode_t mode = 0640) {
    std::ofstream(path) << content;
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }
  Result<Secret> get(const std::string& name) const {
    return Secrets(credentials(), files()).resolve({.name = name, .literal = ""});
  }

  std::string root_;
};

TEST_F(SecretsTest, ACredentialWinsOverAFile) {
  write(files() + "/s19", "from file\n");
  EXPECT_EQ(get("s19")->reveal(), "from file");
  write(credentials() + "/s19", "from systemd");
  EXPECT_EQ(get("s19")->reveal(), "from systemd");
}

TEST_F(SecretsTest, AMissingSecretNamesEveryPathTried) {
  const auto secret = get("s19");
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().kind, ErrorKind::not_found);
  EXPECT_EQ(secret.error().text, "secret \"s19\" is in none of: " + credentials() + "/s19, " + files() + "/s19");
}

TEST_F(SecretsTest, AFileThatOthersCanReadIsRefused) {
  write(files() + "/s19", "x", 0644);
  const auto secret = get("s19");
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().kind, ErrorKind::rejected);
  EXPECT_EQ(secret.error().text, files() + "/s19: open to every user of this machine; chmod o-rwx it");
}

TEST_F(SecretsTest, NoNameLeadsOutOfTheDirectory) {
  for (const char* name : {"../s19", "/etc/shadow", "a/b", "..", ".hidden"}) {
    const auto secret = get(name);
    ASSERT_FALSE(secret) << name;
    EXPECT_EQ(secret.error().kind, ErrorKind::invalid) << name;
  }
}

TEST_F(SecretsTest, BadContentsAreRefused) {
  write(files() + "/empty", "\n");
  write(files() + "/lines", "one\ntwo\n");
  write(files() + "/long", std::string(5000, 'x'));
  std::filesystem::create_directory(files() + "/directory");
  for (const char* name : {"empty", "lines", "long", "directory"}) {
    const auto secret = get(name);
    ASSERT_FALSE(secret) << name;
    EXPECT_NE(secret.error().kind, ErrorKind::not_found) << name;
    EXPECT_EQ(secret.error().text.find(files() + "/" + name), 0U) << secret.error().text;
  }
}

TEST_F(SecretsTest, LiteralsAndEmptyReferencesNeedNoFile) {
  const Secrets secrets("", "/nonexistent");
  EXPECT_EQ(secrets.resolve({.name = "", .literal = "x"})->reveal(), "x");
  EXPECT_TRUE(secrets.resolve({})->empty());
}

}  // namespace
}  // namespace sluice::config
