// Values out of texts: what devices answer on their bad days, and what the parser says about a template.

#include "devices/message.hpp"

#include <gtest/gtest.h>

#include "devices/layout.hpp"
#include "devices/template.hpp"

namespace sluice::devices {
namespace {

constexpr const char* kHead = "id: x\ntitle: x\nchecked: 2026-11-27\nroles: [grid]\n";

MessageFormat format_of(const std::string& rest, const std::map<std::string, std::string>& options = {}) {
  const auto parsed = load_template(kHead + rest, "x.yaml");
  EXPECT_TRUE(parsed) << parsed.error().text;
  if (!parsed) return {};
  const auto filled = with_options(*parsed->messages, options);
  EXPECT_TRUE(filled) << filled.error().text;
  return filled.value_or(MessageFormat{});
}

Decoded only(const MessageFormat& format, const Messages& messages) {
  const auto all = decode(format, messages);
  EXPECT_EQ(all.size(), 1U);
  return all.front();
}

Decoded grid(const std::string& value_keys, const std::string& answer) {
  const auto format = format_of("http: {path: /a}\nmeasurements:\n  grid_w: {" + value_keys + "}\n");
  return only(format, {{"/a", {answer, ""}}});
}

TEST(Message, NumbersAsDevicesWriteThem) {
  for (const char* answer : {R"({"p":-12.5})", R"({"p":"-12.5"})", R"({"p":" -12.5 "})", R"({"p":-1.25e1})",
                             R"({"p":[-10,-2.5]})", "{\n\"p\" : -12.50\n}"}) {
    const Decoded decoded = grid("json: /p", answer);
    ASSERT_TRUE(decoded.value) << answer << ": " << decoded.note;
    EXPECT_EQ(*decoded.value, -12.5) << answer;
  }
}

TEST(Message, WhatIsNoNumberIsAbsentAndSaysWhy) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"p":null})", "null"},
      {R"({})", "no /p in the answer"},
      {R"({"p":"12 W"})", "not a number: 12 W"},
      {R"({"p":"1,5"})", "not a number: 1,5"},
      {R"({"p":""})", "not a number: "},
      {R"({"p":"nan"})", "not a number: nan"},
      {R"({"p":"inf"})", "not a number: inf"},
      {R"({"p":{}})", "not a number: {}"},
      {R"({"p":[]})", "not a number: []"},
      {R"({"p":[1,null]})", "not a number: [1,null]"},
      {R"([1])", "no /p in the answer"},
      {R"(12)", "no /p in the answer"},
      {"", "not JSON: "},
      {"<html>", "not JSON: <html>"},
      {"{\"p\":1", "not JSON: {\"p\":1"},
      {"{\"p\":NaN}", "not JSON: {\"p\":NaN}"},
      {"\xff\xfe", "not JSON: \xff\xfe"},
  };
  for (const auto& [answer, note] : cases) {
    const Decoded decoded = grid("json: /p", answer);
    EXPECT_FALSE(decoded.value) << answer;
    EXPECT_EQ(decoded.note, note) << answer;
  }
}

TEST(Message, AHugeNumberAndADeepAnswerDoNoHarm) {
  EXPECT_FALSE(grid("json: /p", R"({"p":1e999})").value);
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_FALSE(grid("json: /p", deep).value);
}

TEST(Message, ScaleOffsetRangeAndSign) {
  EXPECT_EQ(grid("json: /p, scale: -1000, offset: 1", R"({"p":2})").value, -3000.0);
  EXPECT_EQ(grid("json: /p, min: -5, max: 5", R"({"p":6})").note, "out of range: 6");
  EXPECT_EQ(grid("json: /p, not_available: [-1, none]", R"({"p":-1})").note, "not available (-1)");
  EXPECT_EQ(grid("json: /p, at_least: 0", R"({"p":-3})").value, 0.0);
}

TEST(Message, TheFirstPointerThatIsThereCounts) {
  EXPECT_EQ(grid("json: [/new/p, /old/p]", R"({"old":{"p":1}})").value, 1.0);
  EXPECT_EQ(grid("json: [/new/p, /old/p]", R"({"old":{"p":1},"new":{"p":2}})").value, 2.0);
  EXPECT_FALSE(grid("json: [/new/p, /old/p]", R"({"old":{"p":1},"new":{"p":null}})").value);
}

TEST(Message, ASumNeedsAllItsPartsUnlessOneIsOptional) {
  EXPECT_EQ(grid("sum: [{json: /in}, {json: /out, scale: -1}]", R"({"in":0.5,"out":2})").value, -1.5);
  EXPECT_FALSE(grid("sum: [{json: /in}, {json: /out}]", R"({"in":1})").value);
  EXPECT_EQ(grid("sum: [{json: /in}, {json: /out, optional: true}]", R"({"in":1})").value, 1.0);
  EXPECT_FALSE(grid("sum: [{json: /in, optional: true}, {json: /out, optional: true}]", "{}").value);
}

TEST(Message, AnUnknownWordIsUnknownAndWordsHaveNoCase) {
  EXPECT_EQ(grid("json: /p, values: {ON: 1, off: 0}", R"({"p":"on"})").value, 1.0);
  EXPECT_EQ(grid("json: /p, values: {'true': 1}", R"({"p":true})").value, 1.0);
  EXPECT_FALSE(grid("json: /p, values: {ON: 1, off: 0}", R"({"p":"maybe"})").value);
  EXPECT_EQ(grid("json: /p, values: {ON: 1}, other: 0", R"({"p":"maybe"})").value, 0.0);
}

TEST(Message, AConditionOnWhatIsMissingDoesNotHold) {
  const char* keys =
      "first_of: [{value: 1, when: {json: /on, is_not: [no]}}, {value: 2, when: {json: /n, at_least: 5}}]";
  EXPECT_FALSE(grid(keys, "{}").value);
  EXPECT_EQ(grid(keys, R"({"on":"yes"})").value, 1.0);
  EXPECT_EQ(grid(keys, R"({"on":"No","n":5})").value, 2.0);
  EXPECT_FALSE(grid(keys, R"({"on":null,"n":"4.9"})").value);
}

TEST(Message, APlainTopicIsItsWholeText) {
  const auto format = format_of("mqtt: {max_age_s: 5}\nmeasurements:\n  grid_w: {topic: a/b}\n");
  EXPECT_EQ(only(format, {{"a/b", {" 17.5\n", ""}}}).value, 17.5);
  EXPECT_FALSE(only(format, {{"a/b", {"", ""}}}).value);
  EXPECT_EQ(only(format, {{"a/b", {std::nullopt, "silent for 75 s"}}}).note, "silent for 75 s");
  EXPECT_EQ(only(format, {}).note, "not heard yet");
}

TEST(Message, OptionsFillPathsTopicsAndPointers) {
  const std::string text =
      "mqtt: {max_age_s: 5, alive: '{root}/alive'}\noptions: {root: , n: 1}\n"
      "measurements:\n  grid_w: {topic: '{root}/x', json: '/list/{n}/p'}\n";
  const auto format = format_of(text, {{"root", "house"}});
  EXPECT_EQ(sources(format), std::vector<std::string>{"house/x"});
  EXPECT_EQ(format.alive, "house/alive");
  EXPECT_EQ(only(format, {{"house/x", {R"({"list":[{"p":1},{"p":2}]})", ""}}}).value, 2.0);

  const auto raw = *load_template(kHead + text, "x.yaml")->messages;
  EXPECT_EQ(with_options(raw, {}).error().text, "option root is missing");
  EXPECT_EQ(with_options(raw, {{"root", "a"}, {"m", "b"}}).error().text, "there is no option m");
  for (const char* bad : {"", "a b", "a/#", "+/x", "a\r\nb", "{n}"})
    EXPECT_FALSE(with_options(raw, {{"root", bad}})) << bad;
  // An index beyond any number is no entry, not the end.
  EXPECT_FALSE(only(format_of(text, {{"root", "house"}, {"n", "99999999999999999999999"}}),
                    {{"house/x", {R"({"list":[{"p":1}]})", ""}}})
                   .value);
}

TEST(Message, EveryMistakeInATemplateIsReportedWithItsPlace) {
  const auto parsed = parse_template(std::string(kHead) +
                                         "http: {path: status, intervall: 3, login: token}\n"
                                         "options: {unused: 1}\n"
                                         "measurements:\n"
                                         "  grid_w: {json: p, scale: 0}\n"
                                         "  pv_w: {value: 1, json: /p}\n"
                                         "  soc_pct: {json: '/{nobody}/p', holding: 4}\n"
                                         "  battery_w: {json: /p, min: 5, max: 5}\n"
                                         "  gird_w: {json: /p}\n",
                                     "x.yaml");
  EXPECT_FALSE(parsed.value);
  std::string all;
  for (const Diagnostic& diagnostic : parsed.diagnostics) all += to_string(diagnostic) + "\n";
  EXPECT_EQ(all,
            "x.yaml:5:14: http.path: a path begins with a slash\n"
            "x.yaml:5:22: http.intervall: unknown key; known here: path, poll_interval_ms, login\n"
            "x.yaml:5:43: http.login: there are basic and digest\n"
            "x.yaml:6:10: options.unused: no path, topic or pointer uses it\n"
            "x.yaml:8:18: measurements.grid_w.json: expected a JSON pointer such as /meters/0/power, found `p`\n"
            "x.yaml:8:28: measurements.grid_w.scale: a scale of 0 makes every value 0\n"
            "x.yaml:9:26: measurements.pv_w.json: a fixed `value` stands nowhere\n"
            "x.yaml:10:19: measurements.soc_pct.json: `nobody` is no option; add it under `options`\n"
            "x.yaml:10:34: measurements.soc_pct.holding: unknown key; known here: when, at_least, value, json, path, "
            "offset, scale, min, max, not_available, values, other, optional\n"
            "x.yaml:11:14: measurements.battery_w: `min` must be below `max`\n"
            "x.yaml:12:3: measurements.gird_w: no such measurement; docs/glossary.md lists them\n");
}

TEST(Message, ATopicHasNoWildcardsAndAnAge) {
  const auto parsed = parse_template(
      std::string(kHead) + "mqtt: {}\nmeasurements:\n  grid_w: {topic: 'a/+/b'}\n  pv_w: {json: /p}\n", "x.yaml");
  ASSERT_EQ(parsed.diagnostics.size(), 3U);
  EXPECT_EQ(to_string(parsed.diagnostics[0]), "x.yaml:5:7: mqtt: `max_age_s` is missing");
  EXPECT_EQ(parsed.diagnostics[1].text, "a topic without wildcards: one value comes from one topic");
  EXPECT_EQ(parsed.diagnostics[2].text, "`topic` is missing, here or at the top of the file");
}

}  // namespace
}  // namespace sluice::devices
