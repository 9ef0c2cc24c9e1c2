#include "services/kv/core/testing/script.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/common/error.h"
#include "services/kv/core/check.h"
#include "services/kv/core/conflict.h"
#include "services/kv/core/membership.h"
#include "services/kv/core/testing/lose_version.h"
#include "services/kv/core/testing/store_audit.h"

namespace lamppost::kv::testing {
namespace {

constexpr absl::string_view kDashes = "----";
constexpr int kStabilizeRounds = 60;

Value TextOf(absl::string_view text) {
  return Value{Value::Kind::kText, std::string(text)};
}

// "A->B"
struct Direction {
  std::string from;
  std::string to;
};

Direction ParseDirection(const std::string& word) {
  const std::pair<std::string, std::string> ends = absl::StrSplit(word, absl::MaxSplits("->", 1));
  return {ends.first, ends.second};
}

// "x=1" writes, "-x" deletes.
Operation ParseOperation(const std::string& word) {
  if (absl::StartsWith(word, "-")) return {word.substr(1), std::nullopt};
  const std::pair<std::string, std::string> parts = absl::StrSplit(word, absl::MaxSplits('=', 1));
  return {parts.first, TextOf(parts.second)};
}

}  // namespace

std::string Script::Play(const std::string& text) {
  Script script;
  std::string result;
  bool in_expectation = false;
  for (absl::string_view line : absl::StrSplit(absl::StripSuffix(text, "\n"), '\n')) {
    if (line.empty()) in_expectation = false;
    if (in_expectation) continue;
    absl::StrAppend(&result, line, "\n");
    if (line == kDashes) {
      in_expectation = true;
      absl::StrAppend(&result, script.said_.empty() ? "ok\n" : script.said_);
      script.said_.clear();
    } else if (!line.empty() && line[0] != '#') {
      script.Command(std::string(line));
    }
  }
  return result;
}

void Script::Say(const std::string& line) {
  if (quiet_ == 0) absl::StrAppend(&said_, line, "\n");
}

void Script::OnCommitted(NodeIndex node, const Output& output, CrashPoint crash) {
  for (const std::string& line : DescribeGroup(*cluster_, node, output, crash, detail_)) Say(line);
}

Cluster& Script::cluster() {
  if (cluster_ == nullptr) cluster_ = std::make_unique<Cluster>(specs_, tuning_, this);
  return *cluster_;
}

void Script::Command(const std::string& line) {
  if (absl::StartsWith(line, "quietly ")) {
    ++quiet_;
    Command(line.substr(8));
    --quiet_;
    return;
  }
  Words words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  CrashPoint crash = CrashPoint::kNone;
  if (words[0] == "dying") {  // dying A before send: put A x 10
    crash = words[3] == "commit:" ? CrashPoint::kBeforeCommit : CrashPoint::kBeforeSend;
    words.erase(words.begin(), words.begin() + 4);
  }
  const bool known = SetUp(words) || Process(words) || Disk(words) || Client(words, crash) ||
                     Members(words) || LedgerOf(words) || Network(words) || Wire(words) || Look(words);
  if (!known) Say(absl::StrCat("unknown command: ", line));
}

bool Script::SetUp(const Words& words) {
  if (words[0] == "cluster") {
    for (NodeSpec& spec : FullMesh(Words(words.begin() + 1, words.end()))) specs_.push_back(std::move(spec));
  } else if (words[0] == "node") {
    AddNode(words);
  } else if (words[0] == "tuning") {
    SetTuning(words);
  } else {
    return false;
  }
  LAMPPOST_CHECK(cluster_ == nullptr, "the cluster has already been started");
  return true;
}

void Script::AddNode(const Words& words) {
  NodeSpec spec;
  spec.address = spec.node_id = words[1];
  for (size_t i = 2; i < words.size(); ++i) {
    const Operation option = ParseOperation(words[i]);
    const std::string& value = option.value->bytes;
    if (option.key == "id") spec.node_id = value;
    if (option.key == "cluster") spec.cluster = value;
    if (option.key == "peers") spec.peers = absl::StrSplit(value, ',', absl::SkipEmpty());
  }
  specs_.push_back(std::move(spec));
}

void Script::SetTuning(const Words& words) {
  for (size_t i = 1; i < words.size(); ++i) {
    const Operation option = ParseOperation(words[i]);
    uint64_t number = 0;
    LAMPPOST_CHECK(absl::SimpleAtoi(option.value->bytes, &number), "a tuning is not a number");
    if (option.key == "chunk_bytes") tuning_.chunk_bytes = number;
    if (option.key == "window_bytes") tuning_.window_bytes = number;
    if (option.key == "seed") tuning_.seed = number;
    if (option.key == "relay_ms") tuning_.relay_ms = number;
    if (option.key == "live_gather_ms") tuning_.live_gather_ms = number;
    if (option.key == "repair_after_ms") tuning_.repair_after_ms = number;
    if (option.key == "live_gather_bytes") tuning_.live_gather_bytes = number;
    if (option.key == "requests_max") tuning_.requests_max = number;
    if (option.key == "ledger_entries_max") tuning_.ledger_entries_max = number;
  }
}

bool Script::Process(const Words& words) {
  if (words[0] == "start" || words[0] == "restart") {
    for (size_t i = 1; i < words.size(); ++i) {
      const absl::Status status = cluster().Start(Node(words[i]));
      if (!status.ok()) Say(absl::StrCat(words[i], " does not start: ", status.message()));
    }
  } else if (words[0] == "stop") {
    cluster().Stop(Node(words[1]));
  } else if (words[0] == "crash") {
    const bool unnoticed = words.size() > 2 && words[2] == "unnoticed";
    cluster().Crash(Node(words[1]), unnoticed ? Notice::kLater : Notice::kAtOnce);
  } else {
    return false;
  }
  return true;
}

bool Script::Disk(const Words& words) {
  if (words[0] == "wipe") {
    cluster().ExchangeDisk(Node(words[1]), std::make_unique<MemoryStorage>());
  } else if (words[0] == "save") {
    saved_[Node(words[1])] = cluster().CopyDisk(Node(words[1]));
  } else if (words[0] == "restore") {
    cluster().ExchangeDisk(Node(words[1]), std::move(saved_.at(Node(words[1]))));
  } else if (words[0] == "salvage") {
    cluster().SalvageDisk(Node(words[1]));
  } else if (words[0] == "tamper" && words[2][0] == '-') {
    const NodeIndex node = Node(words[1]);
    cluster().Tamper(node, LoseVersion(cluster().disk(node), words[2].substr(1)));
  } else if (words[0] == "tamper") {
    Tamper(Node(words[1]), words[2], words[3]);
  } else {
    return false;
  }
  return true;
}

void Script::Tamper(NodeIndex node, const std::string& key, const std::string& text) {
  const auto contents = Dump(cluster().disk(node), Tombstones::kIncluded);
  const auto it = contents.find(key);
  LAMPPOST_CHECK(it != contents.end(), "there is no such key to tamper with");
  Version version = it->second;
  version.value = TextOf(text);
  WriteBatch batch;
  batch.Put(Space::kData, key, EncodeVersion(version));
  cluster().Tamper(node, batch);
}

bool Script::Client(const Words& words, CrashPoint crash) {
  Proposal proposal;
  size_t parsed = 0;
  if (words[0] == "put") {
    proposal.operations.push_back({words[2], TextOf(words[3])});
    parsed = 4;
    if (parsed < words.size() && absl::StartsWith(words[parsed], "ttl=")) {
      const Operation option = ParseOperation(words[parsed++]);
      LAMPPOST_CHECK(absl::SimpleAtoi(option.value->bytes, &proposal.operations[0].ttl_ms), "ttl=500");
    }
  } else if (words[0] == "del") {
    proposal.operations.push_back({words[2], std::nullopt});
    parsed = 3;
  } else if (words[0] == "write") {
    for (parsed = 2; parsed < words.size() && !absl::StartsWith(words[parsed], "id="); ++parsed) {
      proposal.operations.push_back(ParseOperation(words[parsed]));
    }
  } else {
    return false;
  }
  if (parsed < words.size()) proposal.request_id = ParseOperation(words[parsed]).value->bytes;
  proposal.id = next_proposal_++;
  cluster().Run(
      Node(words[1]), [&](Replica* replica) { replica->Propose(std::move(proposal)); }, crash);
  return true;
}

bool Script::Members(const Words& words) {
  if (words[0] != "member") return false;
  const NodeSpec& named = cluster().spec(Node(words[3]));
  const Removal removal = words.size() > 4 && words[4] == "force" ? Removal::kForced : Removal::kIfAway;
  absl::Status refusal;
  cluster().Run(Node(words[2]), [&](Replica* replica) {
    auto proposal = words[1] == "add" ? ProposeMember(*replica, named.node_id, named.address)
                                      : ProposeRemoval(*replica, named.node_id, removal);
    refusal = proposal.status();
    if (!proposal.ok() || proposal->operations.empty()) return;
    proposal->id = next_proposal_++;
    replica->Propose(*std::move(proposal));
  });
  if (!refusal.ok()) Say(absl::StrCat(words[2], " refuses: ", ErrorReason(refusal)));
  return true;
}

bool Script::LedgerOf(const Words& words) {
  if (words[0] == "ledger") {
    const auto stored = Dump(cluster().disk(Node(words[1])), Tombstones::kLeftOut);
    for (const auto& [key, version] : stored) {
      if (IsLedgerKey(key)) Say(Describe(key, version));
    }
    return true;
  }
  if (words[0] != "settle") return false;
  Settlement settlement;
  settlement.key = words[2];
  settlement.keep = words[3] == "loser"    ? Resolution::kLoserKept
                    : words[3] == "winner" ? Resolution::kWinnerKept
                                           : Resolution::kOtherValue;
  settlement.value = Value{Value::Kind::kText, words[3]};
  Proposal proposal;
  proposal.id = next_proposal_++;
  proposal.settlement = std::move(settlement);
  cluster().Run(Node(words[1]), [&](Replica* replica) { replica->Propose(proposal); });
  return true;
}

bool Script::Network(const Words& words) {
  if (words[0] == "cut" && words.size() == 2) {
    const Direction direction = ParseDirection(words[1]);
    cluster().Cut(Node(direction.from), Node(direction.to));
  } else if (words[0] == "cut") {
    cluster().Cut(Node(words[1]), Node(words[2]));
    cluster().Cut(Node(words[2]), Node(words[1]));
  } else if (words[0] == "mend" && words.size() == 3) {
    cluster().Mend(Node(words[1]), Node(words[2]));
    cluster().Mend(Node(words[2]), Node(words[1]));
  } else if (words[0] == "mend") {
    cluster().MendAll();
  } else if (words[0] == "disconnect") {
    cluster().Disconnect(Node(words[1]), Node(words[2]));
  } else if (words[0] == "connect") {
    cluster().Connect();
  } else if (words[0] == "tick") {
    uint64_t ms = 0;
    LAMPPOST_CHECK(absl::SimpleAtoi(absl::StripSuffix(words[1], "ms"), &ms), "tick 250ms");
    TickAll(ms);
  } else if (words[0] == "stabilize") {
    Stabilize();
  } else {
    return false;
  }
  return true;
}

bool Script::Wire(const Words& words) {
  const std::string& verb = words[0];
  std::deque<Packet>& wire = cluster().wire();
  if (verb == "release") {
    wire.insert(wire.begin(), held_.begin(), held_.end());
    held_.clear();
    return true;
  }
  static const auto* const kVerbs = new std::set<std::string>{"deliver", "drop", "repeat", "hold", "last"};
  if (kVerbs->count(verb) == 0) return false;
  const Direction direction = ParseDirection(words[1]);
  const NodeIndex from = Node(direction.from);
  const NodeIndex to = Node(direction.to);
  const auto between = [&](const Packet& packet) { return packet.from == from && packet.to == to; };
  if (verb == "last") {
    const auto last = std::find_if(wire.rbegin(), wire.rend(), between);
    LAMPPOST_CHECK(last != wire.rend(), "nothing is on the wire");
    Packet packet = *last;
    wire.erase(std::next(last).base());
    wire.push_front(std::move(packet));
    return true;
  }
  int count = 1;
  if (words.size() > 2 && !absl::SimpleAtoi(words[2], &count)) {
    count = static_cast<int>(std::count_if(wire.begin(), wire.end(), between));
  }
  for (; count > 0; --count) {
    const auto first = std::find_if(wire.begin(), wire.end(), between);
    if (first == wire.end()) {
      Say("nothing is on the wire");
      break;
    }
    const Packet packet = *first;
    if (verb != "repeat") wire.erase(first);
    if (verb == "drop") {
      Say(absl::StrCat("lost: ", Describe(packet, cluster())));
    } else if (verb == "hold") {
      held_.push_back(packet);
    } else {
      cluster().Receive(to, {packet});
    }
  }
  return true;
}

void Script::TickAll(uint64_t ms) {
  cluster().Advance(ms);
  for (NodeIndex node = 0; node < cluster().size(); ++node) cluster().RunUntilIdle(node);
}

bool Script::IsSettled() const {
  for (NodeIndex node = 0; node < cluster_->size(); ++node) {
    if (!cluster_->IsUp(node)) continue;
    const Replica& replica = cluster_->replica(node);
    if (!replica.IsLifeDecided()) return false;
    for (const Peer& peer : replica.peers()) {
      if (!peer.retired && peer.state == LinkState::kDown && IsReachable(node, peer)) return false;
      if (!peer.IsLinked()) continue;
      if (peer.state != LinkState::kLive && peer.state != LinkState::kRefused) return false;
      if (peer.state == LinkState::kLive && !Agree(peer.heads, replica.heads())) return false;
    }
  }
  return true;
}

// Whether there is a node that the link would lead to, and that takes it.
bool Script::IsReachable(NodeIndex node, const Peer& peer) const {
  const NodeIndex to = cluster_->Find(peer.address);
  return cluster_->IsUp(to) && !cluster_->IsCut(node, to) && !cluster_->IsCut(to, node);
}

void Script::Stabilize() {
  detail_ = Detail::kEssential;
  std::deque<Packet>& wire = cluster().wire();
  int round = 0;
  for (; round < kStabilizeRounds; ++round) {
    while (!wire.empty()) {
      const Packet packet = std::move(wire.front());
      wire.pop_front();
      cluster().Receive(packet.to, {packet});
    }
    if (round > 0 && IsSettled()) break;
    cluster().Connect();
    TickAll(250);
  }
  if (round == kStabilizeRounds) Say("does not settle");
  detail_ = Detail::kAll;
}

bool Script::Look(const Words& words) {
  if (words[0] == "status") {
    for (NodeIndex node = 0; node < cluster().size(); ++node) {
      if (words.size() > 1 && node != Node(words[1])) continue;
      Say(DescribeNode(cluster(), node));
    }
    return true;
  }
  if (words[0] == "wire") {
    for (const Packet& packet : cluster().wire()) Say(Describe(packet, cluster()));
    if (cluster().wire().empty()) Say("nothing is on the wire");
    return true;
  }
  if (words[0] != "get" && words[0] != "seen") return false;
  const auto contents = Dump(cluster().disk(Node(words[1])), Tombstones::kIncluded);
  const auto it = contents.find(words[2]);
  if (it == contents.end()) {
    Say(absl::StrCat(words[2], " is not there"));
  } else if (words[0] == "get") {
    Say(Describe(it->first, it->second));
  } else {
    std::vector<std::string> seen;
    for (const auto& [origin, lag] : it->second.seen.lags()) {
      seen.push_back(absl::StrCat(ToString(origin), ":", it->second.timestamp.counter - lag));
    }
    Say(absl::StrCat(Describe(it->first, it->second), " had seen {", absl::StrJoin(seen, " "), "}"));
  }
  return true;
}

}  // namespace lamppost::kv::testing
