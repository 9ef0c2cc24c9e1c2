// What params a function takes: a JSON Schema (draft 7), checked by valijson.
#ifndef LAMPPOST_SERVICES_RPC_CORE_PARAMS_SCHEMA_H_
#define LAMPPOST_SERVICES_RPC_CORE_PARAMS_SCHEMA_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/rpc/core/json.h"

namespace valijson {
class Schema;
}

namespace lamppost::rpc {

// Immutable and thread-safe.
class ParamsSchema {
 public:
  // INVALID_ARGUMENT (SCHEMA_INVALID) if it is none, refers to another document, or uses a regular
  // expression: those of C++ can use up the stack on long texts.
  static absl::StatusOr<std::shared_ptr<const ParamsSchema>> Compile(Json schema);
  ~ParamsSchema();
  ParamsSchema(const ParamsSchema&) = delete;
  ParamsSchema& operator=(const ParamsSchema&) = delete;

  // INVALID_ARGUMENT (PARAMS_INVALID) with what does not fit and where.
  absl::Status Check(const Json& params) const;

  const Json& text() const { return text_; }

 private:
  explicit ParamsSchema(Json text);

  const Json text_;
  Json expanded_;  // what schema_ was made from (ExpandSchema)
  const std::unique_ptr<valijson::Schema> schema_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_PARAMS_SCHEMA_H_
