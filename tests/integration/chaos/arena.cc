#include "tests/integration/chaos/arena.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/clock_proto.h"
#include "tests/integration/testing/namespaces.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::chaos {
namespace {

constexpr uint64_t kSmallDiskBytes = uint64_t{128} << 20;
constexpr uint64_t kReserveBytes = uint64_t{24} << 20;
constexpr absl::Duration kLookLimit = absl::Milliseconds(300);
constexpr absl::Duration kServeLimit = absl::Seconds(20);
constexpr absl::Duration kConvergeLimit = absl::Seconds(30);

// A deletion of a key that nobody has, so that it shows nowhere in the contents.
absl::Status WaitForAWrite(testing::Node* node) {
  absl::Status last;
  const absl::Status status =
      testing::WaitFor(absl::StrCat("node ", node->id(), " to take a write"), kServeLimit, [&] {
        last = node->client()->Delete("nobody's").status();
        return last.ok();
      });
  if (status.ok()) return status;
  return absl::DeadlineExceededError(absl::StrCat(status.message(), ": ", last.ToString()));
}

absl::StatusOr<history::Contents> ContentsOf(testing::Node* node) {
  history::Contents contents;
  kv::v1::ScanRequest request;
  do {
    absl::StatusOr<kv::v1::ScanResponse> page = node->client()->Scan(request);
    if (!page.ok()) return page.status();
    for (const kv::v1::KeyValue& entry : page->entries()) {
      contents[entry.key()] = {entry.key(), entry.value().text(), FromProto(entry.version())};
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return contents;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Arena>> Arena::Make(const Options& options, std::unique_ptr<Network> network,
                                                   SmallDisk small_disk) {
  std::unique_ptr<Arena> arena(new Arena);
  arena->network_ = std::move(network);
  for (int i = 0; i < options.nodes; ++i) {
    const Place place = arena->network_->PlaceOf(i);
    testing::NodeOptions node;
    node.id = std::string(1, static_cast<char>('A' + i));
    node.host = place.control_host;
    node.port = place.port;
    node.data_directory = testing::NewTestPath(absl::StrCat("data-", node.id));
    node.launcher = place.launcher;
    // Small, so that flushes and compactions happen while the run strikes.
    node.flags = {"--durability", options.durability, "--memtable-bytes", "2097152"};
    if (small_disk == SmallDisk::kMounted && i == options.nodes - 1) {
      const std::string& disk = arena->small_disk_path_ = testing::NewTestPath("small-disk");
      if (mkdir(disk.c_str(), 0700) != 0) return absl::InternalError(absl::StrCat("no directory ", disk));
      if (absl::Status status = testing::MountSmallDisk(disk, kSmallDiskBytes); !status.ok()) return status;
      node.data_directory = disk + "/data";
      node.flags.insert(node.flags.end(), {"--disk-reserve-bytes", absl::StrCat(kReserveBytes)});
    }
    arena->heads_.emplace_back();
    arena->heads_.back().client =
        std::make_unique<testing::KvClient>(absl::StrCat(node.host, ":", node.port), kLookLimit);
    arena->nodes_.push_back(std::make_unique<testing::Node>(std::move(node)));
    arena->nodes_.back()->set_peers(place.peers);
  }
  return arena;
}

Arena::~Arena() {
  nodes_.clear();
  if (!small_disk_path_.empty()) testing::UnmountSmallDisk(small_disk_path_);
}

absl::Status Arena::Start() {
  for (const auto& node : nodes_) {
    if (absl::Status status = node->Launch(); !status.ok()) return status;
  }
  return WaitHealthy();
}

std::vector<Target> Arena::targets() const {
  std::vector<Target> targets;
  for (int i = 0; i < size(); ++i) targets.push_back({nodes_[i]->id(), network_->PlaceOf(i).client_address});
  return targets;
}

// Quietly: the reserve is left, and the node refuses writes. Loudly: there is no room for what it still
// has to write either.
absl::Status Arena::TakeRoom(Manner manner) {
  return testing::FillDisk(BallastPath(), manner == Manner::kLoud ? uint64_t{1} << 20 : kReserveBytes / 2);
}

void Arena::GiveRoom() {
  if (!small_disk_path_.empty()) unlink(BallastPath().c_str());
}

void Arena::LookAtHeads(int node) {
  HeadsSeen& seen = heads_[node];
  const absl::StatusOr<kv::v1::StatusResponse> status = seen.client->Status();
  if (!status.ok()) return;
  const int process = nodes_[node]->process()->pid();
  if (seen.said_by == process) seen.durable.RaiseAll(seen.said);
  seen.said = kv::Heads();
  seen.said_by = process;
  for (const auto& head : status->heads()) seen.said.Raise(FromProto(head.origin()), head.counter());
}

// One that cannot answer has at least what it said before; having less in the account only excuses more.
kv::Heads Arena::KeptWithout(int node) {
  kv::Heads kept;
  for (int i = 0; i < size(); ++i) {
    if (i == node) continue;
    for (int look = 0; look < 2 && nodes_[i]->process()->IsRunning(); ++look) LookAtHeads(i);
    kept.RaiseAll(heads_[i].durable);
  }
  return kept;
}

void Arena::WipeDisk(int node) {
  nodes_[node]->WipeDisk();
  heads_[node].durable = kv::Heads();
  heads_[node].said = kv::Heads();
}

std::vector<testing::Node*> Arena::AllNodes() {
  std::vector<testing::Node*> nodes;
  for (const auto& node : nodes_) nodes.push_back(node.get());
  return nodes;
}

absl::Status Arena::WaitHealthy() {
  for (const auto& node : nodes_) {
    if (absl::Status status = node->WaitServing(kServeLimit); !status.ok()) return status;
    if (absl::Status status = WaitForAWrite(node.get()); !status.ok()) return status;
  }
  return testing::WaitConverged(AllNodes(), kConvergeLimit);
}

// A write whose client has hung up may still be on its way in some queue; so it is read until nothing moved.
absl::StatusOr<std::map<std::string, history::Contents>> Arena::ReadContents() {
  const auto hashes = [this] {
    std::string all;
    for (const auto& node : nodes_) {
      const auto status = node->client()->Status();
      if (status.ok()) absl::StrAppend(&all, status->content_hash(), " ");
    }
    return all;
  };
  constexpr int kReadingsMax = 10;
  std::map<std::string, history::Contents> all;
  std::string before = hashes();
  for (int reading = 0; reading < kReadingsMax; ++reading) {
    for (const auto& node : nodes_) {
      absl::StatusOr<history::Contents> contents = ContentsOf(node.get());
      if (!contents.ok()) return contents.status();
      all[node->id()] = *std::move(contents);
    }
    std::string after = hashes();
    if (after == before) break;
    before = std::move(after);
  }
  return all;
}

}  // namespace lamppost::chaos
