#include "config/document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <charconv>
#include <sstream>
#include <utility>

namespace sluice::config {
namespace {

constexpr std::size_t kMaxDepth = 10;

Place place_of(const YAML::Mark& mark) { return mark.is_null() ? Place{1, 1} : Place{mark.line + 1, mark.column + 1}; }

/// Ends the parsing of a document that cannot be read on; already reported.
struct GivenUp {};

/// Builds the tree from yaml-cpp's events: only they show every key and every mark.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Problems& problems) : problems_(problems) {}
  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    // The mark of an absent value points at whatever comes next; the place before it is the one to show.
    if (open_.empty()) return add({});
    const Frame& frame = open_.back();
    Node node;
    node.place = frame.key ? frame.key->place : frame.node.place;
    add(std::move(node));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    problems_.error(place_of(mark), path(), "aliases (*name) are not supported", "write the value out");
    throw GivenUp();
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag == "!" || tag == "?");
    if (wants_key()) return open_key(mark, value);
    Node node;
    node.kind = Node::Kind::scalar;
    node.quoted = tag == "!";
    node.text = value;
    node.place = place_of(mark);
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Key {
    std::string text;
    Place place;
    bool duplicate = false;
  };
  struct Frame {
    Node node;
    std::optional<Key> key;  ///< of a map: the key whose value comes next
  };

  bool wants_key() const { return !open_.empty() && open_.back().node.kind == Node::Kind::map && !open_.back().key; }

  std::string path() const {
    std::string out;
    for (const Frame& frame : open_) {
      if (frame.node.kind == Node::Kind::list) out += fmt::format("[{}]", frame.node.items.size());
      if (frame.key) out += (out.empty() ? "" : ".") + frame.key->text;
    }
    return out;
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor == 0) return;
    problems_.error(place_of(mark), path(), "anchors (&name) are not supported", "write the value out");
    throw GivenUp();
  }
  void refuse_tag(const YAML::Mark& mark, bool plain) {
    if (plain) return;
    problems_.error(place_of(mark), path(), "YAML tags (!name) are not supported", "remove the tag");
    throw GivenUp();
  }

  void open_key(const YAML::Mark& mark, const std::string& text) {
    Frame& frame = open_.back();
    Key key{text, place_of(mark), false};
    if (const Entry* first = frame.node.find(text)) {
      key.duplicate = true;
      frame.key = key;
      problems_.error(key.place, path(), "is written twice",
                      fmt::format("keep one; the first is in line {}", first->place.line));
    }
    frame.key = std::move(key);
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag.empty() || tag == "?");
    if (wants_key()) {
      problems_.error(place_of(mark), path(), "a key must be plain text", "check brackets, braces and question marks");
      throw GivenUp();
    }
    if (open_.size() >= kMaxDepth) {
      problems_.error(place_of(mark), path(), fmt::format("is nested more than {} levels deep", kMaxDepth),
                      "check brackets, braces and dashes");
      throw GivenUp();
    }
    Frame frame;
    frame.node.kind = kind;
    frame.node.place = place_of(mark);
    open_.push_back(std::move(frame));
  }

  void close() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(node));
  }

  void add(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = open_.back();
    if (frame.node.kind == Node::Kind::list) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.key) {
      problems_.error(frame.node.place, path(), "has an empty key", "write key: value");
      throw GivenUp();
    } else {
      if (!frame.key->duplicate) {
        frame.node.entries.push_back({std::move(frame.key->text), frame.key->place, std::move(node)});
      }
      frame.key.reset();
    }
  }

  Problems& problems_;
  std::vector<Frame> open_;
  Node root_;
};

/// Bytes of the UTF-8 sequence that `text` begins with; 0 when it is none (overlong, surrogate, cut off).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

/// Walks the text once for what would mislead the parser or the reader.
bool check_characters(std::string_view text, Problems& problems) {
  Place place{1, 1};
  bool indentation = true;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0) {
      problems.error(place, "", fmt::format("byte 0x{:02X} is not UTF-8", static_cast<unsigned char>(c)),
                     "save the file as UTF-8");
      return false;
    }
    if (c == '\t' && indentation) {
      problems.error(place, "", "a tab in the indentation", "indent with spaces");
      return false;
    }
    const bool line_end = c == '\n' || (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n');
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t' && !line_end) || c == 0x7F) {
      problems.error(place, "", fmt::format("control character 0x{:02X}", static_cast<unsigned char>(c)), "remove it");
      return false;
    }
    if (c == '\n') {
      place = {place.line + 1, 1};
      indentation = true;
    } else {
      ++place.column;
      indentation = indentation && c == ' ';
    }
    i += length;
  }
  return true;
}

std::optional<Node> parse(std::string_view text, Problems& problems) {
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  TreeBuilder builder(problems);
  if (!parser.HandleNextDocument(builder)) return Node{};
  struct SecondDocument final : YAML::EventHandler {
    [[noreturn]] static void found(const YAML::Mark& mark) { throw place_of(mark); }
    void OnDocumentStart(const YAML::Mark& mark) override { found(mark); }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}
  };
  try {
    SecondDocument second;
    parser.HandleNextDocument(second);
  } catch (const Place& place) {
    problems.error(place, "", "a second document begins here", "one file, one document: remove the line ---");
    return std::nullopt;
  }
  return builder.take();
}

}  // namespace

const Entry* Node::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

const Node* Node::at(std::string_view path) const {
  const Node* node = this;
  while (node != nullptr && !path.empty()) {
    if (path.front() == '[') {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(path.data() + 1, path.data() + path.size(), index);
      path.remove_prefix(static_cast<std::size_t>(end - path.data()) + 1);
      node = error == std::errc() && index < node->items.size() ? &node->items[index] : nullptr;
      continue;
    }
    if (path.front() == '.') path.remove_prefix(1);
    const std::size_t length = std::min(path.find_first_of(".["), path.size());
    const Entry* entry = node->find(path.substr(0, length));
    node = entry == nullptr ? nullptr : &entry->value;
    path.remove_prefix(length);
  }
  return node;
}

std::optional<Node> parse_document(std::string_view text, Problems& problems) {
  if (!check_characters(text, problems)) return std::nullopt;
  try {
    return parse(text, problems);
  } catch (const GivenUp&) {
  } catch (const YAML::ParserException& error) {
    problems.error(place_of(error.mark), "", "not YAML: " + error.msg,
                   "check indentation, colons, quotes and brackets");
  } catch (const YAML::Exception& error) {
    problems.error({1, 1}, "", "not YAML: " + error.msg);
  }
  return std::nullopt;
}

}  // namespace sluice::config
