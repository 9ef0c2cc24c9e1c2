// What request_store.h promises, as tests to be held against an implementation:
//
//   INSTANTIATE_TEST_SUITE_P(Mine, RequestStoreContractTest, ::testing::Values(ContractCase{"Mine", make}),
//   Name);
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_TESTING_REQUEST_STORE_CONTRACT_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_TESTING_REQUEST_STORE_CONTRACT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "gtest/gtest.h"
#include "services/rpc/core/request_store.h"
#include "services/rpc/storage/testing/store_client.h"

namespace lamppost::rpc {

// One place where records are kept, empty at first.
class StorePlace {
 public:
  virtual ~StorePlace() = default;
  // Another life of a server that keeps its records there; not started.
  virtual std::unique_ptr<RequestStore> NewStore() = 0;
};

enum class Sharing { kOneServer, kFleet };

struct ContractCase {
  std::string name;
  Sharing sharing = Sharing::kOneServer;  // whether several stores may be open at a time
  std::function<std::unique_ptr<StorePlace>()> make;
};

std::string ContractCaseName(const ::testing::TestParamInfo<ContractCase>& info);
std::ostream& operator<<(std::ostream& out, const ContractCase& contract_case);

class RequestStoreContractTest : public ::testing::TestWithParam<ContractCase> {
 protected:
  void SetUp() override;
  void TearDown() override;

  // A store that has started.
  std::unique_ptr<StoreClient> NewClient();
  // Ends the present one in order, or as a crash does, and opens another.
  void Reopen();
  void CrashAndReopen();

  StoreAnswer Do(StoreOperation operation) { return client_->Do(std::move(operation)); }
  // Creates a record, which must go well; its revision.
  uint64_t Create(const RequestId& id, const std::string& value);
  uint64_t Replace(const RequestId& id, uint64_t revision, const std::string& value);
  // The value; "(none)" if there is no record.
  std::string Get(const RequestId& id);
  void ExpectVerdict(StoreAnswer::Verdict verdict, StoreOperation operation);

  // Ids of version 7, minted then; in the order of time and number.
  static RequestId Minted(uint64_t ms, uint8_t number = 0);
  // Of version 4.
  static RequestId Random(uint8_t number);

  std::unique_ptr<StorePlace> place_;
  std::unique_ptr<StoreClient> client_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_TESTING_REQUEST_STORE_CONTRACT_H_
