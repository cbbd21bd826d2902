#include "feeds/xml.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

namespace sluice::feeds {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr int kDeepest = 32;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

class XmlReader {
 public:
  explicit XmlReader(std::string_view text) : rest_(text) {}

  Result<XmlElement> document() {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
    if (auto done = skip_remarks(); !done) return tl::unexpected(done.error());
    auto root = element(0);
    if (!root) return root;
    if (auto done = skip_remarks(); !done) return tl::unexpected(done.error());
    if (!rest_.empty()) return fail(ErrorKind::protocol, "XML goes on after its end");
    return root;
  }

 private:
  static tl::unexpected<Error> cut_off() { return fail(ErrorKind::protocol, "the XML was cut off"); }

  /// Past `mark`; the text before it. Nothing when it does not come.
  bool take_until(std::string_view mark, std::string_view& before) {
    const auto at = rest_.find(mark);
    if (at == std::string_view::npos) return false;
    before = rest_.substr(0, at);
    rest_.remove_prefix(at + mark.size());
    return true;
  }

  /// Blanks, comments and processing instructions between elements.
  Result<void> skip_remarks() {
    std::string_view ignored;
    for (;;) {
      rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size()));
      if (rest_.starts_with("<!--")) {
        if (!take_until("-->", ignored)) return cut_off();
      } else if (rest_.starts_with("<?")) {
        if (!take_until("?>", ignored)) return cut_off();
      } else if (rest_.starts_with("<!DOCTYPE")) {
        return fail(ErrorKind::protocol, "a document type where prices were expected");
      } else {
        return {};
      }
    }
  }

  /// The start tag's name; attributes are nobody's business here.
  Result<std::string_view> start_tag(bool& empty) {
    if (!rest_.starts_with('<')) return fail(ErrorKind::protocol, "not XML");
    std::size_t end = 1;
    for (char quote = '\0'; end < rest_.size() && (quote != '\0' || rest_[end] != '>'); ++end) {
      if (quote != '\0') {
        quote = rest_[end] == quote ? '\0' : quote;
      } else if (rest_[end] == '"' || rest_[end] == '\'') {
        quote = rest_[end];
      }
    }
    if (end >= rest_.size()) return cut_off();
    std::string_view tag = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    empty = tag.ends_with('/');
    if (empty) tag.remove_suffix(1);
    tag = tag.substr(0, tag.find_first_of(kBlanks));
    if (tag.empty() || tag.starts_with('/') || tag.starts_with('!'))
      return fail(ErrorKind::protocol, "not XML: an element without a name");
    return tag;
  }

  Result<XmlElement> element(int depth) {
    if (depth > kDeepest) return fail(ErrorKind::protocol, "XML nested deeper than {}", kDeepest);
    bool empty = false;
    const auto tag = start_tag(empty);
    if (!tag) return tl::unexpected(tag.error());
    XmlElement found;
    found.name = tag->substr(tag->rfind(':') + 1);
    if (empty) return found;
    for (;;) {
      const auto next = rest_.find('<');
      if (next == std::string_view::npos) return cut_off();
      if (auto done = add_text(rest_.substr(0, next), found.text); !done) return tl::unexpected(done.error());
      rest_.remove_prefix(next);
      std::string_view inside;
      if (rest_.starts_with("</")) {
        if (!take_until(">", inside)) return cut_off();
        if (trimmed(inside.substr(2)) != *tag) return fail(ErrorKind::protocol, "not XML: <{}> is not closed", *tag);
        found.text = trimmed(found.text);
        return found;
      }
      if (rest_.starts_with("<!--")) {
        if (!take_until("-->", inside)) return cut_off();
      } else if (rest_.starts_with("<![CDATA[")) {
        if (!take_until("]]>", inside)) return cut_off();
        found.text += inside.substr(9);
      } else if (rest_.starts_with("<?")) {
        if (!take_until("?>", inside)) return cut_off();
      } else {
        auto child = element(depth + 1);
        if (!child) return child;
        found.children.push_back(std::move(*child));
      }
    }
  }

  static Result<void> add_text(std::string_view raw, std::string& to) {
    static constexpr std::pair<std::string_view, char> kEntities[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    while (!raw.empty()) {
      const auto mark = raw.find('&');
      to += raw.substr(0, mark);
      if (mark == std::string_view::npos) return {};
      const auto end = raw.find(';', mark);
      const std::string_view name = raw.substr(mark + 1, end == std::string_view::npos ? end : end - mark - 1);
      const auto* const known = std::ranges::find(kEntities, name, &std::pair<std::string_view, char>::first);
      if (end != std::string_view::npos && known != std::end(kEntities)) {
        to += known->second;
      } else if (end != std::string_view::npos && name.starts_with('#')) {
        to += '?';  // no number, name or time is written with one
      } else {
        return fail(ErrorKind::protocol, "not XML: an unknown entity");
      }
      raw.remove_prefix(end + 1);
    }
    return {};
  }

  std::string_view rest_;
};

}  // namespace

const XmlElement* XmlElement::find(std::string_view child) const {
  const auto found = std::ranges::find(children, child, &XmlElement::name);
  return found == children.end() ? nullptr : &*found;
}

std::string_view XmlElement::value(std::string_view child) const {
  const XmlElement* found = find(child);
  return found == nullptr ? std::string_view() : std::string_view(found->text);
}

Result<XmlElement> parse_xml(std::string_view text) { return XmlReader(text).document(); }

}  // namespace sluice::feeds
