#include "clients/cli/format.h"

#include "absl/strings/str_cat.h"
#include "clients/cli/json_format.h"
#include "clients/cli/text_table.h"
#include "services/clock/timestamp.h"
#include "services/common/clock_proto.h"

namespace lamppost::cli {
namespace {

// What was written, and the members that every answer to a write has.
template <typename Response>
Json WriteJson(Json written, const client::Result<Response>& result) {
  written.update(Json{{"version", TimestampJson(result.response.version())},
                      {"replayed", result.response.replayed()},
                      {"replicas", result.response.replicas()},
                      {"request_id", result.request_id},
                      {"clock", result.response.clock().counter()},
                      {"node", result.node}});
  return written;
}

std::string Written(const std::string& version, bool replayed) {
  return absl::StrCat("OK ", version, replayed ? " (had been written before)" : "", "\n");
}

std::string Version(const clock::v1::Timestamp& version) {
  return Printable(ToString(FromProto(version)));
}

}  // namespace

const std::string& BytesOf(const kv::v1::Value& value) {
  return value.has_data() ? value.data() : value.text();
}

std::string FormatPut(const std::string& key, const client::Result<kv::v1::PutResponse>& result,
                      OutputFormat format) {
  const std::string version = Version(result.response.version());
  if (format == OutputFormat::kRaw) return absl::StrCat(version, "\n");
  if (format == OutputFormat::kJson) return absl::StrCat(Line(WriteJson({{"key", key}}, result)), "\n");
  return Written(version, result.response.replayed());
}

std::string FormatDelete(const std::string& key, const client::Result<kv::v1::DeleteResponse>& result,
                         OutputFormat format) {
  const std::string version = Version(result.response.version());
  if (format == OutputFormat::kRaw) return absl::StrCat(version, "\n");
  if (format == OutputFormat::kJson) {
    Json object = WriteJson({{"key", key}}, result);
    object["found"] = result.response.found();
    return absl::StrCat(Line(object), "\n");
  }
  return absl::StrCat("OK ", version, result.response.found() ? "" : " (there was no such key)",
                      result.response.replayed() ? " (had been deleted before)" : "", "\n");
}

std::string FormatWrite(size_t operations, const client::Result<kv::v1::WriteResponse>& result,
                        OutputFormat format) {
  const std::string version = Version(result.response.version());
  if (format == OutputFormat::kRaw) return absl::StrCat(version, "\n");
  if (format == OutputFormat::kJson) {
    return absl::StrCat(Line(WriteJson({{"operations", operations}}, result)), "\n");
  }
  return Written(version, result.response.replayed());
}

std::string FormatGet(const std::string& key, const client::Result<kv::v1::GetResponse>& result,
                      OutputFormat format) {
  const kv::v1::GetResponse& response = result.response;
  if (format == OutputFormat::kJson) {
    Json object = {{"key", key}, {"found", response.found()}};
    AddValue(response.value(), &object);
    object["version"] = response.has_version() ? TimestampJson(response.version()) : Json(nullptr);
    if (response.has_expires_at()) object["expires_at"] = TimeText(response.expires_at());
    object["clock"] = response.clock().counter();
    object["node"] = result.node;
    return absl::StrCat(Line(object), "\n");
  }
  if (!response.found()) return "";
  return absl::StrCat(BytesOf(response.value()), format == OutputFormat::kTable ? "\n" : "");
}

}  // namespace lamppost::cli
