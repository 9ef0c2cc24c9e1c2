// The functions that can be called, by name.
#ifndef LAMPPOST_SERVICES_RPC_CORE_REGISTRY_H_
#define LAMPPOST_SERVICES_RPC_CORE_REGISTRY_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/rpc/core/function.h"

namespace lamppost::rpc {

// A manifest that defines no function.
struct FunctionProblem {
  std::string file;
  std::string message;
};

// Made once and then shared: immutable as `const Registry`, and thread-safe then.
class Registry {
 public:
  using FunctionPtr = std::shared_ptr<const Function>;

  // INVALID_ARGUMENT (FUNCTION_INVALID) if the name or a limit is out of bounds, ALREADY_EXISTS
  // (FUNCTION_EXISTS) if there is one of that name.
  absl::Status Add(FunctionPtr function);
  void AddProblem(FunctionProblem problem) { problems_.push_back(std::move(problem)); }

  // Null if there is none.
  FunctionPtr Find(absl::string_view name) const;
  // NOT_FOUND (FUNCTION_UNKNOWN), naming those whose names are nearest.
  absl::Status UnknownError(absl::string_view name) const;
  const std::map<std::string, FunctionPtr, std::less<>>& functions() const { return functions_; }
  const std::vector<FunctionProblem>& problems() const { return problems_; }

 private:
  std::map<std::string, FunctionPtr, std::less<>> functions_;
  std::vector<FunctionProblem> problems_;
};

// How many characters must be put in, left out, changed or swapped to make one of the other.
size_t EditDistance(absl::string_view a, absl::string_view b);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_REGISTRY_H_
