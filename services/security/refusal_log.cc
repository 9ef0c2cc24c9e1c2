#include "services/security/refusal_log.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "services/common/error.h"
#include "services/common/logging.h"

namespace lamppost::security {

std::string HostOfPeer(absl::string_view peer) {
  const size_t colon = peer.find(':');
  if (colon != absl::string_view::npos) peer.remove_prefix(colon + 1);
  peer = peer.substr(0, peer.rfind(':'));
  return absl::StrReplaceAll(peer, {{"%5B", "["}, {"%5D", "]"}});
}

RefusalLog::Verdict RefusalLog::Judge(absl::string_view host, const absl::Status& refusal, absl::Time now) {
  const std::string key = absl::StrCat(host, " ", refusal.message());
  absl::MutexLock lock(&mutex_);
  if (const auto it = told_.find(key); it != told_.end() && now < it->second + kAgainAfter)
    return Verdict::kKnown;
  if (told_.size() >= kRefusalsMax) {
    for (auto it = told_.begin(); it != told_.end();) {
      const auto old = it++;
      if (now >= old->second + kAgainAfter) told_.erase(old);
    }
  }
  if (told_.size() >= kRefusalsMax) {
    if (now < said_more_ + kAgainAfter) return Verdict::kKnown;
    said_more_ = now;
    return Verdict::kTellThatThereAreMore;
  }
  told_[key] = now;
  return Verdict::kTell;
}

void RefusalLog::Tell(absl::string_view peer, const absl::Status& refusal, absl::Time now) {
  const std::string host = HostOfPeer(peer);
  switch (Judge(host, refusal, now)) {
    case Verdict::kKnown:
      return;
    case Verdict::kTellThatThereAreMore:
      return Log(LogLevel::kWarn, "many more callers are refused than are told of here");
    case Verdict::kTell:
      return Log(
          LogLevel::kWarn, "a caller is refused; it is not told of again for an hour",
          {{"from", host}, {"reason", ErrorReason(refusal)}, {"error", std::string(refusal.message())}});
  }
}

}  // namespace lamppost::security
