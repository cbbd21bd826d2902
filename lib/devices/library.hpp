#pragma once
/// All templates of one or more folders.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "devices/template.hpp"

namespace sluice::devices {

class Library {
 public:
  /// Reads every `*.yaml` that is not a `*.test.yaml`. A template in a later folder replaces one of the same id, so
  /// that an owner can correct one. Folders that do not exist are skipped. Errors: invalid, with one line a mistake.
  static Result<Library> load(const std::vector<std::string>& directories);

  /// Null when there is none of that id.
  const Template* find(std::string_view id) const;
  /// Ascending.
  std::vector<std::string> ids() const;
  /// Ids of the templates that can fill a role: `grid`, `pv`, `battery`, `hybrid`, `house`.
  std::vector<std::string> ids_for_role(std::string_view role) const;

 private:
  std::map<std::string, Template, std::less<>> templates_;
};

}  // namespace sluice::devices
