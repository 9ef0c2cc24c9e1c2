#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/integration/chaos/network.h"
#include "tests/integration/testing/process.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::chaos {
namespace {

using testing::Process;
using testing::ProcessOptions;

constexpr int kPort = 7000;
constexpr absl::Duration kToolLimit = absl::Seconds(20);
// A narrow link: what is above is dropped, and TCP finds its pace by sending again.
constexpr char kSlowRate[] = "8 kbytes/second burst 8 kbytes";

// Tools of administrators are not on everybody's PATH.
std::string FindTool(const std::string& name) {
  for (const char* directory : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"}) {
    if (access((directory + name).c_str(), X_OK) == 0) return directory + name;
  }
  return "";
}

absl::Status RunTool(const std::string& line, const std::string& input_path = "") {
  ProcessOptions options;
  options.command = absl::StrSplit(line, ' ');
  const std::string tool = FindTool(options.command[0]);
  if (tool.empty()) return absl::NotFoundError(absl::StrCat("there is no ", options.command[0], " here"));
  options.command[0] = tool;
  options.input_path = input_path;
  const testing::Finished finished = RunToEnd(options, kToolLimit);
  if (finished.exit_code == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(line, ": ", finished.out, finished.err));
}

// The run's own network is the router. Node N is at 10.77.N.2 in a namespace of its own, and at 10.77.N.3
// for the run itself: the rules know only the first.
std::string NodeHost(int node) {
  return absl::StrCat("10.77.", node + 1, ".2");
}
std::string ControlHost(int node) {
  return absl::StrCat("10.77.", node + 1, ".3");
}

// What keeps a namespace alive while its node does not run.
absl::StatusOr<std::unique_ptr<Process>> HoldNamespace() {
  ProcessOptions options;
  options.command = {FindTool("unshare"), "--net", FindTool("sleep"), "infinity"};
  options.output_path = testing::NewTestPath("namespace");
  absl::StatusOr<std::unique_ptr<Process>> holder = Process::Start(options);
  if (!holder.ok()) return holder;
  struct stat own;
  if (stat("/proc/self/ns/net", &own) != 0) return absl::NotFoundError("/proc/self/ns/net");
  const std::string path = absl::StrCat("/proc/", (*holder)->pid(), "/ns/net");
  const absl::Status there = testing::WaitFor("a network namespace", kToolLimit, [&] {
    struct stat its;
    return !(*holder)->IsRunning() || (stat(path.c_str(), &its) == 0 && its.st_ino != own.st_ino);
  });
  if (!there.ok()) return there;
  if (!(*holder)->IsRunning()) return absl::FailedPreconditionError(testing::ReadFile(options.output_path));
  return holder;
}

class NamespaceNetwork final : public Network {
 public:
  absl::Status Start(int nodes) {
    std::ofstream("/proc/sys/net/ipv4/ip_forward") << "1\n";
    if (testing::ReadFile("/proc/sys/net/ipv4/ip_forward") != "1\n") {
      return absl::FailedPreconditionError("this network cannot be made a router");
    }
    if (absl::Status status = RunTool("ip link set lo up"); !status.ok()) return status;
    for (int node = 0; node < nodes; ++node) {
      if (absl::Status status = AddNode(node); !status.ok()) return status;
    }
    return Apply({});
  }

  std::string name() const override { return "netns"; }
  std::string slowness() const override { return absl::StrCat("what is above ", kSlowRate, " is dropped"); }

  Place PlaceOf(int node) const override {
    Place place;
    place.control_host = ControlHost(node);
    place.port = kPort;
    place.client_address = absl::StrCat(NodeHost(node), ":", kPort);
    for (int other = 0; other < static_cast<int>(holders_.size()); ++other) {
      if (other != node) place.peers.push_back(absl::StrCat("http://", NodeHost(other), ":", kPort));
    }
    place.launcher = {FindTool("nsenter"), absl::StrCat("--net=/proc/", holders_[node]->pid(), "/ns/net"),
                      "--"};
    return place;
  }

  absl::Status Apply(const std::vector<LinkFault>& faults) override {
    std::string forward;
    std::string to_clients;
    for (const LinkFault& fault : faults) {
      const std::string from = absl::StrCat("ip saddr ", NodeHost(fault.from), " ");
      if (fault.to == kClients) {
        absl::StrAppend(&to_clients, from, "drop\n");
      } else {
        absl::StrAppend(&forward, from, "ip daddr ", NodeHost(fault.to), " ", Action(fault.kind), "\n");
      }
    }
    // One transaction; the first line makes the table, so that there is one to delete.
    const std::string path = testing::NewTestPath("rules");
    std::ofstream(path) << "table ip chaos {}\ndelete table ip chaos\ntable ip chaos {\n"
                        << "chain between_nodes { type filter hook forward priority 0;\n"
                        << forward << "}\n"
                        << "chain to_clients { type filter hook input priority 0;\n"
                        << to_clients << "}\n}\n";
    const absl::Status status = RunTool("nft -f -", path);
    unlink(path.c_str());
    return status;
  }

 private:
  static std::string Action(LinkFault::Kind kind) {
    switch (kind) {
      case LinkFault::Kind::kDrop:
        return "drop";
      case LinkFault::Kind::kReject:
        return "meta l4proto tcp reject with tcp reset";
      case LinkFault::Kind::kSlow:
        return absl::StrCat("limit rate over ", kSlowRate, " drop");
    }
    return "drop";
  }

  absl::Status AddNode(int node) {
    absl::StatusOr<std::unique_ptr<Process>> holder = HoldNamespace();
    if (!holder.ok()) return holder.status();
    const std::string pid = absl::StrCat((*holder)->pid());
    holders_.push_back(*std::move(holder));
    const std::string wire = absl::StrCat("node", node);
    const std::string inside = absl::StrCat("nsenter --net=/proc/", pid, "/ns/net -- ", FindTool("ip"), " ");
    const std::string router = absl::StrCat("10.77.", node + 1, ".1");
    for (const std::string& line : {
             absl::StrCat("ip link add ", wire, " type veth peer name eth0 netns ", pid),
             absl::StrCat("ip addr add ", router, "/24 dev ", wire),
             absl::StrCat("ip link set ", wire, " up"),
             absl::StrCat(inside, "addr add ", NodeHost(node), "/24 dev eth0"),
             absl::StrCat(inside, "addr add ", ControlHost(node), "/24 dev eth0"),
             absl::StrCat(inside, "link set eth0 up"),
             absl::StrCat(inside, "link set lo up"),
             absl::StrCat(inside, "route add default via ", router),
         }) {
      if (absl::Status status = RunTool(line); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  std::vector<std::unique_ptr<Process>> holders_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Network>> MakeNamespaceNetwork(int nodes) {
  auto network = std::make_unique<NamespaceNetwork>();
  if (absl::Status status = network->Start(nodes); !status.ok()) return status;
  return network;
}

}  // namespace lamppost::chaos
