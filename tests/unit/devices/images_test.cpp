// Beside every template lies <id>.test.yaml: registers or texts as a device would show them, composed from the vendor's
// facts and not by our encoder, with the values that must come out. This test runs all of them.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "devices/layout.hpp"
#include "devices/library.hpp"
#include "yaml/tree.hpp"

namespace sluice::devices {
namespace {

constexpr const char* kDirectory = SLUICE_SOURCE_DIR "/config/devices";

std::string read_file(const std::string& path) {
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

unsigned to_word(std::string_view text) {
  const bool hex = text.starts_with("0x");
  unsigned value = 0;
  std::from_chars(text.data() + (hex ? 2 : 0), text.data() + text.size(), value, hex ? 16 : 10);
  return value;
}

/// `0x8000`, `17`, or `0x8000*12` for a run.
void add_words(const yaml::Node& list, unsigned address, std::map<std::uint16_t, std::uint16_t>& table) {
  for (const yaml::Node& item : list.items) {
    const auto star = item.text.find('*');
    const unsigned count = star == std::string::npos ? 1 : to_word(std::string_view(item.text).substr(star + 1));
    for (unsigned index = 0; index < count; ++index)
      table[static_cast<std::uint16_t>(address++)] = static_cast<std::uint16_t>(to_word(item.text.substr(0, star)));
  }
}

RegisterImage image_of(const yaml::Node& scene, std::uint8_t unit) {
  RegisterImage image;
  for (const auto& [name, table] : {std::pair("holding", Table::holding), std::pair("input", Table::input)}) {
    const yaml::Node* blocks = scene.find(name);
    if (!blocks) continue;
    for (const auto& [address, words] : blocks->entries) add_words(words, to_word(address.text), image[unit][table]);
  }
  return image;
}

bool holds(const RegisterImage& image, std::uint8_t unit, Table table, unsigned address, unsigned count,
           std::vector<std::uint16_t>& registers) {
  registers.clear();
  if (!image.contains(unit) || !image.at(unit).contains(table)) return false;
  const auto& words = image.at(unit).at(table);
  for (unsigned index = 0; index < count; ++index) {
    const auto word = words.find(static_cast<std::uint16_t>(address + index));
    if (word == words.end()) return false;
    registers.push_back(word->second);
  }
  return true;
}

Chain walk(const Template& device_template, std::uint8_t unit, const RegisterImage& image) {
  if (device_template.sunspec_bases.empty()) return {};
  ChainWalk walk(device_template.sunspec_bases);
  std::vector<std::uint16_t> registers;
  while (const auto next = walk.next())
    holds(image, unit, Table::holding, next->address, next->count, registers) ? walk.answer(registers) : walk.refuse();
  auto chain = walk.result();
  EXPECT_TRUE(chain) << chain.error().text;
  return chain.value_or(Chain{});
}

/// What a scene's device answers, and the words of its owner.
std::vector<Decoded> decode_answers(const MessageFormat& format, const yaml::Node& scene) {
  std::map<std::string, std::string> options;
  if (const yaml::Node* given = scene.find("options"))
    for (const auto& [name, word] : given->entries) options[name.text] = word.text;
  const auto filled = with_options(format, options);
  EXPECT_TRUE(filled) << filled.error().text;
  if (!filled) return {};
  Messages heard;
  if (const yaml::Node* answers = scene.find("answers"))
    for (const auto& [source, text] : answers->entries) heard[source.text] = {text.text, ""};
  const auto known = sources(*filled);
  for (const auto& [source, text] : heard)
    EXPECT_NE(std::ranges::find(known, source), known.end()) << source << " is never asked for";
  return decode(*filled, heard);
}

std::vector<Decoded> decode_image(const Template& device_template, const yaml::Node& scene) {
  const std::uint8_t unit = device_template.unit;
  const RegisterImage image = image_of(scene, unit);
  return decode(resolve(device_template, walk(device_template, unit, image), unit), image);
}

void run_scene(const Template& device_template, const yaml::Node& scene) {
  std::map<std::string, Decoded> seen;
  for (Decoded& decoded : device_template.messages ? decode_answers(*device_template.messages, scene)
                                                   : decode_image(device_template, scene))
    seen[std::string(to_string(decoded.what))] = std::move(decoded);
  const yaml::Node* expected = scene.find("expect");
  ASSERT_TRUE(expected && !expected->entries.empty()) << "a scene must expect something";
  for (const auto& [what, value] : expected->entries) {
    const auto found = seen.find(what.text);
    ASSERT_NE(found, seen.end()) << what.text << " is not offered";
    const Decoded& decoded = found->second;
    if (value.text == "absent") {
      EXPECT_FALSE(decoded.value) << what.text << " = " << *decoded.value << " from " << decoded.source;
      continue;
    }
    ASSERT_TRUE(decoded.value) << what.text << ": " << decoded.note;
    EXPECT_NEAR(*decoded.value, std::stod(value.text), 0.005) << what.text << " from " << decoded.source;
  }
}

TEST(Images, EveryTemplateHasThreeScenesThatComeOutRight) {
  const auto library = Library::load({kDirectory});
  ASSERT_TRUE(library) << library.error().text;
  EXPECT_GE(library->ids().size(), 12U);
  for (const std::string& id : library->ids()) {
    const std::string path = fmt::format("{}/{}.test.yaml", kDirectory, id);
    std::vector<yaml::Mistake> mistakes;
    const yaml::Node root = yaml::parse(read_file(path), mistakes);
    ASSERT_TRUE(mistakes.empty()) << path << ":" << mistakes.front().line << ": " << mistakes.front().text;
    EXPECT_GE(root.items.size(), 3U) << path << ": at least normal, not available, and the other direction";
    for (const yaml::Node& scene : root.items) {
      SCOPED_TRACE(path + ": " + (scene.find("scene") ? scene.find("scene")->text : "without a name"));
      run_scene(*library->find(id), scene);
    }
  }
}

}  // namespace
}  // namespace sluice::devices
