#pragma once
/// What the tests of feeds share: the shipped definitions, zones of a few rules, times in short.

#include <gtest/gtest.h>

#include "feeds/reply.hpp"
#include "feeds/series.hpp"

namespace sluice::feeds {

using namespace std::chrono_literals;

inline const Library& library() {
  static const Library loaded = Library::load({SLUICE_SOURCE_DIR "/config/prices"});
  return loaded;
}

inline Definition feed(const std::string& id, const std::map<std::string, std::string>& options = {}) {
  const Definition* found = library().find(id);
  EXPECT_NE(found, nullptr) << id;
  if (found == nullptr) return {};
  auto filled = with_options(*found, options);
  EXPECT_TRUE(filled) << (filled ? "" : filled.error().text);
  return filled.value_or(Definition{});
}

inline Zone utc() { return fixed_zone(0s); }

inline WallTime at(std::string_view iso) {
  const auto time = parse_iso(iso, utc());
  EXPECT_TRUE(time) << iso;
  return time.value_or(WallTime{});
}

/// Central Europe in 2026: summer time from 29 March 01:00 UTC to 25 October 01:00 UTC.
inline Zone berlin() {
  return [](WallTime time) -> std::chrono::seconds {
    const bool summer = time >= at("2026-03-29T01:00:00Z") && time < at("2026-10-25T01:00:00Z");
    return summer ? 2h : 1h;
  };
}

/// What one answer of one page says, in order.
inline Result<Batch> understood(const Definition& definition, std::string_view body, int status = 200,
                                WallTime now = at("2026-01-10T12:00:00Z"), const Zone& zone = utc()) {
  Rows rows;
  if (auto read = read_reply(definition, {status, body}, now, zone, rows); !read) return tl::unexpected(read.error());
  return assemble(definition, std::move(rows), now);
}

inline std::string trouble(const Result<Batch>& result) { return result ? "no error" : result.error().text; }

}  // namespace sluice::feeds
