// What replicas do, in words: for golden scripts and for playing a failing seed again.
#ifndef LAMPPOST_SERVICES_KV_CORE_TESTING_TRACE_H_
#define LAMPPOST_SERVICES_KV_CORE_TESTING_TRACE_H_

#include <string>
#include <vector>

#include "services/kv/core/testing/cluster.h"

namespace lamppost::kv::testing {

// "x=10 @ 5@A.1", "x deleted @ 5@A.1".
std::string Describe(const std::string& key, const Version& version);

// "sync 7@A.1 to B.1 {A.1:3}->{A.1:5} x=10 @ 5@A.1", "hello 2@A.0", "answer 9@B.1 has {A.1:5}".
// `receiver` names the node a message is for.
std::string Describe(const SyncMessage& message, const std::string& receiver);
std::string Describe(const SyncAnswer& answer);
std::string Describe(const Packet& packet, const Cluster& cluster);

// "5@A.1", or the error's reason.
std::string Describe(const absl::StatusOr<WriteResult>& result);

// How much of a group's output to tell.
enum class Detail {
  kAll,
  kEssential,  // without greetings, heartbeats and answers that refuse nothing
};

// A line for each thing in a group's output: notes, stored versions, messages, answers, replies.
std::vector<std::string> DescribeGroup(const Cluster& cluster, NodeIndex node, const Output& output,
                                       CrashPoint crash, Detail detail);

// One line: the node's life, clock, heads, contents, and its peers.
std::string DescribeNode(const Cluster& cluster, NodeIndex node);

}  // namespace lamppost::kv::testing

#endif  // LAMPPOST_SERVICES_KV_CORE_TESTING_TRACE_H_
