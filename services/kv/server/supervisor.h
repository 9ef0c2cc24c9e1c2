// Runs a node for as long as the process is to serve, and heals it when its data turns out to be damaged.
//
// Damage is confirmed first, by a look at every table. Then, if there are peers to get the data back from,
// the node is drained and closed, the damaged tables are set aside, and the node starts again in the same
// process and at the same port, on what is left: it takes writes, and refuses reads until a peer has given it
// everything. A node without peers goes on as it is: what is damaged is refused, and everything else is
// served.
#ifndef LAMPPOST_SERVICES_KV_SERVER_SUPERVISOR_H_
#define LAMPPOST_SERVICES_KV_SERVER_SUPERVISOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "services/common/service_notices.h"
#include "services/common/signal_waiter.h"
#include "services/kv/server/node.h"
#include "services/kv/server/settings.h"

namespace lamppost::kv {

// Not thread-safe: all of it on the thread that made the SignalWaiter.
class Supervisor {
 public:
  // Both must outlive the supervisor.
  Supervisor(Settings settings, SignalWaiter* signals, ServiceNotices* notices)
      : settings_(std::move(settings)), signals_(signals), notices_(notices) {}

  // Serves until a signal comes or nothing can be stored any more; the process's exit code.
  int Run();

 private:
  enum class End { kBySignal, kByFailure, kByDamage };

  // What the node's threads have told.
  struct News {
    absl::Mutex mutex;
    absl::Status failure ABSL_GUARDED_BY(mutex);
    absl::Status damage ABSL_GUARDED_BY(mutex);
  };

  absl::StatusOr<std::unique_ptr<Node>> Start();
  End Serve(Node* node);
  // Looks at what the node has told; how the node ends, if it does.
  std::optional<End> Consider(Node* node);
  void BeginCheck(Node* node, const absl::Status& damage, uint64_t delay_ms);
  std::optional<End> EndCheck();
  void StopCheck();
  bool SetAside(const std::string& directory, const std::vector<std::string>& tables);
  // Of a directory that no node could be opened on.
  bool HealClosed();

  Settings settings_;
  SignalWaiter* const signals_;
  ServiceNotices* const notices_;
  std::shared_ptr<News> news_;     // of the present node
  std::optional<Identity> owner_;  // once a node was opened on the directory
  bool closed_heal_tried_ = false;

  // A check of all tables under way, or its result.
  struct Check {
    Check() : pace(0) {}
    Pace pace;
    std::thread thread;
    bool contents_damaged = false;
    absl::Mutex mutex;
    std::optional<absl::StatusOr<TablesReport>> report ABSL_GUARDED_BY(mutex);
  };
  std::unique_ptr<Check> check_;
  uint64_t next_check_ms_ = 0;
  uint64_t next_lonely_log_ms_ = 0;
  std::vector<std::string> damaged_;  // tables, confirmed
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_SUPERVISOR_H_
