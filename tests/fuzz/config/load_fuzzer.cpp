// Whatever the bytes: the loader returns, and what it says can be printed.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/loader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto result = sluice::config::load_text(text, "fuzz.yaml", {});
  const bool silent_refusal = !result.ok() && result.diagnostics.empty();
  if (silent_refusal || (result.ok() && sluice::config::to_site(*result.config).miners.size() > sluice::kMaxMiners)) {
    std::abort();
  }
  (void)sluice::config::format_all(result);
  return 0;
}
