// A lane of unary calls by gRPC's callback API: the one client that all servers are measured with.
#ifndef LAMPPOST_TESTS_BENCH_UNARY_LANE_H_
#define LAMPPOST_TESTS_BENCH_UNARY_LANE_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "tests/bench/load.h"

namespace lamppost::bench {

// Stub: a generated service's Stub class.
template <typename Stub, typename Request, typename Response>
class UnaryLane : public Lane {
 public:
  // "class", because a stub has a function of that name, too.
  using Async = class Stub::async;
  using Method = void (Async::*)(grpc::ClientContext*, const Request*, Response*,
                                 std::function<void(grpc::Status)>);
  // Makes the next request out of the one before, having seen its response.
  using Next = std::function<void(const Response& last, Request* request)>;

  UnaryLane(std::unique_ptr<Stub> stub, Method method, Next next)
      : stub_(std::move(stub)), method_(method), next_(std::move(next)) {}

  void Start(Done done) override {
    next_(response_, &request_);
    response_.Clear();
    context_.emplace();
    (stub_->async()->*method_)(&*context_, &request_, &response_,
                               [done = std::move(done)](const grpc::Status& status) { done(status); });
  }

  void Cancel() override {
    if (context_) context_->TryCancel();
  }

 private:
  const std::unique_ptr<Stub> stub_;
  const Method method_;
  const Next next_;
  std::optional<grpc::ClientContext> context_;
  Request request_;
  Response response_;
};

}  // namespace lamppost::bench

#endif  // LAMPPOST_TESTS_BENCH_UNARY_LANE_H_
