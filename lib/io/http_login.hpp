#pragma once
/// How we tell a device over HTTP who we are: by the basic scheme (RFC 7617) at once, or by digest (RFC 7616) as soon
/// as it asks for that. Used by one thread at a time.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::io {

/// `Authorization` of the basic scheme.
std::string basic_authorization(const std::string& username, const std::string& password);

struct DigestChallenge {
  enum class Hash : std::uint8_t { md5, sha256 };
  std::string realm, nonce, opaque;
  std::string algorithm;  ///< as the server wrote it; empty where it did not
  Hash hash = Hash::md5;
  bool session = false;  ///< one of the algorithms that end in -sess
  bool qop = false;      ///< `qop` is offered, and `auth` is among it
};

/// Of one value of `WWW-Authenticate`; nothing where it does not ask for a digest that we can compute.
std::optional<DigestChallenge> digest_challenge(std::string_view header);

/// `Authorization` that answers `challenge`; `count` says how often its nonce was used, this time included.
std::string digest_authorization(const DigestChallenge& challenge, const std::string& username,
                                 const std::string& password, const std::string& method, const std::string& uri,
                                 std::uint32_t count, const std::string& cnonce);

class HttpLogin {
 public:
  HttpLogin() = default;
  /// `digest`: it will ask for that, so the password is never sent in the clear.
  HttpLogin(std::string username, std::string password, bool digest = false)
      : username_(std::move(username)), password_(std::move(password)), basic_(!digest) {}

  /// Value of the header for one request; empty: none.
  std::string header(const std::string& method, const std::string& uri);
  /// It answered 401 with these values of `WWW-Authenticate`. True: the same request may do better now.
  bool challenged(const std::vector<std::string>& challenges);

 private:
  std::string username_, password_;
  bool basic_ = true;
  std::optional<DigestChallenge> challenge_;
  std::uint32_t count_ = 0;
};

}  // namespace sluice::io
