#include "services/security/credentials.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/security/identity.h"

namespace lamppost::security {
namespace {

using grpc::experimental::ExternalCertificateVerifier;
using grpc::experimental::FileWatcherCertificateProvider;
using grpc::experimental::StaticDataCertificateProvider;
using grpc::experimental::TlsChannelCredentialsOptions;
using grpc::experimental::TlsCustomVerificationCheckRequest;

constexpr unsigned kLookEverySeconds = 1;

std::shared_ptr<FileWatcherCertificateProvider> Watch(const TlsFiles& files) {
  return std::make_shared<FileWatcherCertificateProvider>(files.key, files.certificate, files.authorities,
                                                          kLookEverySeconds);
}

// The chain has been verified when this is asked.
class FunctionServerVerifier : public ExternalCertificateVerifier {
 public:
  bool Verify(TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* status) override {
    for (const grpc::string_ref& uri : request->uri_names()) {
      const auto identity = ParseIdentityUri(absl::string_view(uri.data(), uri.size()));
      if (identity.ok() && identity->kind == Identity::Kind::kServer) return true;
    }
    *status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                           "the certificate is not that of a server of functions");
    return true;
  }
  void Cancel(TlsCustomVerificationCheckRequest*) override {}
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsFiles& files) {
  grpc::experimental::TlsServerCredentialsOptions options(Watch(files));
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> MakePeerCredentials(const TlsFiles& files) {
  TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Watch(files));
  options.watch_identity_key_cert_pairs();
  options.watch_root_certs();
  options.set_check_call_host(false);
  options.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  return grpc::experimental::TlsCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> MakeClientCredentials(const ClientMaterial& material,
                                                                const std::string& token, ServerCheck check) {
  TlsChannelCredentialsOptions options;
  std::vector<grpc::experimental::IdentityKeyCertPair> pairs;
  if (!material.key.empty()) pairs.push_back({material.key, material.certificate});
  if (!pairs.empty() || !material.authorities.empty()) {
    options.set_certificate_provider(
        std::make_shared<StaticDataCertificateProvider>(material.authorities, pairs));
  }
  if (!pairs.empty()) options.watch_identity_key_cert_pairs();
  if (!material.authorities.empty()) options.watch_root_certs();
  if (check == ServerCheck::kFunctions) {
    options.set_check_call_host(false);
    options.set_certificate_verifier(ExternalCertificateVerifier::Create<FunctionServerVerifier>());
  }
  std::shared_ptr<grpc::ChannelCredentials> channel = grpc::experimental::TlsCredentials(options);
  if (token.empty()) return channel;
  return grpc::CompositeChannelCredentials(channel, grpc::AccessTokenCredentials(token));
}

}  // namespace lamppost::security
