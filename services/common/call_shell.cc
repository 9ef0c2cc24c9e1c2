#include "services/common/call_shell.h"

#include "absl/strings/str_cat.h"
#include "services/common/clock_metadata.h"
#include "services/common/clock_proto.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"

namespace lamppost {

void CallShell::Admit(uint64_t counter, std::function<void()> on_admitted,
                      std::function<void(absl::Status)> on_refused) {
  switch (clock_->Observe(counter)) {
    case LamportClock::Observed::kOk:
      return on_admitted();
    case LamportClock::Observed::kTooFarAhead:
      return on_refused(MakeError(absl::StatusCode::kOutOfRange, "CLOCK_TOO_FAR_AHEAD",
                                  absl::StrCat("the message's counter ", counter, " is too far ahead of ",
                                               clock_->now(), ", this node's")));
    case LamportClock::Observed::kNeedsReservation:
      return reserve_(counter, [this, counter, on_admitted = std::move(on_admitted),
                                on_refused = std::move(on_refused)](const absl::Status& status) {
        if (!status.ok()) return on_refused(status);
        Admit(counter, on_admitted, on_refused);
      });
  }
}

void CallShell::Stamp(clock::v1::Timestamp* message) {
  // The reservation runs out only if the driver has been stuck for many seconds under full load; then
  // answers repeat the last counter rather than fail.
  message->set_counter(clock_->Tick().value_or(clock_->now()));
  message->set_node_id(node_id_);
  message->set_incarnation(incarnation());
}

grpc::Status CallShell::Failure(grpc::CallbackServerContext* context, const absl::Status& status) {
  clock::v1::Timestamp stamp;
  Stamp(&stamp);
  AttachClock(context, FromProto(stamp));
  return ToGrpcStatus(status);
}

}  // namespace lamppost
