// A watcher that notes all that it is told, on a thread of its own.
//
// Thread-safe.
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_WATCH_LOG_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_WATCH_LOG_H_

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cpp/client.h"
#include "clients/cpp/watcher.h"
#include "services/clock/timestamp.h"
#include "services/common/clock_proto.h"

namespace lamppost::testing {

class WatchLog {
 public:
  WatchLog(const client::ClientOptions& nodes, client::WatchOptions options)
      : client_(nodes), watcher_(&client_, std::move(options)), thread_([this] { Run(); }) {}
  ~WatchLog() { Stop(); }

  void Stop() {
    watcher_.Stop();
    if (thread_.joinable()) thread_.join();
  }

  // The texts of the keys that have one, by what was told.
  std::map<std::string, std::string> View() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return view_;
  }
  bool HasHeard() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return messages_ > 0;
  }
  size_t events() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return told_.size();
  }
  kv::v1::Session session() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return session_;
  }
  // The versions told of a key.
  size_t VersionsOf(const std::string& key) const {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto it = versions_.find(key);
    return it == versions_.end() ? 0 : it->second;
  }
  // What was told twice, or behind a higher version of its key.
  std::vector<std::string> Wrong() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return wrong_;
  }
  // After Stop, or once the watch has ended by itself.
  const absl::Status& status() const { return watcher_.status(); }

 private:
  void Run() {
    while (watcher_.Next()) {
      std::lock_guard<std::mutex> lock(mutex_);
      ++messages_;
      session_ = watcher_.message().session();
      for (const kv::v1::WatchEvent& event : watcher_.message().events()) Note(event);
    }
  }

  void Note(const kv::v1::WatchEvent& event) {
    const Timestamp version = FromProto(event.version());
    Timestamp& last = last_[event.key()];
    if (!told_.insert({event.key(), version}).second) {
      wrong_.push_back(absl::StrCat("told twice: ", event.key(), " ", ToString(version)));
    } else if (!(last < version)) {
      wrong_.push_back(absl::StrCat("out of order: ", event.key(), " ", ToString(version)));
    }
    last = version;
    ++versions_[event.key()];
    if (event.deleted()) {
      view_.erase(event.key());
    } else {
      view_[event.key()] = event.value().text();
    }
  }

  client::Client client_;
  client::Watcher watcher_;
  mutable std::mutex mutex_;
  int messages_ = 0;
  std::map<std::string, std::string> view_;
  std::map<std::string, Timestamp> last_;
  std::map<std::string, size_t> versions_;
  std::set<std::pair<std::string, Timestamp>> told_;
  std::vector<std::string> wrong_;
  kv::v1::Session session_;
  std::thread thread_;
};

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_WATCH_LOG_H_
