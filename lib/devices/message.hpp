#pragma once
/// Devices that answer HTTP or publish over MQTT: where in which text a measurement stands, and how it is read. Pure.
/// docs/guide/write-a-device-template.md explains the file.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/measurement.hpp"

namespace sluice::devices {

struct Decoded;

/// Where a value stands in what was received.
struct MessagePlace {
  std::string source;                 ///< the path that is asked for, or the topic
  std::vector<std::string> pointers;  ///< JSON pointers (RFC 6901): the first that is there; none = the whole text
};

/// Holds when the value is there and satisfies every restriction that is given. Texts are compared without regard to
/// case; a number or a boolean is compared as JSON writes it.
struct MessageCondition {
  MessagePlace place;
  std::vector<std::string> is;      ///< one of these
  std::vector<std::string> is_not;  ///< none of these
  std::optional<double> at_least;
};

/// One summand. Numbers may stand as text; `true` and `false` are 1 and 0; an array counts as the sum of its numbers.
struct MessageTerm {
  std::optional<double> fixed;  ///< instead of a place
  MessagePlace place;
  double offset = 0.0, scale = 1.0;        ///< value = (raw + offset) · scale
  std::optional<double> min, max;          ///< of the value; outside is "no value"
  std::vector<std::string> not_available;  ///< texts that mean "no value"; null always does
  std::map<std::string, double> values;    ///< lower case; the value is looked up by the text
  std::optional<double> other;             ///< … and is this for a text that is not listed
  bool optional = false;                   ///< absent counts as nothing, as long as another summand is there
};

/// It applies when every `when` holds.
struct MessageAlternative {
  std::vector<MessageTerm> terms;
  std::vector<MessageCondition> when;
  std::optional<double> at_least;  ///< smaller sums become this
};

struct MessageOffer {
  Measurement what{};
  std::vector<MessageAlternative> alternatives;  ///< the first that applies counts
};

enum class Carrier : std::uint8_t { http, mqtt };

/// What is sent to be obeyed: a request without a body, or a published text.
struct MessageCommand {
  std::string method;   ///< HTTP
  std::string source;   ///< path or topic
  std::string payload;  ///< MQTT
};

/// How the battery behind the device is told not to discharge, and that it may again.
struct MessageHold {
  MessageCommand hold, release;
  Duration repeat{};  ///< the device forgets, so it is told again after this; 0 = it remembers
};

/// How the switch that the device is, is told.
struct MessagePower {
  MessageCommand on, off;
};

struct MessageFormat {
  Carrier carrier = Carrier::http;
  Duration max_age{std::chrono::seconds(60)};  ///< MQTT: an older message is no value
  std::string alive;                           ///< MQTT: topic by which the source shows that its values still hold
  /// Words that the owner fills in: `{name}` in a path, topic or pointer. Without a default the owner has to.
  std::map<std::string, std::optional<std::string>> options;
  std::vector<MessageOffer> offers;
  std::optional<MessageHold> hold;
  std::optional<MessagePower> power;
};

/// What was received, by path or topic; a source that is not there has not been heard.
struct Heard {
  std::optional<std::string> text;
  std::string trouble;  ///< why there is none
};
using Messages = std::map<std::string, Heard>;

/// The format with every `{name}` replaced. Errors, invalid: an option that the template does not know or the owner
/// must give, a value that could change the meaning of a topic or a path.
Result<MessageFormat> with_options(const MessageFormat& format, const std::map<std::string, std::string>& options);

/// Every path or topic that a value or a condition needs, each once; without `alive`.
std::vector<std::string> sources(const MessageFormat& format);
/// The same for one measurement; none when it is not offered.
std::vector<std::string> sources(const MessageFormat& format, Measurement what);

/// Every measurement that the format offers, present or not.
std::vector<Decoded> decode(const MessageFormat& format, const Messages& messages);

}  // namespace sluice::devices
