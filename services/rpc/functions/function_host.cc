#include "services/rpc/functions/function_host.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "services/common/error.h"
#include "services/common/logging.h"
#include "services/rpc/functions/builtin_pool.h"
#include "services/rpc/functions/builtins.h"
#include "services/rpc/functions/directory_watcher.h"
#include "services/rpc/functions/functions_directory.h"
#include "services/rpc/functions/program_host.h"

namespace lamppost::rpc {
namespace {

bool SameProblems(const Registry& a, const Registry& b) {
  if (a.problems().size() != b.problems().size()) return false;
  for (size_t i = 0; i < a.problems().size(); ++i) {
    if (a.problems()[i].file != b.problems()[i].file || a.problems()[i].message != b.problems()[i].message)
      return false;
  }
  return true;
}

void LogRegistry(const Registry& registry) {
  for (const FunctionProblem& problem : registry.problems())
    Log(LogLevel::kWarn, "a manifest defines no function",
        {{"file", problem.file}, {"problem", problem.message}});
  Log(LogLevel::kInfo, "functions",
      {{"count", registry.functions().size()}, {"problems", registry.problems().size()}});
}

}  // namespace

class FunctionHost::Impl {
 public:
  Impl(FunctionHostOptions options, Launcher launcher, OnChange on_change)
      : options_(std::move(options)), launcher_(std::move(launcher)), on_change_(std::move(on_change)) {}
  ~Impl() { Stop(); }

  absl::Status Start() {
    absl::StatusOr<std::unique_ptr<ProgramHost>> programs =
        ProgramHost::Start(launcher_.fd(), [this] { TellLauncherGone(); });
    if (!programs.ok()) return HostFailed(programs.status());
    programs_ = *std::move(programs);
    pool_ = std::make_shared<BuiltInPool>(options_.builtin_threads);
    if (absl::Status status = MakeBuiltIns(); !status.ok()) return status;
    if (options_.functions_directory.empty()) {
      registry_ = MakeRegistry({});
      return absl::OkStatus();
    }
    std::error_code error;
    const std::string path =
        std::filesystem::absolute(options_.functions_directory, error).lexically_normal();
    directory_.emplace(error ? options_.functions_directory : path, programs_);
    registry_ = MakeRegistry(directory_->Load());
    LogRegistry(*registry_);
    return Watch(path);
  }

  std::shared_ptr<const Registry> registry() const {
    absl::MutexLock lock(&mu_);
    return registry_;
  }

  void Stop() {
    if (watcher_ != nullptr) watcher_->Stop();
    if (pool_ != nullptr) pool_->Stop();
    if (programs_ != nullptr) programs_->Stop();
  }

 private:
  static absl::Status HostFailed(const absl::Status& status) {
    return MakeError(absl::StatusCode::kInternal, "FUNCTION_HOST_FAILED", status.message());
  }

  void TellLauncherGone() const {
    if (!options_.on_fatal_error) return;
    options_.on_fatal_error(MakeError(absl::StatusCode::kInternal, "LAUNCHER_GONE",
                                      "the process that starts programs has been killed"));
  }

  absl::Status MakeBuiltIns() {
    std::vector<BuiltIn> builtins = PlainBuiltIns();
    builtins.push_back(CounterBuiltIn(options_.counter_directory));
    for (BuiltIn& each : builtins) {
      absl::StatusOr<Registry::FunctionPtr> function = MakeFunction(std::move(each), pool_);
      if (!function.ok()) return HostFailed(function.status());
      builtins_.push_back(*std::move(function));
    }
    return absl::OkStatus();
  }

  absl::Status Watch(const std::string& path) {
    DirectoryWatcher::Hooks hooks;
    hooks.matters = [this](absl::string_view name) {
      return absl::EndsWith(name, ".json") || directory_->program_files().count(std::string(name)) > 0;
    };
    hooks.changed = [this] { Reload(); };
    absl::StatusOr<std::unique_ptr<DirectoryWatcher>> watcher =
        DirectoryWatcher::Start(path, std::move(hooks));
    if (!watcher.ok()) return HostFailed(watcher.status());
    watcher_ = *std::move(watcher);
    return absl::OkStatus();
  }

  // On the watcher's thread, which alone touches the directory from its start on.
  void Reload() {
    const std::shared_ptr<const Registry> before = registry();
    std::shared_ptr<const Registry> now = MakeRegistry(directory_->Load());
    if (now->functions() == before->functions() && SameProblems(*now, *before)) return;
    LogRegistry(*now);
    {
      absl::MutexLock lock(&mu_);
      registry_ = now;
    }
    if (on_change_) on_change_(std::move(now));
  }

  std::shared_ptr<const Registry> MakeRegistry(FunctionsDirectory::Contents contents) const {
    auto registry = std::make_shared<Registry>();
    for (const Registry::FunctionPtr& each : builtins_) {
      const absl::Status status = registry->Add(each);
      if (!status.ok()) registry->AddProblem({each->spec.name, std::string(status.message())});
    }
    for (const Registry::FunctionPtr& each : contents.functions) {
      const absl::Status status = registry->Add(each);
      if (!status.ok()) registry->AddProblem({each->spec.source, std::string(status.message())});
    }
    for (FunctionProblem& problem : contents.problems) registry->AddProblem(std::move(problem));
    return registry;
  }

  const FunctionHostOptions options_;
  const Launcher launcher_;
  const OnChange on_change_;
  // Shared with the functions, which may live longer.
  std::shared_ptr<ProgramHost> programs_;
  std::shared_ptr<BuiltInPool> pool_;
  std::vector<Registry::FunctionPtr> builtins_;
  std::optional<FunctionsDirectory> directory_;
  std::unique_ptr<DirectoryWatcher> watcher_;
  mutable absl::Mutex mu_;
  std::shared_ptr<const Registry> registry_ ABSL_GUARDED_BY(mu_);
};

absl::StatusOr<std::unique_ptr<FunctionHost>> FunctionHost::Start(FunctionHostOptions options,
                                                                  Launcher launcher, OnChange on_change) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(launcher), std::move(on_change));
  if (absl::Status status = impl->Start(); !status.ok()) return status;
  return std::unique_ptr<FunctionHost>(new FunctionHost(std::move(impl)));
}

FunctionHost::FunctionHost(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

FunctionHost::~FunctionHost() = default;

std::shared_ptr<const Registry> FunctionHost::registry() const {
  return impl_->registry();
}

void FunctionHost::Stop() {
  impl_->Stop();
}

}  // namespace lamppost::rpc
