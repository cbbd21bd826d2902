#pragma once
/// Collects diagnostics while a file is read.

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.hpp"

namespace sluice::config {

class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  void error(Place place, std::string path, std::string message, std::string hint = {}) {
    ++errors_;
    add(Severity::error, place, std::move(path), std::move(message), std::move(hint));
  }
  void warning(Place place, std::string path, std::string message, std::string hint = {}) {
    add(Severity::warning, place, std::move(path), std::move(message), std::move(hint));
  }
  bool has_errors() const { return errors_ > 0; }
  /// Whether an error was reported at `path` or inside it: what is built on it would only repeat it.
  bool has_error_at(std::string_view path) const {
    return std::any_of(list_.begin(), list_.end(), [&](const Diagnostic& d) {
      if (d.severity != Severity::error || !d.path.starts_with(path)) return false;
      return d.path.size() == path.size() || d.path[path.size()] == '.' || d.path[path.size()] == '[';
    });
  }
  /// In the order of the file.
  std::vector<Diagnostic> take() && { return std::move(list_); }

 private:
  // Nobody reads more, and a hostile file must not make us write gigabytes.
  static constexpr std::size_t kMost = 100;

  void add(Severity severity, Place place, std::string path, std::string message, std::string hint) {
    if (list_.size() >= kMost) return;
    const auto before = [](const Diagnostic& a, const Diagnostic& b) {
      return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
    };
    Diagnostic diagnostic{severity, file_, place, std::move(path), std::move(message), std::move(hint)};
    list_.insert(std::upper_bound(list_.begin(), list_.end(), diagnostic, before), std::move(diagnostic));
  }

  std::string file_;
  std::vector<Diagnostic> list_;
  std::size_t errors_ = 0;
};

}  // namespace sluice::config
