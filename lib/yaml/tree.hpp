#pragma once
/// YAML as a small tree that keeps every position and every key, because yaml-cpp's own nodes forget duplicates, accept
/// anchors and drop second documents. Scalars stay text: what they mean is decided by whoever asks.

#include <string>
#include <string_view>
#include <vector>

namespace sluice::yaml {

struct Entry;

struct Node {
  enum class Kind { null, scalar, sequence, mapping };
  Kind kind = Kind::null;
  int line = 0, column = 0;  ///< from 1
  std::string text;          ///< scalars
  bool quoted = false;
  std::vector<Node> items;     ///< sequences
  std::vector<Entry> entries;  ///< mappings, in the file's order, duplicates and all
  const Node* find(std::string_view key) const;
};

struct Entry {
  Node key, value;
};

struct Mistake {
  int line = 0, column = 0;
  std::string text;
};

/// The one document of a file. Mistakes: not YAML, not UTF-8, anchors and aliases, several documents.
Node parse(std::string_view text, std::vector<Mistake>& mistakes);

}  // namespace sluice::yaml
