#include "clients/cli/watch_format.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "clients/cli/conflict_format.h"
#include "clients/cli/format.h"
#include "clients/cli/json_format.h"
#include "clients/cli/text_table.h"
#include "services/common/clock_proto.h"

namespace lamppost::cli {
namespace {

std::string EventLine(const kv::v1::WatchEvent& event) {
  Json object = {{"event", EventName(event)}, {"key", event.key()}};
  AddValue(event.value(), &object);
  object["version"] = TimestampJson(event.version());
  if (event.has_expires_at()) {
    const absl::Time time =
        absl::FromUnixSeconds(event.expires_at().seconds()) + absl::Nanoseconds(event.expires_at().nanos());
    object["expires_at"] = absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", time, absl::UTCTimeZone());
  }
  return absl::StrCat(Line(object), "\n");
}

}  // namespace

const char* EventName(const kv::v1::WatchEvent& event) {
  return event.deleted() ? "delete" : "put";
}

std::string FormatEvent(const kv::v1::WatchEvent& event, OutputFormat format, Colour colour) {
  if (event.has_conflict()) return FormatConflict(event.conflict(), format, colour);
  if (format == OutputFormat::kJson) return EventLine(event);
  const bool raw = format == OutputFormat::kRaw;
  const std::string value = event.has_value() ? BytesOf(event.value()) : "";
  if (raw) {
    return event.has_value() ? absl::StrCat(EventName(event), "\t", event.key(), "\t", value, "\n")
                             : absl::StrCat(EventName(event), "\t", event.key(), "\n");
  }
  std::string line = absl::StrCat(
      event.deleted() ? Styled("delete", Style::kBusy, colour) : Styled("put   ", Style::kGood, colour), "  ",
      Printable(event.key()));
  if (event.has_value()) absl::StrAppend(&line, "  ", Printable(value));
  return absl::StrCat(line, "  ", Printable(ToString(FromProto(event.version()))), "\n");
}

}  // namespace lamppost::cli
