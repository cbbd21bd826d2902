#include "feeds/definition.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "feeds/marks.hpp"

namespace sluice::feeds {
namespace {

namespace fs = std::filesystem;

/// Blanks, control characters and what separates the parts of a URL or a topic could make it mean something else.
bool harmless(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '\x7f' &&
           std::string_view("+#{}?&%\"\\").find(c) == std::string_view::npos;
  });
}

std::vector<fs::path> yaml_files(const std::string& directory) {
  std::vector<fs::path> files;
  std::error_code trouble;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, trouble))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

class Filler {
 public:
  explicit Filler(const std::map<std::string, std::string>& words) : words_(words) {}

  void operator()(std::string& text) const {
    text = replace_marks(text, [&](const Mark& mark) -> std::optional<std::string> {
      const auto found = words_.find(std::string(mark.name));
      return found == words_.end() ? std::nullopt : std::optional(found->second);
    });
  }
  void operator()(std::vector<std::string>& texts) const {
    for (std::string& text : texts) (*this)(text);
  }
  void operator()(std::vector<Match>& matches) const {
    for (Match& match : matches) {
      (*this)(match.pointer);
      (*this)(match.is);
    }
  }

 private:
  const std::map<std::string, std::string>& words_;
};

}  // namespace

const SeriesForm* Definition::series_for(Use use) const {
  const bool signal = use == Use::colour || use == Use::event;
  for (const Use wanted : {use, signal ? use : Use::energy}) {
    const auto found = std::ranges::find(series, wanted, &SeriesForm::use);
    if (found != series.end()) return &*found;
  }
  return nullptr;
}

Result<Definition> with_options(const Definition& definition, const std::map<std::string, std::string>& options) {
  std::map<std::string, std::string> words;
  std::string wrong;
  const auto complain = [&](const std::string& text) { wrong += (wrong.empty() ? "" : "; ") + text; };
  for (const auto& [name, fallback] : definition.options) {
    const auto given = options.find(name);
    if (given == options.end() && !fallback) {
      complain(fmt::format("option {} is missing", name));
      continue;
    }
    words[name] = given == options.end() ? *fallback : given->second;
    // A URL of the owner's own may be anything that a URL may be.
    if (given != options.end() && name != "url" && !harmless(words[name]))
      complain(fmt::format("option {}: \"{}\" is not possible here", name, words[name]));
  }
  for (const auto& [name, word] : options)
    if (!definition.options.contains(name)) complain(fmt::format("there is no option {}", name));
  if (!wrong.empty()) return fail(ErrorKind::invalid, "feed {}: {}", definition.id, wrong);
  Definition filled = definition;
  const Filler fill(words);
  for (std::string* text : {&filled.zone, &filled.url, &filled.body, &filled.topic, &filled.next, &filled.errors,
                            &filled.sequence, &filled.currency})
    fill(*text);
  for (auto& [name, value] : filled.headers) fill(value);
  fill(filled.expect);
  fill(filled.final);
  if (filled.carrier == Carrier::http && !filled.url.starts_with("https://") && !filled.url.starts_with("http://"))
    return fail(ErrorKind::invalid, "feed {}: \"{}\" is no URL; it begins with https:// or http://", definition.id,
                filled.url);
  for (SeriesForm& form : filled.series) {
    for (std::string* text : {&form.start, &form.end}) fill(*text);
    for (std::vector<std::string>* texts : {&form.rows, &form.value, &form.forecast_value, &form.current}) fill(*texts);
    for (std::vector<Match>* matches : {&form.where, &form.expect, &form.forecast, &form.event, &form.demand_window})
      fill(*matches);
  }
  return filled;
}

Library Library::load(const std::vector<std::string>& directories) {
  Library library;
  std::vector<std::string>& mistakes = library.mistakes_;
  for (const std::string& directory : directories) {
    for (const fs::path& path : yaml_files(directory)) {
      std::ifstream stream(path);
      std::stringstream text;
      if (!stream || !(text << stream.rdbuf())) {
        mistakes.push_back(path.string() + ": cannot be read");
        continue;
      }
      DefinitionOrErrors parsed = parse_definition(text.str(), path.string());
      if (parsed.value && path.stem() != parsed.value->id)
        parsed.errors.push_back(
            fmt::format("{}: the id `{}` must be the file's name", path.string(), parsed.value->id));
      mistakes.insert(mistakes.end(), parsed.errors.begin(), parsed.errors.end());
      if (parsed.errors.empty()) library.definitions_.insert_or_assign(parsed.value->id, std::move(*parsed.value));
    }
  }
  return library;
}

const Definition* Library::find(std::string_view id) const {
  const auto found = definitions_.find(id);
  return found == definitions_.end() ? nullptr : &found->second;
}

std::vector<std::string> Library::ids() const {
  std::vector<std::string> all;
  for (const auto& [id, definition] : definitions_) all.push_back(id);
  return all;
}

}  // namespace sluice::feeds
