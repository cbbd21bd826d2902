#pragma once
/// XML as market operators write it: elements and text, read into a small tree by local names, because the namespaces
/// of their documents carry version numbers. An own reader of a hundred lines instead of a library: it needs no more,
/// takes no DTD and no entities but the five, and so has nothing that a hostile document could unfold.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sluice::feeds {

struct XmlElement {
  std::string name;  ///< without its prefix
  std::string text;  ///< its own, without the blanks at both ends
  std::vector<XmlElement> children;

  /// The first child of that local name; null when there is none.
  const XmlElement* find(std::string_view child) const;
  /// The text of the first child of that name; empty when there is none.
  std::string_view value(std::string_view child) const;
};

/// The root element. Errors, protocol: not XML, cut off, a document type, nested deeper than 32.
Result<XmlElement> parse_xml(std::string_view text);

}  // namespace sluice::feeds
