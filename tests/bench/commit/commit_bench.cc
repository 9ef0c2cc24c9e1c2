// What one write costs a node beside gRPC: a replica on RocksDB, driven in groups as the driver does, in
// CPU time of this thread per write (which other processes disturb less than wall time).
//
// usage: commit_bench DIRECTORY [WRITES [GROUP [KEYS]]]
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/kv/core/replica.h"
#include "services/kv/storage/group_commit.h"
#include "services/kv/storage/rocksdb_storage.h"

namespace lamppost::kv {
namespace {

double CpuSeconds(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// xorshift64* (Vigna, 2016): the same keys in each run.
uint64_t Next(uint64_t* state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 0x2545F4914F6CDD1Du;
}

int Run(const std::string& directory, int writes, int group, uint64_t keys) {
  auto storage = RocksDbStorage::Open(directory, {});
  if (!storage.ok()) {
    std::fprintf(stderr, "%s\n", storage.status().ToString().c_str());
    return 1;
  }
  ReplicaOptions options;
  options.node_id = "A";
  options.cluster = "bench";
  auto replica = Replica::Open(options, storage->get());
  if (!replica.ok()) return 1;
  GroupCommit commit(replica->get(), storage->get(), Durability::kInterval);
  uint64_t now_ms = 0;
  uint64_t random = 88172645463325252u;
  uint64_t id = 0;
  const double thread_start = CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
  const double process_start = CpuSeconds(CLOCK_PROCESS_CPUTIME_ID);
  for (int done = 0; done < writes; done += group) {
    (*replica)->Begin(++now_ms, 0);
    for (int i = 0; i < group && done > 0; ++i) {
      Proposal proposal;
      proposal.id = ++id;
      proposal.operations.push_back({absl::StrCat("key-", Next(&random) % keys, "-padded"),
                                     Value{Value::Kind::kData, std::string(100, 'v')}});
      (*replica)->Propose(std::move(proposal));
    }
    const Output output = (*replica)->TakeOutput();
    if (!commit.Commit(output).ok()) return 1;
  }
  std::printf(
      "%d writes in groups of %d over %llu keys: %.1f us of this thread, %.1f us of all threads per write\n",
      writes, group, static_cast<unsigned long long>(keys),
      (CpuSeconds(CLOCK_THREAD_CPUTIME_ID) - thread_start) * 1e6 / writes,
      (CpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - process_start) * 1e6 / writes);
  return 0;
}

}  // namespace
}  // namespace lamppost::kv

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: commit_bench DIRECTORY [WRITES [GROUP [KEYS]]]\n");
    return 2;
  }
  return lamppost::kv::Run(argv[1], argc > 2 ? std::atoi(argv[2]) : 500000,
                           argc > 3 ? std::atoi(argv[3]) : 32,
                           argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 100000);
}
