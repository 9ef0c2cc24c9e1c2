// For unit tests of the client: time that stands still, and nodes that follow a script.
#ifndef LAMPPOST_CLIENTS_CPP_FAKE_STUB_H_
#define LAMPPOST_CLIENTS_CPP_FAKE_STUB_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "clients/cpp/node_stub.h"
#include "clients/cpp/options.h"
#include "clients/cpp/time_source.h"

namespace lamppost::client {

class FakeTime final : public TimeSource {
 public:
  int64_t NowUs() override { return now_us; }
  void SleepMs(int64_t duration_ms) override {
    sleeps_ms.push_back(duration_ms);
    now_us += duration_ms * 1000;
  }

  int64_t now_us = 1'000'000;
  std::vector<int64_t> sleeps_ms;
};

// What a scripted attempt does: takes some time, then ends.
struct ScriptedEnd {
  AttemptEnd end;
  int64_t takes_ms = 0;
};

struct SeenAttempt {
  int port = 0;  // of the node
  std::string method;
  std::string request_id;
  uint64_t clock = 0;
  int64_t timeout_ms = 0;
  v1::Session session = {};
  uint32_t replicas = 0;
};

// The script is one queue for all nodes; when it is used up, every attempt succeeds. Not thread-safe.
struct FakeNetwork {
  std::deque<ScriptedEnd> script;
  std::vector<SeenAttempt> seen;
  std::deque<v1::ScanResponse> pages;
  v1::Session answered_session;  // of every answer
  std::shared_ptr<FakeTime> time = std::make_shared<FakeTime>();

  void Add(absl::Status status, Reach reach = Reach::kSent, int64_t takes_ms = 0) {
    script.push_back({{std::move(status), reach, std::nullopt}, takes_ms});
  }

  // Jitter is always the whole back-off, and the minted ids are id-1, id-2, ….
  ClientEnvironment Environment();

  AttemptEnd Attempt(SeenAttempt attempt) {
    seen.push_back(std::move(attempt));
    if (script.empty()) return {absl::OkStatus(), Reach::kSent, std::nullopt};
    ScriptedEnd next = std::move(script.front());
    script.pop_front();
    time->now_us += next.takes_ms * 1000;
    return next.end;
  }
};

class FakeStub final : public NodeStub {
 public:
  FakeStub(FakeNetwork* network, int port) : network_(network), port_(port) {}

  AttemptEnd Put(const v1::PutRequest& request, int64_t timeout_ms, v1::PutResponse* response) override {
    *response->mutable_session() = network_->answered_session;
    return network_->Attempt({port_, "Put", request.request_id(), request.clock().counter(), timeout_ms,
                              request.session(), request.replicas()});
  }
  AttemptEnd Get(const v1::GetRequest& request, int64_t timeout_ms, v1::GetResponse* response) override {
    *response->mutable_session() = network_->answered_session;
    return network_->Attempt({port_, "Get", "", request.clock().counter(), timeout_ms, request.session()});
  }
  AttemptEnd Delete(const v1::DeleteRequest& request, int64_t timeout_ms,
                    v1::DeleteResponse* response) override {
    *response->mutable_session() = network_->answered_session;
    return network_->Attempt({port_, "Delete", request.request_id(), request.clock().counter(), timeout_ms,
                              request.session(), request.replicas()});
  }
  AttemptEnd Scan(const v1::ScanRequest& request, int64_t timeout_ms, v1::ScanResponse* response) override {
    if (!network_->pages.empty()) {
      *response = network_->pages.front();
      network_->pages.pop_front();
    }
    *response->mutable_session() = network_->answered_session;
    return network_->Attempt({port_, "Scan " + request.page_token(), "", request.clock().counter(),
                              timeout_ms, request.session()});
  }
  AttemptEnd Write(const v1::WriteRequest& request, int64_t timeout_ms,
                   v1::WriteResponse* response) override {
    *response->mutable_session() = network_->answered_session;
    return network_->Attempt({port_, "Write", request.request_id(), request.clock().counter(), timeout_ms,
                              request.session(), request.replicas()});
  }
  AttemptEnd Status(const v1::StatusRequest& request, int64_t timeout_ms, v1::StatusResponse*) override {
    return network_->Attempt({port_, "Status", "", request.clock().counter(), timeout_ms});
  }

 private:
  FakeNetwork* const network_;
  const int port_;
};

inline ClientEnvironment FakeNetwork::Environment() {
  ClientEnvironment environment;
  environment.time = time;
  environment.random = [] { return 1.0; };
  environment.stub_factory = [this](const Address& address) {
    return std::make_unique<FakeStub>(this, address.port);
  };
  environment.mint_request_id = [next = std::make_shared<int>(0)] { return "id-" + std::to_string(++*next); };
  return environment;
}

// Nodes at 127.0.0.1 with these ports.
inline ClientOptions OptionsFor(const std::vector<int>& ports) {
  ClientOptions options;
  for (const int port : ports) options.nodes.push_back({AddressScheme::kHttp, "127.0.0.1", port});
  return options;
}

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_FAKE_STUB_H_
