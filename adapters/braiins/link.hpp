#pragma once
/// One gRPC channel to one miner: deadlines on the host's clock, cancel, login. Failures are thrown as
/// `adapter::Error`.

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "bos_v1.grpc.pb.h"
#include "bos_version.grpc.pb.h"
#include "sluice/adapter.hpp"

namespace sluice::braiins {

namespace bos = ::braiins::bos;
namespace v1 = ::braiins::bos::v1;

/// "host:port" as gRPC wants it, an IPv6 address in brackets.
std::string target_of(std::string_view host, std::uint16_t port);
/// What a failed call means for the host, in words for the owner.
adapter::Error error_from(const grpc::Status& status, std::string_view method);
/// Whether `token` can be sent as metadata. gRPC aborts the process over one that cannot.
bool is_token(std::string_view token);

class Link {
 public:
  struct Peer {
    std::string host;
    std::uint16_t port = 0;
    std::string username;
    std::uint64_t password = 0;  ///< handle; 0 = the empty password
  };
  Link(const adapter::Host& host, Peer peer);
  ~Link();

  /// A call of a generated stub, by its name. Requests that carry nothing may be left out.
  template <class Stub, class Request, class Response>
  using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);

  /// A question that anybody may ask.
  template <class Stub, class Request, class Response>
  Response ask_openly(const char* name, Method<Stub, Request, Response> method, adapter::Time deadline) {
    return run<Stub, Request, Response>({name, false, false}, method, Request{}, deadline);
  }
  template <class Stub, class Request, class Response>
  Response ask(const char* name, Method<Stub, Request, Response> method, adapter::Time deadline) {
    return run<Stub, Request, Response>({name, true, false}, method, Request{}, deadline);
  }
  /// Something that moves the miner: the host is told when its first byte goes out. Never sent twice, but for a token
  /// that was no longer taken.
  template <class Stub, class Request, class Response>
  Response command(const char* name, Method<Stub, Request, Response> method, const Request& request,
                   adapter::Time deadline) {
    return run<Stub, Request, Response>({name, true, true}, method, request, deadline);
  }

  /// From another thread, once the host's own calls say `cancelled`. Ends the running call.
  void cancel() noexcept;

 private:
  struct Channel;
  struct Kind {
    const char* name;
    bool with_token, moves;
  };
  using Call = std::function<grpc::Status(grpc::ClientContext&)>;

  template <class Stub, class Request, class Response>
  Response run(const Kind& kind, Method<Stub, Request, Response> method, const Request& request,
               adapter::Time deadline) {
    Response response;
    perform(
        kind, [&](grpc::ClientContext& context) { return (stub<Stub>().*method)(&context, request, &response); },
        deadline);
    return response;
  }
  template <class Stub>
  Stub& stub();

  void perform(const Kind& kind, const Call& call, adapter::Time deadline);
  grpc::Status once(const Kind& kind, const Call& call, adapter::Time deadline);
  void log_in(adapter::Time deadline);
  void connect_first(adapter::Time deadline);
  [[noreturn]] void give_up(const grpc::Status& status, const char* name);
  /// A moment long gone needs no waiting, so a cancel is all that can end it.
  void throw_if_cancelled() const { host_.wait_until(adapter::Time::zero()); }

  adapter::Host host_;
  Peer peer_;
  std::unique_ptr<Channel> channel_;
  std::string token_;
  adapter::Time locked_out_until_{};

  std::mutex mutex_;
  grpc::ClientContext* running_ = nullptr;  ///< guarded by mutex_
};

}  // namespace sluice::braiins
