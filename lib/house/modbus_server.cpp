#include "house/modbus_server.hpp"

#include <arpa/inet.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::house {
namespace {

constexpr std::size_t kMaxClients = 16;
constexpr int kFaultLookMs = 20;                           // how soon a fault that closes the port is noticed
constexpr std::uint32_t kRequestUs = 200'000;              // for the rest of a request that has begun
constexpr std::size_t kUnitIndex = 6, kFunctionIndex = 7;  // in a Modbus TCP request

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_;
};

struct ContextEnd {
  void operator()(modbus_t* context) const { modbus_free(context); }
};

Result<Fd> listen_on(const std::string& address, std::uint16_t port, std::uint16_t& bound) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  if (inet_pton(AF_INET, address.c_str(), &where.sin_addr) != 1) {
    return fail(ErrorKind::invalid, "\"{}\" is no IPv4 address", address);
  }
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  auto* generic = reinterpret_cast<sockaddr*>(&where);
  socklen_t size = sizeof where;
  if (!fd.open() || bind(fd.get(), generic, size) != 0 || listen(fd.get(), 8) != 0 ||
      getsockname(fd.get(), generic, &size) != 0) {
    return fail(ErrorKind::io, "{}:{} cannot be served: {}", address, port, std::strerror(errno));
  }
  bound = ntohs(where.sin_port);
  return fd;
}

// Empty unless every word is there: a device refuses what it does not have.
std::vector<std::uint16_t> words_of(const RegisterTable& table, unsigned first, unsigned count) {
  std::vector<std::uint16_t> words;
  auto word = table.lower_bound(static_cast<std::uint16_t>(first));
  while (words.size() < count && word != table.end() && word->first == first + words.size()) {
    words.push_back(word->second);
    ++word;
  }
  if (words.size() < count) words.clear();
  return words;
}

class Server final : public ModbusServer {
 public:
  Server(std::string address, Fd listener, std::uint16_t port, UnitSource units, ModbusFaultSource faults,
         UnitWriter writer)
      : address_(std::move(address)),
        port_(port),
        units_(std::move(units)),
        faults_(std::move(faults)),
        writer_(std::move(writer)),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        context_(modbus_new_tcp(nullptr, port)),
        listener_(std::move(listener)),
        thread_([this] { serve(); }) {}

  ~Server() override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(wake_.get(), &one, sizeof one);
    thread_.join();
  }

  std::uint16_t port() const override { return port_; }

 private:
  void serve();
  void follow_refusal();
  void accept_client();
  bool answer(int client);
  bool take(const std::uint8_t* query, int length);

  std::string address_;
  std::uint16_t port_;
  UnitSource units_;
  ModbusFaultSource faults_;
  UnitWriter writer_;
  Fd wake_;
  std::unique_ptr<modbus_t, ContextEnd> context_;
  Fd listener_;
  std::vector<Fd> clients_;
  std::thread thread_;  // last: everything it uses is there when it starts
};

void Server::serve() {
  modbus_set_indication_timeout(context_.get(), 0, kRequestUs);
  std::vector<pollfd> watched;
  while (true) {
    follow_refusal();
    watched.assign({{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}});
    for (const auto& client : clients_) watched.push_back({client.get(), POLLIN, 0});
    poll(watched.data(), watched.size(), kFaultLookMs);
    if (watched[0].revents != 0) return;
    std::vector<Fd> kept;
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      if (watched[i + 2].revents == 0 || answer(clients_[i].get())) kept.push_back(std::move(clients_[i]));
    }
    clients_ = std::move(kept);
    if (watched[1].revents != 0) accept_client();
  }
}

void Server::follow_refusal() {
  if (faults_().refuse_connections) {
    listener_ = Fd();
    clients_.clear();
  } else if (!listener_.open()) {
    std::uint16_t bound = 0;
    if (auto again = listen_on(address_, port_, bound)) listener_ = std::move(*again);
  }
}

void Server::accept_client() {
  Fd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (client.open() && clients_.size() < kMaxClients) clients_.push_back(std::move(client));
}

// False: the connection is over.
bool Server::answer(int client) {
  std::array<std::uint8_t, MODBUS_TCP_MAX_ADU_LENGTH> query{};
  modbus_set_socket(context_.get(), client);
  const int length = modbus_receive(context_.get(), query.data());
  if (length < 0) return false;
  const ModbusFaults faults = faults_();
  if (faults.delay > Duration{}) {
    pollfd stop{wake_.get(), POLLIN, 0};
    poll(&stop, 1, static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(faults.delay).count()));
  }
  if (faults.silent) return true;
  if (faults.garbage) {
    constexpr std::string_view kNoise = "\x13\x37not modbus at all\x00\xff\xfe";
    return send(client, kNoise.data(), kNoise.size(), MSG_NOSIGNAL) > 0;
  }
  auto unit = units_(query[kUnitIndex]);
  if (!unit) {
    return modbus_reply_exception(context_.get(), query.data(), MODBUS_EXCEPTION_GATEWAY_TARGET) >= 0;
  }
  if (unit->silent) return true;
  const auto function = query[kFunctionIndex];
  if (writer_ && (function == MODBUS_FC_WRITE_SINGLE_REGISTER || function == MODBUS_FC_WRITE_MULTIPLE_REGISTERS))
    return take(query.data(), length);
  if (function != MODBUS_FC_READ_HOLDING_REGISTERS && function != MODBUS_FC_READ_INPUT_REGISTERS) {
    return modbus_reply_exception(context_.get(), query.data(), MODBUS_EXCEPTION_ILLEGAL_FUNCTION) >= 0;
  }
  const bool holding = function == MODBUS_FC_READ_HOLDING_REGISTERS;
  const unsigned first = query[kFunctionIndex + 1] * 256U + query[kFunctionIndex + 2];
  const unsigned count = query[kFunctionIndex + 3] * 256U + query[kFunctionIndex + 4];
  auto words = words_of(holding ? unit->holding : unit->input, first, count);
  if (words.empty()) {
    return modbus_reply_exception(context_.get(), query.data(), MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS) >= 0;
  }
  modbus_mapping_t mapping{};
  mapping.start_registers = mapping.start_input_registers = static_cast<int>(first);
  mapping.nb_registers = mapping.nb_input_registers = static_cast<int>(count);
  mapping.tab_registers = mapping.tab_input_registers = words.data();
  return modbus_reply(context_.get(), query.data(), length, &mapping) >= 0;
}

bool Server::take(const std::uint8_t* query, int length) {
  const auto word = [query](std::size_t at) {
    return static_cast<std::uint16_t>(query[kFunctionIndex + at] * 256U + query[kFunctionIndex + at + 1]);
  };
  const bool one = query[kFunctionIndex] == MODBUS_FC_WRITE_SINGLE_REGISTER;
  std::vector<std::uint16_t> words;
  if (one) words.push_back(word(3));
  // Function 16: address, count, a byte count, then the words.
  for (std::size_t i = 0; !one && i < word(3) && static_cast<int>(kFunctionIndex + 7 + 2 * i) < length; ++i)
    words.push_back(word(6 + 2 * i));
  const int exception = writer_(query[kUnitIndex], word(1), words);
  if (exception != 0) return modbus_reply_exception(context_.get(), query, static_cast<unsigned>(exception)) >= 0;
  modbus_mapping_t mapping{};
  mapping.start_registers = static_cast<int>(word(1));
  mapping.nb_registers = static_cast<int>(words.size());
  mapping.tab_registers = words.data();
  return modbus_reply(context_.get(), query, length, &mapping) >= 0;
}

}  // namespace

Result<std::unique_ptr<ModbusServer>> make_modbus_server(const std::string& address, std::uint16_t port,
                                                         UnitSource units, ModbusFaultSource faults,
                                                         UnitWriter writer) {
  std::uint16_t bound = 0;
  auto listener = listen_on(address, port, bound);
  if (!listener) return tl::unexpected(listener.error());
  return std::make_unique<Server>(address, std::move(*listener), bound, std::move(units), std::move(faults),
                                  std::move(writer));
}

}  // namespace sluice::house
