#include "devices/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "devices/layout.hpp"

namespace sluice::devices {
namespace {

using nlohmann::json;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string shortened(const std::string& text) {
  constexpr std::size_t kMost = 40;
  if (text.size() <= kMost) return text;
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not inside a character
  return text.substr(0, end) + "…";
}

std::string describe(const MessagePlace& place) {
  return place.pointers.empty() ? place.source : place.source + " " + place.pointers.front();
}

/// A decimal number as a device may write it, and nothing else: no "inf", no "1,5", no "12 W".
std::optional<double> number_in(std::string_view text) {
  text = trimmed(text);
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<double> number_of(const json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
  if (value.is_string()) return number_in(value.get_ref<const std::string&>());
  if (value.is_number()) return std::isfinite(value.get<double>()) ? std::optional(value.get<double>()) : std::nullopt;
  if (!value.is_array() || value.empty()) return std::nullopt;
  double sum = 0.0;
  for (const json& item : value) {
    const auto part = item.is_number() ? number_of(item) : std::nullopt;
    if (!part) return std::nullopt;  // one missing phase makes the sum unknown
    sum += *part;
  }
  return sum;
}

/// What stands at a place: null with the reason when nothing does.
struct Found {
  json value;
  std::string note;
  std::string text() const {
    if (value.is_string()) return std::string(trimmed(value.get_ref<const std::string&>()));
    if (value.is_number_float()) return fmt::format("{}", value.get<double>());
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
  }
};

/// Parses each text once.
class Reader {
 public:
  explicit Reader(const Messages& messages) : messages_(messages) {}

  Found at(const MessagePlace& place) {
    const auto heard = messages_.find(place.source);
    if (heard == messages_.end()) return {nullptr, "not heard yet"};
    if (!heard->second.text) return {nullptr, heard->second.trouble};
    if (place.pointers.empty()) {
      const std::string_view text = trimmed(*heard->second.text);
      return text.empty() ? Found{nullptr, "empty"} : Found{json(std::string(text)), ""};
    }
    const json& document = parsed(place.source, *heard->second.text);
    if (document.is_discarded()) return {nullptr, "not JSON: " + shortened(*heard->second.text)};
    for (const std::string& pointer : place.pointers) {
      const json* value = pointed_at(document, pointer);
      if (value != nullptr) return value->is_null() ? Found{nullptr, "null"} : Found{*value, ""};
    }
    return {nullptr, "no " + place.pointers.front() + " in the answer"};
  }

 private:
  static const json* pointed_at(const json& document, const std::string& pointer) {
    try {
      const json::json_pointer where(pointer);
      return document.contains(where) ? &document.at(where) : nullptr;
    } catch (const json::exception&) {  // an index beyond any array
      return nullptr;
    }
  }
  const json& parsed(const std::string& source, const std::string& text) {
    const auto known = documents_.find(source);
    if (known != documents_.end()) return known->second;
    return documents_.emplace(source, json::parse(text, nullptr, false)).first->second;
  }

  const Messages& messages_;
  std::map<std::string, json> documents_;
};

bool holds(const MessageCondition& condition, Reader& reader) {
  const Found found = reader.at(condition.place);
  if (found.value.is_null()) return false;
  const std::string text = lower(found.text());
  const auto equal = [&](const std::string& each) { return lower(each) == text; };
  if (!condition.is.empty() && std::ranges::none_of(condition.is, equal)) return false;
  if (std::ranges::any_of(condition.is_not, equal)) return false;
  if (!condition.at_least) return true;
  const auto number = number_of(found.value);
  return number && *number >= *condition.at_least;
}

/// The value, or why there is none.
struct Summand {
  std::optional<double> value;
  std::string note;
};

Summand summand(const MessageTerm& term, Reader& reader) {
  if (term.fixed) return {term.fixed, ""};
  const Found found = reader.at(term.place);
  if (found.value.is_null()) return {std::nullopt, found.note};
  const std::string text = found.text();
  if (std::ranges::find(term.not_available, text) != term.not_available.end())
    return {std::nullopt, "not available (" + shortened(text) + ")"};
  if (!term.values.empty()) {
    const auto known = term.values.find(lower(text));
    if (known != term.values.end()) return {known->second, ""};
    return {term.other, "unknown word " + shortened(text)};
  }
  const auto number = number_of(found.value);
  if (!number) return {std::nullopt, "not a number: " + shortened(text)};
  const double value = (*number + term.offset) * term.scale;
  if ((term.min && value < *term.min) || (term.max && value > *term.max))
    return {std::nullopt, fmt::format("out of range: {:g}", value)};
  return {value, ""};
}

Decoded evaluate(const MessageAlternative& alternative, Reader& reader) {
  Decoded decoded;
  double sum = 0.0;
  bool any = false, missing = false;
  for (const MessageTerm& term : alternative.terms) {
    if (!term.fixed) decoded.source += (decoded.source.empty() ? "" : " + ") + describe(term.place);
    const Summand part = summand(term, reader);
    if (part.value) {
      any = true;
      sum += *part.value;
    } else {
      decoded.note = part.note;
      missing = missing || !term.optional;
    }
  }
  for (const MessageCondition& condition : alternative.when)
    decoded.source += (decoded.source.empty() ? "" : ", ") + describe(condition.place);
  if (missing || !any) return decoded;
  decoded.note.clear();
  decoded.value = alternative.at_least ? std::max(sum, *alternative.at_least) : sum;
  return decoded;
}

template <class Visit>
void every_place(const MessageOffer& offer, const Visit& visit) {
  for (const MessageAlternative& alternative : offer.alternatives) {
    for (const MessageTerm& term : alternative.terms)
      if (!term.fixed) visit(term.place);
    for (const MessageCondition& condition : alternative.when) visit(condition.place);
  }
}

void add_sources(const MessageOffer& offer, std::vector<std::string>& all) {
  every_place(offer, [&](const MessagePlace& place) {
    if (std::ranges::find(all, place.source) == all.end()) all.push_back(place.source);
  });
}

std::string replaced(std::string text, const std::map<std::string, std::string>& words) {
  for (const auto& [name, word] : words) {
    const std::string mark = "{" + name + "}";
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + word.size()))
      text.replace(at, mark.size(), word);
  }
  return text;
}

/// Wildcards would subscribe to more than is meant; blanks and control characters break a request.
bool harmless(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '+' && c != '#' && c != '{' && c != '}' && c != '\x7f';
  });
}

}  // namespace

Result<MessageFormat> with_options(const MessageFormat& format, const std::map<std::string, std::string>& options) {
  std::map<std::string, std::string> words;
  for (const auto& [name, fallback] : format.options) {
    const auto given = options.find(name);
    if (given == options.end() && !fallback) return fail(ErrorKind::invalid, "option {} is missing", name);
    words[name] = given == options.end() ? *fallback : given->second;
    if (!harmless(words[name]))
      return fail(ErrorKind::invalid, "option {}: \"{}\" is not possible: no blanks, no '+', '#', '{{' or '}}'", name,
                  words[name]);
  }
  for (const auto& [name, word] : options)
    if (!words.contains(name)) return fail(ErrorKind::invalid, "there is no option {}", name);
  MessageFormat filled = format;
  filled.alive = replaced(filled.alive, words);
  const auto fill = [&](MessagePlace& place) {
    place.source = replaced(place.source, words);
    for (std::string& pointer : place.pointers) pointer = replaced(pointer, words);
  };
  for (MessageOffer& offer : filled.offers) {
    for (MessageAlternative& alternative : offer.alternatives) {
      for (MessageTerm& term : alternative.terms) fill(term.place);
      for (MessageCondition& condition : alternative.when) fill(condition.place);
    }
  }
  if (filled.hold) {
    for (MessageCommand* command : {&filled.hold->hold, &filled.hold->release})
      command->source = replaced(command->source, words);
  }
  if (filled.power) {
    for (MessageCommand* command : {&filled.power->on, &filled.power->off})
      command->source = replaced(command->source, words);
  }
  return filled;
}

std::vector<std::string> sources(const MessageFormat& format) {
  std::vector<std::string> all;
  for (const MessageOffer& offer : format.offers) add_sources(offer, all);
  return all;
}

std::vector<std::string> sources(const MessageFormat& format, Measurement what) {
  std::vector<std::string> all;
  for (const MessageOffer& offer : format.offers)
    if (offer.what == what) add_sources(offer, all);
  return all;
}

std::vector<Decoded> decode(const MessageFormat& format, const Messages& messages) {
  Reader reader(messages);
  std::vector<Decoded> all;
  for (const MessageOffer& offer : format.offers) {
    Decoded decoded;
    decoded.note = "no condition holds";
    for (const MessageAlternative& alternative : offer.alternatives) {
      const auto true_now = [&](const MessageCondition& condition) { return holds(condition, reader); };
      if (!std::ranges::all_of(alternative.when, true_now)) continue;
      decoded = evaluate(alternative, reader);
      break;
    }
    decoded.what = offer.what;
    all.push_back(std::move(decoded));
  }
  return all;
}

}  // namespace sluice::devices
