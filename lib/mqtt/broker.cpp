#include "mqtt/broker.hpp"

#include <fmt/format.h>
#include <mosquitto.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace sluice::mqtt {
namespace {

using std::chrono::seconds;

constexpr seconds kFirstPause{1}, kLongestPause{30};
// A broker that vanished without a word is noticed after one and a half of these.
constexpr int kKeepAliveS = 15;
// What nothing interrupts: how long the end of the daemon may wait for this thread.
constexpr int kLoopMs = 500;
// Nobody's meter says more; a longer message is somebody's picture.
constexpr std::size_t kPayloadLimit = 256 * 1024;
constexpr int kAtLeastOnce = 1;

struct Destroy {
  void operator()(mosquitto* client) const { mosquitto_destroy(client); }
};
using Client = std::unique_ptr<mosquitto, Destroy>;

/// `problem` of errno's kind says more than "Error".
std::string words(int problem, int system_error) {
  return problem == MOSQ_ERR_ERRNO ? std::strerror(system_error) : mosquitto_strerror(problem);
}

}  // namespace

class MosquittoBrokers::Broker final : public ports::MessageBroker, public std::enable_shared_from_this<Broker> {
 public:
  Broker(ports::BrokerAddress address, Client client, const ports::Clock& clock)
      : address_(std::move(address)), clock_(clock), client_(std::move(client)) {
    mosquitto_user_data_set(client_.get(), this);
    mosquitto_threaded_set(client_.get(), true);
    mosquitto_connect_callback_set(
        client_.get(), [](mosquitto*, void* self, int refused) { static_cast<Broker*>(self)->on_connect(refused); });
    mosquitto_message_callback_set(client_.get(), [](mosquitto*, void* self, const mosquitto_message* message) {
      static_cast<Broker*>(self)->on_message(*message);
    });
    thread_ = std::thread([this] { run(); });
  }

  ~Broker() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    mosquitto_disconnect(client_.get());
    thread_.join();
  }

  const ports::BrokerAddress& address() const { return address_; }
  std::unique_ptr<ports::Subscription> subscribe(std::vector<std::string> topics) override;

 private:
  /// One reader. Its fields are guarded by the broker's mutex.
  class Reader final : public ports::Subscription {
   public:
    Reader(std::shared_ptr<Broker> broker, std::vector<std::string> topics)
        : broker_(std::move(broker)), topics_(std::move(topics)) {}
    ~Reader() override { broker_->leave(this); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    Result<ports::Inbox> wait(std::uint64_t count, MonoTime deadline) override {
      std::unique_lock lock(broker_->mutex_);
      const std::uint64_t losses = broker_->losses_;
      cancelled_ = false;
      // While the first connection is under way there is something to wait for.
      const auto over = [&] {
        return cancelled_ || inbox_.count > count || broker_->losses_ != losses ||
               (!broker_->connected_ && !broker_->trouble_.empty());
      };
      while (!over() && broker_->clock_.now() < deadline) {
        broker_->clock_.wait_until(lock, broker_->changed_, deadline);
      }
      if (cancelled_) return fail(ErrorKind::cancelled, "cancelled");
      inbox_.connected = broker_->connected_;
      inbox_.trouble = broker_->connected_ ? "" : broker_->trouble_.empty() ? "not connected yet" : broker_->trouble_;
      return inbox_;
    }

    Result<void> publish(const std::string& topic, const std::string& payload) override {
      if (!broker_->connected()) return fail(ErrorKind::unreachable, "MQTT: not connected");
      const int problem = mosquitto_publish(broker_->client_.get(), nullptr, topic.c_str(),
                                            static_cast<int>(payload.size()), payload.data(), kAtLeastOnce, false);
      if (problem != MOSQ_ERR_SUCCESS) return fail(ErrorKind::unreachable, "MQTT: {}", mosquitto_strerror(problem));
      return {};
    }

    void cancel() override {
      {
        const std::lock_guard lock(broker_->mutex_);
        cancelled_ = true;
      }
      broker_->changed_.notify_all();
    }

    bool wants(std::string_view topic) const { return std::ranges::find(topics_, topic) != topics_.end(); }

    const std::shared_ptr<Broker> broker_;
    const std::vector<std::string> topics_;
    ports::Inbox inbox_;
    bool cancelled_ = false;
  };

  void leave(const Reader* reader) {
    const std::lock_guard lock(mutex_);
    std::erase(readers_, reader);
  }

  // --- the broker's thread -------------------------------------------------------------------------------------------
  void run() {
    seconds pause = kFirstPause;
    while (!stopping()) {
      int problem = mosquitto_connect_async(client_.get(), address_.host.c_str(), address_.port, kKeepAliveS);
      int system_error = errno;
      bool met = false;
      while (problem == MOSQ_ERR_SUCCESS && !stopping()) {
        problem = mosquitto_loop(client_.get(), kLoopMs, 1);
        system_error = errno;
        met = met || connected();
      }
      lost(problem, system_error);
      pause = met ? kFirstPause : pause;
      std::unique_lock lock(mutex_);
      // Real time: the other side of a socket knows no other.
      changed_.wait_for(lock, pause, [this] { return stopping_; });
      pause = std::min(2 * pause, kLongestPause);
    }
  }

  void lost(int problem, int system_error) {
    {
      const std::lock_guard lock(mutex_);
      // A refusal has been put into words already, better than by its number.
      if (connected_ || problem != MOSQ_ERR_CONN_REFUSED || trouble_.empty()) trouble_ = words(problem, system_error);
      connected_ = false;
      ++losses_;
    }
    changed_.notify_all();
  }

  bool stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }
  bool connected() {
    const std::lock_guard lock(mutex_);
    return connected_;
  }

  void on_connect(int refused) {
    {
      const std::lock_guard lock(mutex_);
      connected_ = refused == 0;
      trouble_ = connected_ ? "" : mosquitto_connack_string(refused);
      for (Reader* reader : readers_) {
        // What happened while nobody listened is not known: only what comes now counts.
        reader->inbox_.newest.clear();
        if (connected_) ask_for(reader->topics_);
      }
    }
    changed_.notify_all();
  }

  void ask_for(const std::vector<std::string>& topics) {
    for (const std::string& topic : topics) {
      mosquitto_subscribe(client_.get(), nullptr, topic.c_str(), kAtLeastOnce);
    }
  }

  void on_message(const mosquitto_message& message) {
    const MonoTime now = clock_.now();
    const auto size = static_cast<std::size_t>(std::max(0, message.payloadlen));
    if (size > kPayloadLimit) return;
    {
      const std::lock_guard lock(mutex_);
      for (Reader* reader : readers_) {
        if (!reader->wants(message.topic)) continue;
        const auto* bytes = static_cast<const char*>(message.payload);
        const auto known = reader->inbox_.newest.find(message.topic);
        // Sent once more for another reader: nothing newer than what came while this one listened.
        if (message.retain && known != reader->inbox_.newest.end() && !known->second.retained) continue;
        reader->inbox_.newest[message.topic] = {size == 0 ? "" : std::string(bytes, size), now, message.retain};
        ++reader->inbox_.count;
      }
    }
    changed_.notify_all();
  }

  const ports::BrokerAddress address_;
  const ports::Clock& clock_;
  const Client client_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<Reader*> readers_;
  bool connected_ = false;
  bool stopping_ = false;
  std::string trouble_;       ///< why there is no connection; empty while the first one is under way
  std::uint64_t losses_ = 0;  ///< connections that ended or did not come about

  std::thread thread_;
};

std::unique_ptr<ports::Subscription> MosquittoBrokers::Broker::subscribe(std::vector<std::string> topics) {
  auto reader = std::make_unique<Reader>(shared_from_this(), std::move(topics));
  const std::lock_guard lock(mutex_);
  readers_.push_back(reader.get());
  if (connected_) ask_for(reader->topics_);
  return reader;
}

MosquittoBrokers::MosquittoBrokers(const ports::Clock& clock) : clock_(clock) { mosquitto_lib_init(); }
MosquittoBrokers::~MosquittoBrokers() { mosquitto_lib_cleanup(); }

Result<std::shared_ptr<ports::MessageBroker>> MosquittoBrokers::at(const ports::BrokerAddress& address) {
  const std::lock_guard lock(mutex_);
  std::erase_if(open_, [](const auto& one) { return one.expired(); });
  for (const auto& known : open_) {
    if (auto broker = known.lock(); broker && broker->address() == address) return broker;
  }
  // Without a name of ours the broker gives a session one that is nobody else's.
  Client client(mosquitto_new(nullptr, true, nullptr));
  if (!client) return fail(ErrorKind::io, "MQTT: {}", std::strerror(errno));
  int problem = MOSQ_ERR_SUCCESS;
  if (!address.username.empty()) {
    problem = mosquitto_username_pw_set(client.get(), address.username.c_str(),
                                        address.password.empty() ? nullptr : address.password.c_str());
  }
  if (problem == MOSQ_ERR_SUCCESS && address.tls) {
    problem = address.ca_file.empty()
                  ? mosquitto_int_option(client.get(), MOSQ_OPT_TLS_USE_OS_CERTS, 1)
                  : mosquitto_tls_set(client.get(), address.ca_file.c_str(), nullptr, nullptr, nullptr, nullptr);
  }
  if (problem != MOSQ_ERR_SUCCESS) {
    return fail(ErrorKind::invalid, "MQTT broker {}: {}{}", address.host, mosquitto_strerror(problem),
                address.ca_file.empty() ? "" : fmt::format(" (is {} readable?)", address.ca_file));
  }
  auto broker = std::make_shared<Broker>(address, std::move(client), clock_);
  open_.push_back(broker);
  return broker;
}

}  // namespace sluice::mqtt
