#include "services/common/service_notices.h"

#include <systemd/sd-daemon.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace lamppost {
namespace {

constexpr uint64_t kUsPerMs = 1000;
// While it is not ready: asked for so often, and so much more each time.
constexpr uint64_t kMoreTimeMs = 30'000;
constexpr uint64_t kTimesInTime = 4;

// What cannot be told is not worth ending for.
void Send(const std::string& news) {
  if (!news.empty()) sd_notify(0, news.c_str());
}

}  // namespace

ServiceNotices::ServiceNotices() {
  const char* socket = std::getenv("NOTIFY_SOCKET");
  heard_ = socket != nullptr && *socket != '\0';
  if (sd_watchdog_enabled(0, &watchdog_us_) <= 0) watchdog_us_ = 0;
}

std::string ServiceNotices::StatusNews(absl::string_view status) {
  if (status == status_) return "";
  status_ = std::string(status);
  return absl::StrCat("STATUS=", status_, "\n");
}

std::string ServiceNotices::News(Readiness readiness, uint64_t now_ms) {
  std::string news;
  if (resting_) {
    resting_ = false;
    next_ms_ = 0;
    if (watchdog_us_ > 0) absl::StrAppend(&news, "WATCHDOG_USEC=", watchdog_us_, "\n");
  }
  if (!ready_ && readiness == Readiness::kReady) {
    ready_ = true;
    next_ms_ = 0;
    news += "READY=1\n";
  }
  if (now_ms < next_ms_) return news;
  if (!ready_) {
    next_ms_ = now_ms + kMoreTimeMs / kTimesInTime;
    absl::StrAppend(&news, "EXTEND_TIMEOUT_USEC=", kMoreTimeMs * kUsPerMs, "\n");
  } else if (watchdog_us_ > 0) {
    next_ms_ = now_ms + watchdog_us_ / kUsPerMs / kTimesInTime;
    news += "WATCHDOG=1\n";
  }
  return news;
}

void ServiceNotices::Alive(Readiness readiness, uint64_t now_ms, absl::string_view status) {
  if (!heard_) return;
  absl::MutexLock lock(&mutex_);
  if (stopping_) return;
  const std::string news = News(readiness, now_ms);
  Send(news + StatusNews(status));
}

void ServiceNotices::Rest(absl::string_view status) {
  if (!heard_) return;
  absl::MutexLock lock(&mutex_);
  if (stopping_) return;
  resting_ = true;
  Send((watchdog_us_ > 0 ? "WATCHDOG_USEC=0\n" : "") + StatusNews(status));
}

void ServiceNotices::Stopping(uint64_t stop_ms) {
  if (!heard_) return;
  absl::MutexLock lock(&mutex_);
  if (stopping_) return;
  stopping_ = true;
  std::string news = absl::StrCat("STOPPING=1\nEXTEND_TIMEOUT_USEC=", stop_ms * kUsPerMs, "\n");
  if (watchdog_us_ > 0) news += "WATCHDOG_USEC=0\n";
  Send(news + StatusNews("stopping"));
}

}  // namespace lamppost
