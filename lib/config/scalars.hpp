#pragma once
/// Scalars of the configuration, read strictly: a number is a plain decimal number, true and false are the only
/// booleans. YAML's own readings (`010` is 8, `on` is true, `0x1F` is 31) surprise people, and here they would set
/// watts.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// `-?` digits, optionally `.` digits; no leading zeros, at most 15 digits.
std::optional<double> parse_number(std::string_view text);
/// As `parse_number`, without a fraction.
std::optional<double> parse_integer(std::string_view text);
/// `true` or `false`.
std::optional<bool> parse_boolean(std::string_view text);

/// What the writer of a refused number probably meant, in plain form: `10` for `010`, `31` for `0x1F`, `0.5` for `.5`.
std::optional<std::string> plain_number(std::string_view text);
/// `true` for `yes`, `on`, `True`, …
std::optional<std::string> plain_boolean(std::string_view text);

/// 1–64 letters (of any script), digits, spaces, `-`, `_` and `.`, no space at the ends. Names appear in logs and
/// topics.
bool valid_name(std::string_view text);
/// A host name of RFC 1123 or an IPv4 or IPv6 address; no scheme, no port.
bool valid_host(std::string_view text);
/// Six bytes in hex, separated by `:` or `-`.
bool valid_mac(std::string_view text);
/// `aa:bb:cc:00:11:22` for any valid form.
std::string plain_mac(std::string_view text);

/// The one of `names` that is closest to `text`, if it is close enough to be a slip of the pen.
std::optional<std::string> nearest(std::string_view text, const std::vector<std::string>& names);

/// The parts of `http://HOST[:PORT][/BASE]`; a final slash of the base is dropped. Nothing for any other URL: no other
/// scheme, no login, no query.
struct HttpUrl {
  std::string host;
  std::uint16_t port = 80;
  std::string base;
};
std::optional<HttpUrl> parse_http_url(std::string_view url);

}  // namespace sluice::config
