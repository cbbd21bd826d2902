#pragma once
/// The gRPC services of the emulated Braiins OS.

#include <memory>

namespace grpc {
class ServerBuilder;
}

namespace sluice::house {

class BraiinsMiner;

class BraiinsServices {
 public:
  /// `miner` must outlive the services.
  explicit BraiinsServices(BraiinsMiner& miner);
  ~BraiinsServices();
  void register_with(grpc::ServerBuilder& builder);

 private:
  struct All;
  std::unique_ptr<All> all_;
};

}  // namespace sluice::house
