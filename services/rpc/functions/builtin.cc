#include "services/rpc/functions/builtin.h"

namespace lamppost::rpc {
namespace {

class BuiltInRunnable final : public Runnable {
 public:
  BuiltInRunnable(BuiltInHandler handler, std::shared_ptr<BuiltInPool> pool)
      : handler_(std::make_shared<const BuiltInHandler>(std::move(handler))), pool_(std::move(pool)) {}

  void Start(RunRequest request, RunSink* sink) override { pool_->Start(handler_, std::move(request), sink); }
  void Kill(RunId run) override { pool_->Kill(run); }

 private:
  const std::shared_ptr<const BuiltInHandler> handler_;
  const std::shared_ptr<BuiltInPool> pool_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Function>> MakeFunction(BuiltIn builtin,
                                                             std::shared_ptr<BuiltInPool> pool) {
  auto params = ParamsSchema::Compile(std::move(builtin.schema));
  if (!params.ok()) return params.status();
  auto function = std::make_shared<Function>();
  function->spec = std::move(builtin.spec);
  function->params = *std::move(params);
  function->runnable = std::make_shared<BuiltInRunnable>(std::move(builtin.handler), std::move(pool));
  return function;
}

}  // namespace lamppost::rpc
