#pragma once
/// `{name}` and `{name:format}` in the texts of a definition. Braces around anything else are left as they are, because
/// the body of a request may be JSON or GraphQL.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::feeds {

struct Mark {
  std::string_view name, format;
};

/// Calls `replacement` for every mark; what it returns takes the mark's place, nothing leaves the mark as it is.
std::string replace_marks(std::string_view text,
                          const std::function<std::optional<std::string>(const Mark&)>& replacement);

/// Fit for the query of a URL: everything but letters, digits and `-._~:,` becomes %XX.
std::string url_encoded(std::string_view text);

}  // namespace sluice::feeds
