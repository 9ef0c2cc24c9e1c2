// A server for those who speak plain text at a TLS port: it refuses every call of theirs, and says why.
#ifndef LAMPPOST_SERVICES_SECURITY_PLAIN_TEXT_REFUSAL_H_
#define LAMPPOST_SERVICES_SECURITY_PLAIN_TEXT_REFUSAL_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>

#include "services/security/tls_listener.h"

namespace lamppost::security {

class PlainTextRefusal {
 public:
  // The status for a call; called on any thread. It may add trailers.
  using RefuseFn = std::function<grpc::Status(grpc::CallbackServerContext*)>;

  explicit PlainTextRefusal(RefuseFn refuse);
  ~PlainTextRefusal();  // hangs up

  // Once: for the connections.
  TlsListener::Acceptor TakeAcceptor() { return std::move(acceptor_); }

 private:
  class Service;

  const std::unique_ptr<Service> service_;
  TlsListener::Acceptor acceptor_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_PLAIN_TEXT_REFUSAL_H_
