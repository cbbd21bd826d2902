#include "io/http_login.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <map>

namespace sluice::io {
namespace {

using Hash = DigestChallenge::Hash;

std::string hex_digest(Hash hash, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const EVP_MD* method = hash == Hash::sha256 ? EVP_sha256() : EVP_md5();
  if (EVP_Digest(text.data(), text.size(), digest.data(), &length, method, nullptr) != 1) return {};
  std::string digits;
  for (unsigned i = 0; i < length; ++i) digits += fmt::format("{:02x}", digest[i]);
  return digits;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

/// `key=value` and `key="value"`, with commas between; a quoted value may hold commas and escaped quotes.
std::map<std::string, std::string> parameters(std::string_view text) {
  std::map<std::string, std::string> out;
  std::size_t at = 0;
  const auto skip = [&](std::string_view those) { at = std::min(text.find_first_not_of(those, at), text.size()); };
  while (skip(" \t,"), at < text.size()) {
    const std::size_t equals = text.find('=', at);
    if (equals == std::string_view::npos) break;
    std::string_view key = text.substr(at, equals - at);
    key = key.substr(0, key.find_last_not_of(" \t") + 1);
    at = equals + 1;
    skip(" \t");
    std::string value;
    if (at < text.size() && text[at] == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\' && at + 1 < text.size()) ++at;
        value += text[at];
      }
      ++at;
    } else {
      const std::size_t end = std::min(text.find_first_of(" \t,", at), text.size());
      value = text.substr(at, end - at);
      at = end;
    }
    out.emplace(lower(key), std::move(value));
  }
  return out;
}

bool lists(const std::string& values, std::string_view wanted) {
  for (std::size_t at = 0; at < values.size();) {
    const std::size_t end = std::min(values.find_first_of(", \t", at), values.size());
    if (lower(std::string_view(values).substr(at, end - at)) == wanted) return true;
    at = end + 1;
  }
  return false;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::string basic_authorization(const std::string& username, const std::string& password) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string plain = username + ":" + password;
  std::string text = "Basic ";
  for (std::size_t at = 0; at < plain.size(); at += 3) {
    const std::string_view three = std::string_view(plain).substr(at, 3);
    unsigned bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (i < three.size() ? static_cast<unsigned char>(three[i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) text += i <= three.size() ? kDigits[bits >> (18 - 6 * i) & 63U] : '=';
  }
  return text;
}

std::optional<DigestChallenge> digest_challenge(std::string_view header) {
  constexpr std::string_view kScheme = "digest ";
  header.remove_prefix(std::min(header.find_first_not_of(" \t"), header.size()));
  if (lower(header.substr(0, kScheme.size())) != kScheme) return std::nullopt;
  std::map<std::string, std::string> said = parameters(header.substr(kScheme.size()));
  DigestChallenge challenge{said["realm"], said["nonce"], said["opaque"], said["algorithm"]};
  std::string algorithm = lower(challenge.algorithm);
  if (algorithm.ends_with("-sess")) {
    challenge.session = true;
    algorithm.resize(algorithm.size() - 5);
  }
  if (algorithm == "sha-256") {
    challenge.hash = Hash::sha256;
  } else if (!algorithm.empty() && algorithm != "md5") {
    return std::nullopt;
  }
  challenge.qop = lists(said["qop"], "auth");
  if (challenge.nonce.empty() || (!challenge.qop && !said["qop"].empty())) return std::nullopt;
  return challenge;
}

std::string digest_authorization(const DigestChallenge& challenge, const std::string& username,
                                 const std::string& password, const std::string& method, const std::string& uri,
                                 std::uint32_t count, const std::string& cnonce) {
  const auto hash = [&](const std::string& text) { return hex_digest(challenge.hash, text); };
  std::string who = hash(username + ":" + challenge.realm + ":" + password);
  if (challenge.session) who = hash(who + ":" + challenge.nonce + ":" + cnonce);
  const std::string what = hash(method + ":" + uri);
  const std::string uses = fmt::format("{:08x}", count);
  const std::string middle = challenge.qop ? challenge.nonce + ":" + uses + ":" + cnonce + ":auth" : challenge.nonce;
  std::string text =
      fmt::format("Digest username={}, realm={}, nonce={}, uri={}, response=\"{}\"", quoted(username),
                  quoted(challenge.realm), quoted(challenge.nonce), quoted(uri), hash(who + ":" + middle + ":" + what));
  if (!challenge.algorithm.empty()) text += ", algorithm=" + challenge.algorithm;
  if (!challenge.opaque.empty()) text += ", opaque=" + quoted(challenge.opaque);
  if (challenge.qop) text += ", qop=auth, nc=" + uses;
  if (challenge.qop || challenge.session) text += ", cnonce=" + quoted(cnonce);
  return text;
}

std::string HttpLogin::header(const std::string& method, const std::string& uri) {
  if (username_.empty()) return {};
  if (!challenge_) return basic_ ? basic_authorization(username_, password_) : std::string();
  ++count_;
  // Nobody can foretell it who does not know the password: all that the scheme asks of it.
  const std::string cnonce =
      hex_digest(Hash::sha256, fmt::format("{}:{}:{}", password_, challenge_->nonce, count_)).substr(0, 16);
  return digest_authorization(*challenge_, username_, password_, method, uri, count_, cnonce);
}

bool HttpLogin::challenged(const std::vector<std::string>& challenges) {
  challenge_.reset();
  count_ = 0;
  for (const std::string& header : challenges) {
    const std::optional<DigestChallenge> found = digest_challenge(header);
    if (found && (!challenge_ || found->hash > challenge_->hash)) challenge_ = found;
  }
  return challenge_ && !username_.empty();
}

}  // namespace sluice::io
