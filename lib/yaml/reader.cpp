#include "yaml/reader.hpp"

namespace sluice::yaml {

std::string to_string(const Diagnostic& diagnostic) {
  return fmt::format("{}:{}:{}: {}{}{}{}", diagnostic.file, diagnostic.line, diagnostic.column,
                     diagnostic.warning ? "warning: " : "", diagnostic.where, diagnostic.where.empty() ? "" : ": ",
                     diagnostic.text);
}

}  // namespace sluice::yaml
