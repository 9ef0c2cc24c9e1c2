#include "tests/integration/testing/cluster.h"

#include <signal.h>

#include <filesystem>
#include <iostream>
#include <set>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

constexpr size_t kShownLogBytes = 4000;

std::vector<std::string> TlsFlags(const std::string& directory, const std::string& id) {
  const std::string stem = absl::StrCat(directory, "/node-", id);
  return {"--tls-cert", stem + ".crt",         "--tls-key",     stem + ".key",
          "--tls-ca",   directory + "/ca.crt", "--access-file", directory + "/access"};
}

}  // namespace

Node::Node(NodeOptions options)
    : options_(std::move(options)),
      log_path_(NewTestPath(absl::StrCat("node-", options_.id, ".log"))),
      client_(ClientWith(options_.credentials)) {}

Node::~Node() {
  Kill();
  if (!::testing::Test::HasFailure()) return;
  const std::string log = Log();
  const size_t begin = log.size() > kShownLogBytes ? log.size() - kShownLogBytes : 0;
  std::cerr << "---- the log of node " << id() << (begin > 0 ? ", its end\n" : "\n") << log.substr(begin)
            << "----\n";
}

std::unique_ptr<KvClient> Node::ClientWith(const KvClient::Credentials& credentials) const {
  return std::make_unique<KvClient>(address(), absl::Seconds(10), credentials);
}

std::string Node::address() const {
  return absl::StrCat(options_.host, ":", options_.port);
}

absl::Status Node::Launch() {
  ProcessOptions options;
  options.command = options_.launcher;
  options.command.insert(options.command.end(), {kNodeProgram, "--id", id(), "--port", absl::StrCat(port()),
                                                 "--data-dir", data_directory()});
  if (!peers_.empty()) options.command.insert(options.command.end(), {"--peers", absl::StrJoin(peers_, ",")});
  options.command.insert(options.command.end(), options_.flags.begin(), options_.flags.end());
  options.output_path = log_path_;
  absl::StatusOr<std::unique_ptr<Process>> process = Process::Start(options);
  if (!process.ok()) return process.status();
  process_ = *std::move(process);
  return absl::OkStatus();
}

absl::Status Node::Start() {
  if (absl::Status status = Launch(); !status.ok()) return status;
  return WaitServing();
}

absl::Status Node::WaitServing(absl::Duration limit) {
  absl::Status status = WaitFor(absl::StrCat("node ", id(), " to serve"), limit,
                                [this] { return !process_->IsRunning() || client_->IsServing(); });
  if (status.ok() && !process_->IsRunning()) {
    return absl::UnavailableError(absl::StrCat("node ", id(), " has ended: ", Log()));
  }
  return status;
}

absl::StatusOr<int> Node::Stop(absl::Duration limit) {
  process_->Signal(SIGTERM);
  return process_->Wait(limit);
}

void Node::Kill() {
  if (process_) process_->Kill();
}

void Node::Pause() {
  process_->Signal(SIGSTOP);
}

void Node::Resume() {
  process_->Signal(SIGCONT);
}

void Node::WipeDisk() {
  std::error_code error;
  std::filesystem::remove_all(data_directory(), error);
}

absl::Status WaitConverged(const std::vector<Node*>& nodes, absl::Duration limit) {
  std::string last;
  const absl::Status status = WaitFor("the nodes to converge", limit, [&nodes, &last] {
    std::set<std::string> contents;
    last.clear();
    bool converged = true;
    for (Node* node : nodes) {
      const absl::StatusOr<kv::v1::StatusResponse> response = node->client()->Status();
      if (!response.ok()) return false;
      converged &= response->converged();
      contents.insert(absl::StrCat(response->content_hash(), "/", response->keys()));
      absl::StrAppend(&last, "\n", node->id(), ": ", response->ShortDebugString());
    }
    return converged && contents.size() == 1;
  });
  if (status.ok()) return status;
  return absl::DeadlineExceededError(absl::StrCat(status.message(), last));
}

Cluster::Cluster(const ClusterOptions& options) {
  for (const std::string& id : options.ids) {
    const int port = ReservePort().value();
    NodeOptions node;
    node.id = id;
    node.port = port;
    node.data_directory = NewTestPath(absl::StrCat("data-", id));
    node.flags = options.flags;
    if (!options.tls_directory.empty()) {
      const std::vector<std::string> tls = TlsFlags(options.tls_directory, id);
      node.flags.insert(node.flags.end(), tls.begin(), tls.end());
      node.credentials = options.credentials;
    }
    nodes_[id] = std::make_unique<Node>(std::move(node));
  }
  for (const auto& [id, node] : nodes_) {
    std::vector<std::string> peers;
    for (const auto& [other, other_node] : nodes_) {
      if (other == id) continue;
      int port = other_node->port();
      if (options.links == Links::kProxied) {
        auto& link = links_[{id, other}];
        link = std::make_unique<LinkProxy>(port);
        port = link->port();
      }
      peers.push_back(absl::StrCat(options.tls_directory.empty() ? "http" : "https", "://127.0.0.1:", port));
    }
    node->set_peers(std::move(peers));
  }
}

absl::Status Cluster::StartAll() {
  for (const auto& [id, node] : nodes_) {
    if (absl::Status status = node->Launch(); !status.ok()) return status;
  }
  for (const auto& [id, node] : nodes_) {
    if (absl::Status status = node->WaitServing(); !status.ok()) return status;
  }
  return WaitConverged();
}

std::vector<std::string> Cluster::ids() const {
  std::vector<std::string> ids;
  for (const auto& [id, node] : nodes_) ids.push_back(id);
  return ids;
}

void Cluster::SetBoth(const std::string& one, const std::string& other, LinkProxy::Mode mode) {
  link(one, other)->SetMode(mode);
  link(other, one)->SetMode(mode);
}

absl::Status Cluster::WaitConverged(absl::Duration limit) {
  std::vector<Node*> nodes;
  for (const auto& [id, node] : nodes_) nodes.push_back(node.get());
  return testing::WaitConverged(nodes, limit);
}

absl::Status Cluster::WaitText(const std::string& id, const std::string& key, const std::string& text,
                               absl::Duration limit) {
  return WaitFor(absl::StrCat(key, "=", text, " at ", id), limit,
                 [&] { return client(id)->Text(key) == text; });
}

kv::v1::PeerStatus Cluster::PeerOf(const std::string& of, const std::string& peer) {
  const absl::StatusOr<kv::v1::StatusResponse> response = client(of)->Status();
  if (!response.ok()) return {};
  for (const kv::v1::PeerStatus& status : response->peers()) {
    if (status.node_id() == peer) return status;
  }
  return {};
}

}  // namespace lamppost::testing
