// Runs every file of the corpus through the fuzzer's entry point, without libFuzzer: what once crashed must not again.

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

TEST(ConfigCorpus, EveryFileIsAnsweredWithoutACrash) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SLUICE_SOURCE_DIR "/tests/fuzz/config/corpus")) {
    SCOPED_TRACE(entry.path().string());
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()), 0);
    // Every prefix too: files are cut off by full disks and impatient editors.
    for (std::size_t size = 0; size < text.size(); size += 7) {
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), size);
    }
    ++files;
  }
  EXPECT_GE(files, 10);
}
