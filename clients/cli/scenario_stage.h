// What a scenario is played on: three members of a cluster, the faults on the links between them, and the
// words with which it is told.
#ifndef LAMPPOST_CLIENTS_CLI_SCENARIO_STAGE_H_
#define LAMPPOST_CLIENTS_CLI_SCENARIO_STAGE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/directory.h"
#include "clients/cli/session.h"
#include "clients/cpp/admin_client.h"
#include "clients/cpp/client.h"
#include "clients/cpp/client_session.h"

namespace lamppost::cli {

// One of the three.
struct Actor {
  std::string node_id;
  Address address;
  std::unique_ptr<client::Client> client;  // asks this node only
  std::unique_ptr<client::AdminClient> admin;
};

// For one thread, but for Stop. What fails gives an error, and the scenario is over.
class ScenarioStage {
 public:
  // How long the cluster may take for what takes it a moment.
  static constexpr int64_t kPatienceMs = 15'000;

  // Finds the first three members by their ids and makes sure that all take faults and have none. The session
  // must outlive this. FAILED_PRECONDITION: FAULTS_DISABLED, TOO_FEW_MEMBERS, FAULTS_PRESENT, KEYS_PRESENT.
  static absl::StatusOr<std::unique_ptr<ScenarioStage>> Open(Session* session, const Directory& directory);

  Actor& a() { return actors_[0]; }
  Actor& b() { return actors_[1]; }
  Actor& c() { return actors_[2]; }
  std::vector<Actor>& actors() { return actors_; }
  client::TimeSource& time() { return session_->time(); }

  // From any thread: whatever it waits for, it ends soon, CANCELLED.
  void Stop() { stopped_ = true; }

  // ---- Telling
  void Title(const std::string& text);
  void Expect(const std::string& text);  // what is to come
  void Act(const std::string& text);
  void See(const std::string& text);  // what has come as expected

  // ---- Acting; each says what it does
  absl::Status SetFault(Actor& from, kv::v1::LinkFault fault, const std::string& what);
  // Ends all faults that it has set, and are not ended yet. Tries all in any case; the first error.
  absl::Status ClearFaults();
  // Gives the version.
  absl::StatusOr<kv::v1::PutResponse> Put(Actor& at, const std::string& key, const std::string& value,
                                          uint32_t replicas = 1);
  absl::Status Delete(Actor& at, const std::string& key);
  // What the node has of the key now: its text, or "" if it has none.
  absl::StatusOr<std::string> Read(Actor& at, const std::string& key);
  // The same for a client who has seen this: the node waits for it.
  absl::StatusOr<std::string> ReadAfter(Actor& at, const std::string& key, const kv::v1::Session& seen);

  // Tries until `holds` says so. FAILED_PRECONDITION (NOT_AS_PROMISED) when it has not after kPatienceMs. An
  // error that `holds` gives is one of the cluster's: it is tried again, and told in the end.
  absl::Status Await(const std::string& what, const std::function<absl::StatusOr<bool>()>& holds);
  // All nodes have the same, and prove it.
  absl::Status AwaitConverged();
  // Ends the faults, settles the conflicts of the keys that were put, and deletes these.
  absl::Status CleanUp();

  // FAILED_PRECONDITION (NOT_AS_PROMISED).
  static absl::Status NotAsPromised(const std::string& what);

 private:
  ScenarioStage(Session* session, std::vector<Actor> actors)
      : session_(session), actors_(std::move(actors)) {}
  absl::Status CheckFaults();
  absl::Status CheckKeys();
  void Say(const std::string& text);

  Session* const session_;
  std::vector<Actor> actors_;
  std::vector<std::pair<size_t, std::string>> faults_;  // set: by whom, and where to
  std::vector<std::string> keys_;                       // put
  client::ClientSession seen_;                          // of all that was put
  std::atomic<bool> stopped_{false};
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_SCENARIO_STAGE_H_
