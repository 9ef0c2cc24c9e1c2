// Serves metrics to Prometheus: plain HTTP, one page, /metrics.
//
// There are no credentials and no TLS, so it listens on loopback unless told otherwise. Two threads serve;
// a caller that does not send its request, or does not take the answer, is sent away after two seconds.
// IPv4 only: Debian's CivetWeb is built without IPv6.
#ifndef LAMPPOST_SERVICES_COMMON_METRICS_METRICS_SERVER_H_
#define LAMPPOST_SERVICES_COMMON_METRICS_METRICS_SERVER_H_

#include <prometheus/collectable.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/common/listen_address.h"

namespace prometheus {
class Exposer;
}

namespace lamppost {

class MetricsServer {
 public:
  using Collectables = std::vector<std::shared_ptr<prometheus::Collectable>>;

  // Serves what they collect, from here on; each is asked at each request, on a thread of the server's, and
  // must answer in time. Logs the port as the field metrics_port. Errors are ProbePort's.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const Address& address,
                                                              Collectables collectables);
  // Waits for requests under way.
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  // What the system chose for port 0.
  int port() const { return address_.port; }

 private:
  MetricsServer(Address address, Collectables collectables, std::unique_ptr<prometheus::Exposer> exposer);

  Address address_;
  const Collectables collectables_;  // the exposer knows them weakly
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_METRICS_METRICS_SERVER_H_
