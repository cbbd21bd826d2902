#pragma once
/// The YAML file as a small tree that knows where everything was written. What yaml-cpp lets pass in silence (duplicate
/// keys, second documents, bad UTF-8) or answers with surprises (anchors, tags) is refused here.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/problems.hpp"

namespace sluice::config {

struct Entry;

struct Node {
  enum class Kind { null, scalar, map, list };
  Kind kind = Kind::null;
  bool quoted = false;
  std::string text;            ///< of a scalar
  Place place;                 ///< of a null value: where its key or its list is written
  std::vector<Entry> entries;  ///< of a map, in the order of the file
  std::vector<Node> items;     ///< of a list

  /// The entry of a map; null when it is missing or this is no map.
  const Entry* find(std::string_view key) const;
  /// The node at a path such as `miners[0].power.max_w`; null when there is none.
  const Node* at(std::string_view path) const;
};

struct Entry {
  std::string key;
  Place place;
  Node value;
};

/// Empty after an error that leaves no tree; errors that leave one (a duplicate key: the first wins) are only reported.
std::optional<Node> parse_document(std::string_view text, Problems& problems);

}  // namespace sluice::config
