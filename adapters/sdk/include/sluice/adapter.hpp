/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/// C++ side of <sluice/adapter.h>: derive from `sluice::adapter::Miner`, end the file with `SLUICE_ADAPTER(…)`, done.
/// Inside, failures are thrown as `Error` and strings are std::string; this header turns both into what the C border
/// wants. Header only, C++17, needs nothing but the standard library.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/adapter.h"

namespace sluice::adapter {

/// A point on the host's monotonic clock, or a length of time.
using Time = std::chrono::nanoseconds;
using namespace std::chrono_literals;

/// Why a call failed: the status decides what the host does next, the text is for the owner.
class Error : public std::runtime_error {
 public:
  Error(std::int32_t status, const std::string& text) : std::runtime_error(text), status_(status) {}
  std::int32_t status() const { return status_; }

 private:
  std::int32_t status_;
};

inline sluice_text as_text(std::string_view text) { return sluice_text{text.data(), text.size()}; }
inline std::string as_string(sluice_text text) {
  return text.length == 0 ? std::string() : std::string(text.data, static_cast<std::size_t>(text.length));
}

/// Reads a struct of the other side, which may be older (shorter) or newer (longer) than ours.
template <class T>
T taken(const T* from) {
  T whole{};
  if (from != nullptr) std::memcpy(&whole, from, std::min<std::size_t>(from->size, sizeof(T)));
  return whole;
}
/// Fills a struct of the other side, no further than it reaches.
template <class T>
void give(T* to, T value) {
  const std::uint32_t size = to->size;
  std::memcpy(to, &value, std::min<std::size_t>(size, sizeof(T)));
  to->size = size;
}

/// Calls `body(const T&)` for each element of an array of the other side, whose elements may be shorter or longer.
template <class T, class Body>
void each(const T* first, std::uint32_t count, std::uint32_t element_size, Body&& body) {
  if (first == nullptr) return;
  const char* at = reinterpret_cast<const char*>(first);
  for (std::uint32_t i = 0; i < count; ++i, at += element_size) {
    T whole{};
    std::memcpy(&whole, at, std::min<std::size_t>(element_size, sizeof whole));
    body(whole);
  }
}

struct Settings {
  std::string name;
  std::string host;
  std::uint16_t port = 0;  ///< 0 = the firmware's own
  std::string username;
  std::uint64_t password = 0;  ///< handle for `Host::secret`; 0 = none given
  std::map<std::string, std::string> options;

  /// The option as written by the owner, or `fallback` (the manifest's default).
  std::string option(const std::string& key, const std::string& fallback) const {
    const auto found = options.find(key);
    return found == options.end() ? fallback : found->second;
  }
  bool flag(const std::string& key, bool fallback) const { return option(key, fallback ? "true" : "false") == "true"; }
};

struct Identity {
  std::string firmware, model, mac, serial, hostname;
};

/// What one power brings, by the firmware's own table.
struct WorkingPoint {
  double power_w = 0, hashrate_ths = 0;
};

/// Adds a point unless it is none, or unless it costs more than the one before and brings no more.
inline void add_point(std::vector<WorkingPoint>& points, WorkingPoint point) {
  if (point.power_w <= 0.0 || point.hashrate_ths <= 0.0) return;
  const bool rises =
      points.empty() || (point.power_w > points.back().power_w && point.hashrate_ths > points.back().hashrate_ths);
  if (rises) points.push_back(point);
}

struct Abilities {
  sluice_envelope_kind kind = SLUICE_ENVELOPE_UNKNOWN;
  double min_w = 0, max_w = 0, step_w = 1;
  std::vector<double> levels_w;  ///< ascending, at most 96
  bool can_sleep = true;
  std::int32_t writes_per_day = 0;
  std::chrono::milliseconds dead_time{}, ramp_up{}, ramp_down{}, stop{}, wake{}, retarget_up{}, retarget_down{};
  double sleep_power_w = 0;
  std::vector<WorkingPoint> points;  ///< both ascending, at most 96; empty = the firmware does not tell
};

struct Poll {
  sluice_state state = SLUICE_STATE_UNKNOWN;
  std::optional<double> power_w, target_w, hashrate_ths, nominal_hashrate_ths, temperature_c;
  std::optional<bool> pool_alive;
  std::optional<std::chrono::milliseconds> uptime;
  bool power_measured = false, tuning = false;
  std::string note;
};

struct Applied {
  double target_w = 0;
  bool verified = false;
};

/// Where to connect, and how gently (see `sluice_peer`).
struct Peer {
  std::string host;
  std::uint16_t port = 0;
  std::chrono::milliseconds min_spacing{}, refused_backoff{};
};

/// How one exchange relates to the command around it.
enum class Role {
  read,            ///< does not move the miner
  command,         ///< moves the miner: its first byte is the command's sent time
  urgent_read,     ///< as `read`, tried even during the back-off after a refused connect: a stop begins with it
  urgent_command,  ///< as `command`, tried even during the back-off
};

struct HttpReply {
  int status = 0;
  std::string body;
};

/// What the host lends, as C++. Every failure is thrown as `Error`.
class Host {
 public:
  explicit Host(const sluice_host* table) : table_(taken(table)) {
    constexpr std::size_t least = offsetof(sluice_host, get_extension) + sizeof(table_.get_extension);
    if (table_.size < least) throw Error(SLUICE_INTERNAL, "this host lends less than ABI 1.0 has");
  }

  Time now() const { return Time(table_.mono_ns(table_.context)); }
  void log(sluice_log_level level, std::string_view text) const { table_.log(table_.context, level, as_text(text)); }
  void wait_until(Time time) const { check(table_.wait_until(table_.context, time.count()), {}); }

  /// Connects, sends, reads until the peer closes.
  std::string tcp(const Peer& peer, Role role, std::string_view send, Time deadline) const {
    const sluice_peer c_peer = as_c(peer, role);
    sluice_tcp_exchange exchange{};
    exchange.size = sizeof exchange;
    exchange.peer = &c_peer;
    exchange.send = as_text(send);
    exchange.deadline_ns = deadline.count();
    sluice_text reply{}, error{};
    check(table_.tcp(table_.context, &exchange, &reply, &error), error);
    return as_string(reply);
  }

  HttpReply http(const Peer& peer, Role role, std::string_view method, std::string_view path,
                 const std::vector<std::pair<std::string, std::string>>& headers, std::string_view body,
                 Time deadline) const {
    const sluice_peer c_peer = as_c(peer, role);
    std::vector<sluice_header> c_headers;
    for (const auto& [name, value] : headers) c_headers.push_back({as_text(name), as_text(value)});
    sluice_http_request request{};
    request.size = sizeof request;
    request.peer = &c_peer;
    request.method = as_text(method);
    request.path = as_text(path);
    request.headers = c_headers.data();
    request.header_count = static_cast<std::uint32_t>(c_headers.size());
    request.header_size = sizeof(sluice_header);
    request.body = as_text(body);
    request.deadline_ns = deadline.count();
    sluice_http_reply reply{};
    reply.size = sizeof reply;
    sluice_text error{};
    check(table_.http(table_.context, &request, &reply, &error), error);
    return HttpReply{reply.status, as_string(reply.body)};
  }

  /// For adapters that own their I/O: the first byte of a command is being written now.
  void mark_sent() const { table_.mark_sent(table_.context); }
  std::string secret(std::uint64_t handle) const {
    sluice_text value{}, error{};
    check(table_.secret(table_.context, handle, &value, &error), error);
    return as_string(value);
  }
  /// A small text that survives restarts of the daemon.
  std::string state() const { return as_string(table_.state_get(table_.context)); }
  void set_state(std::string_view state) const { table_.state_set(table_.context, as_text(state)); }

 private:
  static sluice_peer as_c(const Peer& peer, Role role) {
    sluice_peer c{};
    c.size = sizeof c;
    c.port = peer.port;
    c.host = as_text(peer.host);
    c.min_spacing_ms = peer.min_spacing.count();
    c.refused_backoff_ms = peer.refused_backoff.count();
    c.ignore_backoff = role == Role::urgent_read || role == Role::urgent_command ? 1 : 0;
    c.is_command = role == Role::command || role == Role::urgent_command ? 1 : 0;
    return c;
  }
  static void check(std::int32_t status, sluice_text error) {
    if (status == SLUICE_OK) return;
    if (error.length > 0) throw Error(status, as_string(error));
    throw Error(status, status == SLUICE_CANCELLED ? "cancelled" : "the deadline passed");
  }

  sluice_host table_;
};

/// One miner. Derive, with a constructor (Host, const Settings&) that throws `Error` on bad settings and talks to
/// nobody. The comments in <sluice/adapter.h> say what each call must do.
class Miner {
 public:
  virtual ~Miner() = default;
  virtual Identity identify(Time deadline) = 0;
  /// As `identify`, when the next call is a `sleep` in a hurry (SLUICE_CALL_STOP_NEXT). Worth writing where `identify`
  /// reads more than who is there and the miner bears few requests.
  virtual Identity identify_for_stop(Time deadline) { return identify(deadline); }
  virtual Abilities abilities() = 0;
  virtual Poll poll(Time deadline) = 0;
  virtual Applied apply_target(double target_w, Time deadline) = 0;
  virtual Applied sleep(Time deadline) = 0;
  virtual Applied wake(double target_w, Time deadline) = 0;
  /// From another thread. Only adapters that own their I/O have something to do here.
  virtual void cancel() noexcept {}
};

namespace detail {

/// Behind the opaque `sluice_instance`: the miner, and what its last answers point into.
struct Instance {
  std::unique_ptr<Miner> miner;
  std::string text;
  Identity identity;
  std::vector<sluice_level> levels;
  std::vector<sluice_working_point> points;
  std::string note;
};

inline Instance& self(sluice_instance* instance) { return *reinterpret_cast<Instance*>(instance); }

/// Runs `body`; whatever it throws becomes a status and, in `text`, a reason. Nothing leaves this function by throwing.
template <class Body>
std::int32_t guarded(std::string& text, Body&& body) noexcept {
  try {
    try {
      body();
      return SLUICE_OK;
    } catch (const Error& error) {
      text = error.what();
      return error.status() == SLUICE_OK ? static_cast<std::int32_t>(SLUICE_INTERNAL) : error.status();
    } catch (const std::exception& error) {
      text = error.what();
    } catch (...) {
      text = "unknown exception in the adapter";
    }
  } catch (...) {
    // Even the reason could not be stored: out of memory.
  }
  return SLUICE_INTERNAL;
}

template <class Body>
std::int32_t call(sluice_instance* instance, sluice_call* call, Body&& body) noexcept {
  Instance& me = self(instance);
  me.text.clear();
  const std::int32_t status = guarded(me.text, [&] { body(me, Time(call->deadline_ns)); });
  call->text = as_text(me.text);
  return status;
}

inline std::int32_t identify(sluice_instance* instance, sluice_call* c, sluice_identity* out) noexcept {
  return call(instance, c, [&](Instance& me, Time deadline) {
    const bool stop_next = (c->flags & SLUICE_CALL_STOP_NEXT) != 0;
    me.identity = stop_next ? me.miner->identify_for_stop(deadline) : me.miner->identify(deadline);
    sluice_identity identity{};
    identity.firmware = as_text(me.identity.firmware);
    identity.model = as_text(me.identity.model);
    identity.mac = as_text(me.identity.mac);
    identity.serial = as_text(me.identity.serial);
    identity.hostname = as_text(me.identity.hostname);
    give(out, identity);
  });
}

inline std::int32_t abilities(sluice_instance* instance, sluice_call* c, sluice_abilities* out) noexcept {
  return call(instance, c, [&](Instance& me, Time) {
    const Abilities from = me.miner->abilities();
    me.levels.clear();
    for (const double level : from.levels_w) me.levels.push_back(sluice_level{level});
    sluice_abilities to{};
    to.envelope_kind = from.kind;
    to.min_w = from.min_w;
    to.max_w = from.max_w;
    to.step_w = from.step_w;
    to.levels = me.levels.data();
    to.level_count = static_cast<std::uint32_t>(me.levels.size());
    to.level_size = sizeof(sluice_level);
    to.can_sleep = from.can_sleep ? 1 : 0;
    to.writes_per_day = from.writes_per_day;
    to.dead_time_ms = from.dead_time.count();
    to.ramp_up_ms = from.ramp_up.count();
    to.ramp_down_ms = from.ramp_down.count();
    to.stop_ms = from.stop.count();
    to.wake_ms = from.wake.count();
    to.retarget_up_ms = from.retarget_up.count();
    to.retarget_down_ms = from.retarget_down.count();
    to.sleep_power_w = from.sleep_power_w;
    me.points.clear();
    for (const WorkingPoint& point : from.points) me.points.push_back({point.power_w, point.hashrate_ths});
    to.points = me.points.data();
    to.point_count = static_cast<std::uint32_t>(me.points.size());
    to.point_size = sizeof(sluice_working_point);
    give(out, to);
  });
}

inline std::int32_t poll(sluice_instance* instance, sluice_call* c, sluice_poll* out) noexcept {
  return call(instance, c, [&](Instance& me, Time deadline) {
    const Poll from = me.miner->poll(deadline);
    me.note = from.note;
    sluice_poll to{};
    const auto put = [&to](const std::optional<double>& value, double& field, std::uint64_t bit) {
      if (!value) return;
      field = *value;
      to.valid |= bit;
    };
    to.state = from.state;
    put(from.power_w, to.power_w, SLUICE_POLL_POWER);
    put(from.target_w, to.target_w, SLUICE_POLL_TARGET);
    put(from.hashrate_ths, to.hashrate_ths, SLUICE_POLL_HASHRATE);
    put(from.nominal_hashrate_ths, to.nominal_hashrate_ths, SLUICE_POLL_NOMINAL_HASHRATE);
    put(from.temperature_c, to.temperature_c, SLUICE_POLL_TEMPERATURE);
    if (from.pool_alive) {
      to.pool_alive = *from.pool_alive ? 1 : 0;
      to.valid |= SLUICE_POLL_POOL_ALIVE;
    }
    if (from.uptime) {
      to.uptime_ms = from.uptime->count();
      to.valid |= SLUICE_POLL_UPTIME;
    }
    to.power_measured = from.power_measured ? 1 : 0;
    to.tuning = from.tuning ? 1 : 0;
    to.note = as_text(me.note);
    give(out, to);
  });
}

inline void give_applied(sluice_applied* out, const Applied& from) {
  sluice_applied to{};
  to.verified = from.verified ? 1 : 0;
  to.target_w = from.target_w;
  give(out, to);
}
inline std::int32_t apply_target(sluice_instance* instance, sluice_call* c, double watts,
                                 sluice_applied* out) noexcept {
  return call(instance, c,
              [&](Instance& me, Time deadline) { give_applied(out, me.miner->apply_target(watts, deadline)); });
}
inline std::int32_t sleep(sluice_instance* instance, sluice_call* c, sluice_applied* out) noexcept {
  return call(instance, c, [&](Instance& me, Time deadline) { give_applied(out, me.miner->sleep(deadline)); });
}
inline std::int32_t wake(sluice_instance* instance, sluice_call* c, double watts, sluice_applied* out) noexcept {
  return call(instance, c, [&](Instance& me, Time deadline) { give_applied(out, me.miner->wake(watts, deadline)); });
}
inline void cancel(sluice_instance* instance) noexcept { self(instance).miner->cancel(); }
inline void close(sluice_instance* instance) noexcept { delete &self(instance); }

inline Settings settings_from(const sluice_settings* table) {
  const sluice_settings from = taken(table);
  Settings to;
  to.name = as_string(from.name);
  to.host = as_string(from.host);
  to.port = static_cast<std::uint16_t>(from.port);
  to.username = as_string(from.username);
  to.password = from.password;
  each(from.options, from.option_count, from.option_size,
       [&to](const sluice_option& option) { to.options[as_string(option.name)] = as_string(option.value); });
  return to;
}

template <class Derived>
std::int32_t open(const sluice_host* host, const sluice_settings* settings, sluice_instance** out,
                  sluice_text* text) noexcept {
  Instance* const instance = new (std::nothrow) Instance;
  *out = reinterpret_cast<sluice_instance*>(instance);
  if (instance == nullptr) return SLUICE_INTERNAL;
  const std::int32_t status = guarded(
      instance->text, [&] { instance->miner = std::make_unique<Derived>(Host(host), settings_from(settings)); });
  *text = as_text(instance->text);
  return status;
}

inline const void* no_extension(sluice_text) noexcept { return nullptr; }

template <class Derived>
const sluice_adapter* table(std::string_view id, std::string_view version) {
  static const sluice_adapter adapter{sizeof(sluice_adapter),
                                      SLUICE_ABI_MAJOR,
                                      SLUICE_ABI_MINOR,
                                      0,
                                      as_text(id),
                                      as_text(version),
                                      &open<Derived>,
                                      &close,
                                      &identify,
                                      &abilities,
                                      &poll,
                                      &apply_target,
                                      &sleep,
                                      &wake,
                                      &cancel,
                                      &no_extension};
  return &adapter;
}

}  // namespace detail
}  // namespace sluice::adapter

/// Once per adapter, outside any namespace: the class, its id (as in the manifest) and its version.
#define SLUICE_ADAPTER(Class, id, version)                                                  \
  extern "C" SLUICE_EXPORT const sluice_adapter* sluice_adapter_entry(std::int32_t major) { \
    if (major != SLUICE_ABI_MAJOR) return nullptr;                                          \
    return ::sluice::adapter::detail::table<Class>(id, version);                            \
  }
