#include "tests/bench/echo_server.h"

#include <atomic>
#include <iostream>
#include <string>

#include "lamppost/kv/v1/kv_service.grpc.pb.h"
#include "services/common/server.h"
#include "services/common/signal_waiter.h"
#include "tests/bench/keys.h"

namespace lamppost::bench {
namespace {

// As large as a node's: a counter of a node that has been busy for a while, a life as lives are drawn.
constexpr uint64_t kFirstCounter = 1'000'000;
constexpr uint64_t kIncarnation = (uint64_t{1} << 32) + 0x9abcdef0u;

class EchoService : public kv::v1::KvService::CallbackService {
 public:
  explicit EchoService(size_t value_bytes) {
    Random random(1);
    value_ = RandomValue(value_bytes, &random);
  }

  grpc::ServerUnaryReactor* Put(grpc::CallbackServerContext* context, const kv::v1::PutRequest*,
                                kv::v1::PutResponse* response) override {
    Stamp(response->mutable_version());
    return Finish(context, response->mutable_clock());
  }

  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const kv::v1::GetRequest*,
                                kv::v1::GetResponse* response) override {
    response->set_found(true);
    response->mutable_value()->set_data(value_);
    Stamp(response->mutable_version());
    return Finish(context, response->mutable_clock());
  }

 private:
  grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context, clock::v1::Timestamp* clock) {
    Stamp(clock);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  void Stamp(clock::v1::Timestamp* stamp) {
    stamp->set_counter(counter_.fetch_add(1, std::memory_order_relaxed));
    stamp->set_node_id("A");
    stamp->set_incarnation(kIncarnation);
  }

  std::string value_;
  std::atomic<uint64_t> counter_{kFirstCounter};
};

}  // namespace

int RunEchoServer(int port, size_t value_bytes) {
  SignalWaiter signals;
  EchoService service(value_bytes);
  ServerOptions options;
  options.listen = {Address{AddressScheme::kNone, "127.0.0.1", port}};
  options.services = {{&service, kv::v1::KvService::service_full_name()}};
  Server server(std::move(options));
  if (const absl::Status status = server.Start(); !status.ok()) {
    std::cerr << "echo server: " << status.message() << "\n";
    return 1;
  }
  signals.Wait();
  server.Drain(0);
  return 0;
}

}  // namespace lamppost::bench
