#include "io/modbus_tcp.hpp"

#include <fcntl.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <utility>

#include "io/net_resolver.hpp"
#include "io/net_socket.hpp"

namespace sluice::io {
namespace {

constexpr int kKeepAliveIdleS = 20, kKeepAliveIntervalS = 5, kKeepAliveProbes = 3;
constexpr std::size_t kMaxRegisters = 125;

const char* exception_name(int code) {
  switch (code) {
    case 1:
      return "illegal function";
    case 2:
      return "illegal data address";
    case 3:
      return "illegal data value";
    case 4:
      return "device failure";
    case 5:
      return "acknowledge";
    case 6:
      return "device busy";
    case 7:
      return "negative acknowledge";
    case 8:
      return "memory parity error";
    case 10:
      return "gateway path unavailable";
    case 11:
      return "gateway target does not respond";
    default:
      return "unknown exception";
  }
}

int milliseconds_left(RealTime deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return left.count() > 0 ? static_cast<int>(left.count()) : 0;
}

/// A dead peer is noticed by the kernel even while nobody asks anything.
void set_options(int fd) {
  const auto set = [&](int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleS);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalS);
  set(IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
}

struct ContextCloser {
  void operator()(modbus_t* context) const {
    modbus_close(context);
    modbus_free(context);
  }
};

class ModbusTcp final : public ports::ModbusConnection {
 public:
  ModbusTcp(std::string host, std::uint16_t port, std::shared_ptr<Resolver> resolver)
      : host_(std::move(host)), port_(port), name_(fmt::format("{}:{}", host_, port)), resolver_(std::move(resolver)) {}

  Result<void> connect(Duration timeout) override {
    if (connected()) return {};
    const Call call(*this);
    const RealTime deadline = std::chrono::steady_clock::now() + timeout;
    const auto address = resolver_->resolve(host_, port_, deadline, waker_);
    if (!address) return tl::unexpected(address.error());
    return open(*address, deadline);
  }

  bool connected() const override { return context_ != nullptr; }
  std::uint64_t generation() const override { return generation_; }

  void close() override {
    const std::lock_guard lock(mutex_);  // `cancel` must not shut down a descriptor that has a new owner
    context_.reset();
  }

  Result<void> read(std::uint8_t unit, ports::RegisterTable table, std::uint16_t address, std::span<std::uint16_t> out,
                    Duration timeout) override {
    assert(!out.empty() && out.size() <= kMaxRegisters);
    const auto function = table == ports::RegisterTable::holding ? modbus_read_registers : modbus_read_input_registers;
    const auto count = static_cast<int>(out.size());
    return exchange(unit, timeout, count, [&] { return function(context_.get(), address, count, out.data()); });
  }

  Result<void> write(std::uint8_t unit, std::uint16_t address, std::span<const std::uint16_t> values,
                     Duration timeout) override {
    assert(!values.empty() && values.size() <= kMaxRegisters - 2);
    const auto count = static_cast<int>(values.size());
    return exchange(unit, timeout, count, [&] {
      return count == 1 ? modbus_write_register(context_.get(), address, values[0])
                        : modbus_write_registers(context_.get(), address, count, values.data());
    });
  }

  int last_exception() const override { return last_exception_; }

  void cancel() override {
    const std::lock_guard lock(mutex_);
    if (!running_) return;
    cancelled_ = true;
    waker_.set();
    if (context_) ::shutdown(modbus_get_socket(context_.get()), SHUT_RDWR);
  }

 private:
  /// Marks that a call runs, so that `cancel` knows whether there is anything to end.
  class Call {
   public:
    explicit Call(ModbusTcp& owner) : owner_(owner) {
      const std::lock_guard lock(owner_.mutex_);
      owner_.running_ = true;
      owner_.cancelled_ = false;
      owner_.waker_.clear();
      owner_.last_exception_ = 0;
    }
    ~Call() {
      const std::lock_guard lock(owner_.mutex_);
      owner_.running_ = false;
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    ModbusTcp& owner_;
  };

  bool cancelled() {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

  Result<void> open(const SocketAddress& address, RealTime deadline) {
    Descriptor socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.get() < 0) return fail(ErrorKind::io, "{}: no socket: {}", name_, std::strerror(errno));
    set_options(socket.get());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0) {
      if (errno != EINPROGRESS) return connect_failure(errno);
      if (auto waited = wait_connected(socket.get(), deadline); !waited) return waited;
    }
    return adopt(socket.get());
  }

  Result<void> wait_connected(int fd, RealTime deadline) {
    std::array<pollfd, 2> waiting{{{fd, POLLOUT, 0}, {waker_.descriptor(), POLLIN, 0}}};
    const int ready = ::poll(waiting.data(), waiting.size(), milliseconds_left(deadline));
    if (waiting[1].revents != 0) return fail(ErrorKind::cancelled, "{}: connecting was cancelled", name_);
    if (ready <= 0) return fail(ErrorKind::timeout, "{}: no connection within the time limit", name_);
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return connect_failure(error);
    return {};
  }

  Result<void> connect_failure(int error) const {
    const ErrorKind kind = error == ECONNREFUSED || error == ECONNRESET ? ErrorKind::refused
                           : error == ETIMEDOUT                         ? ErrorKind::timeout
                                                                        : ErrorKind::unreachable;
    return fail(kind, "{}: {}", name_, std::strerror(error));
  }

  /// libmodbus speaks on a descriptor of its own: it closes what it is given.
  Result<void> adopt(int fd) {
    std::unique_ptr<modbus_t, ContextCloser> context(modbus_new_tcp("0.0.0.0", port_));
    if (!context) return fail(ErrorKind::io, "{}: {}", name_, modbus_strerror(errno));
    const int own = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0) return fail(ErrorKind::io, "{}: {}", name_, std::strerror(errno));
    modbus_set_socket(context.get(), own);
    // Without a limit between bytes the response time-out covers the answer as a whole, however slowly it drips.
    modbus_set_byte_timeout(context.get(), 0, 0);
    const std::lock_guard lock(mutex_);
    context_ = std::move(context);
    ++generation_;
    return {};
  }

  template <class Operation>
  Result<void> exchange(std::uint8_t unit, Duration timeout, int expected, Operation operation) {
    if (!connected()) return fail(ErrorKind::refused, "{}: not connected", name_);
    const Call call(*this);
    const auto limit = std::chrono::duration_cast<std::chrono::microseconds>(timeout);
    modbus_set_response_timeout(context_.get(), static_cast<std::uint32_t>(limit.count() / 1'000'000),
                                static_cast<std::uint32_t>(limit.count() % 1'000'000));
    if (modbus_set_slave(context_.get(), unit) != 0)
      return fail(ErrorKind::invalid, "{}: {} is no unit id (0…247, 255)", name_, unit);
    if (operation() == expected) return {};
    const int error = errno;
    const int exception = error - MODBUS_ENOBASE;
    if (exception > 0 && exception < MODBUS_EXCEPTION_MAX) {
      last_exception_ = exception;
      return fail(ErrorKind::rejected, "{} unit {}: exception {} ({})", name_, unit, exception,
                  exception_name(exception));
    }
    const bool was_cancelled = cancelled();
    close();
    if (was_cancelled) return fail(ErrorKind::cancelled, "{} unit {}: cancelled", name_, unit);
    return failure(unit, error);
  }

  Result<void> failure(std::uint8_t unit, int error) const {
    switch (error) {
      case ETIMEDOUT:
        return fail(ErrorKind::timeout, "{} unit {}: no complete answer within the time limit", name_, unit);
      case ECONNRESET:
      case EPIPE:
      case ENOTCONN:
      case ECONNREFUSED:
        return fail(ErrorKind::refused, "{} unit {}: the device closed the connection", name_, unit);
      case EHOSTUNREACH:
      case ENETUNREACH:
        return fail(ErrorKind::unreachable, "{} unit {}: {}", name_, unit, std::strerror(error));
      default:
        return fail(ErrorKind::protocol, "{} unit {}: {}", name_, unit, modbus_strerror(error));
    }
  }

  const std::string host_;
  const std::uint16_t port_;
  const std::string name_;
  const std::shared_ptr<Resolver> resolver_;
  Waker waker_;
  std::uint64_t generation_ = 0;
  int last_exception_ = 0;

  std::mutex mutex_;  // guards what follows; `context_` is changed under it and read by the owning thread without
  bool running_ = false;
  bool cancelled_ = false;
  std::unique_ptr<modbus_t, ContextCloser> context_;
};

}  // namespace

struct ModbusTcpFactory::Shared {
  std::shared_ptr<Resolver> resolver = std::make_shared<Resolver>();
};

ModbusTcpFactory::ModbusTcpFactory() : shared_(std::make_shared<Shared>()) {}
ModbusTcpFactory::~ModbusTcpFactory() = default;

std::unique_ptr<ports::ModbusConnection> ModbusTcpFactory::make(const std::string& host, std::uint16_t port) {
  return std::make_unique<ModbusTcp>(host, port, shared_->resolver);
}

}  // namespace sluice::io
