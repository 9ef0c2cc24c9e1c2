// Operations as etcd's transactions, and their answers. Each operation is one transaction: atomic, and
// durable once it is answered.
//
// The keys, below /lamppost/rpc/NAME/ (docs/on-disk-format.md): records/ID, owners/NAME, horizon, clock,
// format. A record's revision is etcd's mod_revision, which never comes back.
//
// Pure; thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_ETCD_CODEC_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_ETCD_CODEC_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "etcd/rpc.pb.h"
#include "services/rpc/core/request_id.h"
#include "services/rpc/core/request_store.h"

namespace lamppost::rpc {

class EtcdCodec {
 public:
  // `name`: EtcdAddress::name.
  explicit EtcdCodec(absl::string_view name);

  etcdserverpb::TxnRequest Encode(const StoreOperation& operation) const;
  // An answer's status, if what etcd holds makes no sense: DATA_LOSS (DATA_CORRUPT).
  StoreAnswer Decode(const NumberedOperation& operation, const etcdserverpb::TxnResponse& response) const;

  // Makes the fleet's horizon, clock and format where they are missing, and reads them.
  etcdserverpb::TxnRequest EncodeSetUp() const;
  etcdserverpb::TxnRequest EncodeReadClock() const;
  // The reserved limit. FAILED_PRECONDITION (FORMAT_UNKNOWN), DATA_LOSS (DATA_CORRUPT).
  absl::StatusOr<uint64_t> DecodeReadClock(const etcdserverpb::TxnResponse& response) const;

  // Writes a name that is new, to go with the lease.
  etcdserverpb::TxnRequest EncodeAddOwner(const std::string& owner, int64_t lease) const;

  std::string OwnerKey(absl::string_view owner) const;
  std::string RecordKey(const RequestId& id) const;

 private:
  const std::string prefix_;
  const std::string records_prefix_;
  const std::string owners_prefix_;
  const std::string horizon_key_;
  const std::string clock_key_;
  const std::string format_key_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_ETCD_CODEC_H_
