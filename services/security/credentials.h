// gRPC's credentials: of servers, and of those who call them.
#ifndef LAMPPOST_SERVICES_SECURITY_CREDENTIALS_H_
#define LAMPPOST_SERVICES_SECURITY_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

#include "services/security/tls_files.h"

namespace lamppost::security {

// TLS 1.2 or later. Callers are asked for a certificate, and let in without or with whatever one: who they
// are is for a Gate to see, which can tell them what is wrong. The files are read again when they change.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsFiles& files);

// Of a node that calls others: it shows its certificate, and takes those of the same authorities. Whose it is
// has to be looked at on each connection (PeerIdentity). The files are read again when they change.
std::shared_ptr<grpc::ChannelCredentials> MakePeerCredentials(const TlsFiles& files);

// Whom a client takes for the server that it has called.
enum class ServerCheck {
  kHost,      // whose certificate is for the host that was called
  kFunctions  // who is certified as a server of functions: of several equal ones, whichever it is
};

// token: empty for none.
std::shared_ptr<grpc::ChannelCredentials> MakeClientCredentials(const ClientMaterial& material,
                                                                const std::string& token, ServerCheck check);

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_CREDENTIALS_H_
