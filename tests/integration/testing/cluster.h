// Real nodes on loopback, each a process of its own with its own data directory.
//
// Peers reach each other through one LinkProxy for each directed pair, or directly. Not thread-safe; the
// clients of the nodes are. When a test has failed, the end of every node's log is shown.
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_CLUSTER_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_CLUSTER_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/integration/testing/kv_client.h"
#include "tests/integration/testing/link_proxy.h"
#include "tests/integration/testing/process.h"

namespace lamppost::testing {

// Where Bazel puts the program under test.
inline constexpr char kNodeProgram[] = "services/kv/server/lamppost-kv";

struct NodeOptions {
  std::string id;
  std::string host = "127.0.0.1";  // where the test reaches it
  int port = 0;
  std::string data_directory;
  std::vector<std::string> flags;     // beside --id, --port, --peers, --data-dir
  std::vector<std::string> launcher;  // goes before the program: one that becomes it
  KvClient::Credentials credentials;  // of its client; null: plain text
};

// One node. Its port and data directory stay the same over restarts.
class Node {
 public:
  explicit Node(NodeOptions options);
  // Shows the log's end if the test has failed.
  ~Node();

  // Starts the process; does not wait for it to serve.
  absl::Status Launch();
  // Starts the process and waits until it serves.
  absl::Status Start();
  absl::Status WaitServing(absl::Duration limit = absl::Seconds(20));
  // SIGTERM; the exit code.
  absl::StatusOr<int> Stop(absl::Duration limit = absl::Seconds(20));
  // SIGKILL.
  void Kill();
  void Pause();   // SIGSTOP
  void Resume();  // SIGCONT
  // Removes the data directory; the node must not run.
  void WipeDisk();

  const std::string& id() const { return options_.id; }
  int port() const { return options_.port; }
  std::string address() const;
  const std::string& data_directory() const { return options_.data_directory; }
  std::string Log() const { return ReadFile(log_path_); }
  Process* process() { return process_.get(); }
  KvClient* client() { return client_.get(); }
  // With the credentials of NodeOptions, or with these.
  std::unique_ptr<KvClient> ClientWith(const KvClient::Credentials& credentials) const;
  void set_peers(std::vector<std::string> addresses) { peers_ = std::move(addresses); }
  std::vector<std::string>* flags() { return &options_.flags; }

 private:
  NodeOptions options_;
  const std::string log_path_;
  std::vector<std::string> peers_;
  std::unique_ptr<Process> process_;
  const std::unique_ptr<KvClient> client_;
};

// Until every node says that it is converged and all have the same content.
absl::Status WaitConverged(const std::vector<Node*>& nodes, absl::Duration limit);

enum class Links { kDirect, kProxied };

struct ClusterOptions {
  std::vector<std::string> ids = {"A", "B", "C"};
  Links links = Links::kDirect;
  std::vector<std::string> flags;  // of every node
  // Of `lamppost tls init`, with a certificate for each of ids, for 127.0.0.1; empty: plain text.
  std::string tls_directory;
  KvClient::Credentials credentials;  // of the nodes' clients; with TLS only
};

class Cluster {
 public:
  // Chooses ports and directories; starts nothing.
  explicit Cluster(const ClusterOptions& options);

  absl::Status StartAll();
  Node* node(const std::string& id) { return nodes_.at(id).get(); }
  KvClient* client(const std::string& id) { return node(id)->client(); }
  std::vector<std::string> ids() const;

  // The way of what `from` sends to `to`. Only with Links::kProxied.
  LinkProxy* link(const std::string& from, const std::string& to) { return links_.at({from, to}).get(); }
  // Both ways between the two.
  void SetBoth(const std::string& one, const std::string& other, LinkProxy::Mode mode);

  absl::Status WaitConverged(absl::Duration limit = absl::Seconds(30));
  // Until the node has the text for the key.
  absl::Status WaitText(const std::string& id, const std::string& key, const std::string& text,
                        absl::Duration limit);
  // What node `of` says of its peer `peer`; empty if it says nothing.
  kv::v1::PeerStatus PeerOf(const std::string& of, const std::string& peer);

 private:
  std::map<std::pair<std::string, std::string>, std::unique_ptr<LinkProxy>> links_;
  std::map<std::string, std::unique_ptr<Node>> nodes_;
};

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_CLUSTER_H_
