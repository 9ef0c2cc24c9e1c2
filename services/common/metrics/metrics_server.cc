#include "services/common/metrics/metrics_server.h"

#include <prometheus/exposer.h>

#include <exception>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "services/common/error.h"
#include "services/common/logging.h"
#include "services/common/port_probe.h"

namespace lamppost {
namespace {

// CivetWeb's, by name and value. No document root is set, so no file is ever served.
std::vector<std::string> OptionsFor(const Address& address) {
  return {"listening_ports",
          address.HostPort(),
          "num_threads",
          "2",
          "request_timeout_ms",
          "2000",
          "enable_keep_alive",
          "no",
          "enable_directory_listing",
          "no"};
}

int FirstPort(const prometheus::Exposer& exposer) {
  const std::vector<int> ports = exposer.GetListeningPorts();
  return ports.empty() ? 0 : ports[0];
}

absl::Status WhyNot(const Address& address, const std::string& what) {
  const absl::Status probe = ProbePort(address);
  if (!probe.ok()) return probe;
  return MakeError(absl::StatusCode::kUnavailable, "LISTEN_FAILED",
                   absl::StrCat("metrics cannot be served at ", address.HostPort(), ": ", what));
}

}  // namespace

MetricsServer::MetricsServer(Address address, Collectables collectables,
                             std::unique_ptr<prometheus::Exposer> exposer)
    : address_(std::move(address)), collectables_(std::move(collectables)), exposer_(std::move(exposer)) {
  address_.port = FirstPort(*exposer_);
  for (const auto& collectable : collectables_) exposer_->RegisterCollectable(collectable);
  Log(LogLevel::kInfo, "serving metrics", {{"address", address_.host}, {"metrics_port", address_.port}});
}

// CivetWeb looks whether it is to end every two seconds, and whenever somebody connects.
MetricsServer::~MetricsServer() {
  absl::Notification ended;
  std::thread end([this, &ended] {
    exposer_.reset();
    ended.Notify();
  });
  while (!ended.WaitForNotificationWithTimeout(absl::Milliseconds(5))) Knock(address_);
  end.join();
}

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const Address& address,
                                                                    Collectables collectables) {
  if (absl::Status probe = ProbePort(address); !probe.ok()) return probe;
  std::unique_ptr<prometheus::Exposer> exposer;
  try {
    exposer = std::make_unique<prometheus::Exposer>(OptionsFor(address));
  } catch (const std::exception& error) {
    return WhyNot(address, error.what());
  }
  return std::unique_ptr<MetricsServer>(
      new MetricsServer(address, std::move(collectables), std::move(exposer)));
}

}  // namespace lamppost
