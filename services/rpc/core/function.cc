#include "services/rpc/core/function.h"

#include "absl/strings/str_cat.h"

namespace lamppost::rpc {

RunResult MakeResult(const Json& result, size_t result_bytes_max) {
  FunctionError error;
  if (DepthOf(result) > kJsonDepthMax) {
    error.reason = "RESULT_TOO_DEEP";
    error.message = absl::StrCat("the result is nested more than ", kJsonDepthMax, " deep");
    return error;
  }
  if (!IsExact(result)) {
    error.reason = "RESULT_NOT_EXACT";
    error.message = "the result holds a whole number beyond 2^53, which would be rounded; give it as text";
    return error;
  }
  std::string text = CanonicalText(result);
  if (text.size() <= result_bytes_max) return text;
  error.reason = "RESULT_TOO_LARGE";
  error.message = absl::StrCat("the result has ", text.size(), " bytes, more than ", result_bytes_max);
  return error;
}

}  // namespace lamppost::rpc
