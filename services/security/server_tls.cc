#include "services/security/server_tls.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/error.h"
#include "services/common/logging.h"
#include "services/security/certificate.h"
#include "services/security/credentials.h"

namespace lamppost::security {
namespace {

constexpr absl::Duration kWarnBefore = absl::Hours(24 * 14);
constexpr absl::Duration kWarnEvery = absl::Hours(24);

absl::StatusOr<ServerMaterial> Read(const TlsFiles& files, const Identity& self) {
  absl::StatusOr<ServerMaterial> material = ReadServerFiles(files);
  if (!material.ok()) return material;
  const std::optional<Identity>& named = material->identity;
  if (!named || named->kind != self.kind || (!self.name.empty() && named->name != self.name)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "CERTIFICATE_OF_ANOTHER",
                     absl::StrCat(files.certificate, " names ", named ? named->Text() : "nobody",
                                  ", and has to name ", self.Uri(), self.name.empty() ? "NAME" : ""));
  }
  return material;
}

std::vector<std::string> PathsOf(const TlsFiles& files) {
  std::vector<std::string> paths = {files.certificate, files.key, files.authorities};
  if (!files.access.empty()) paths.push_back(files.access);
  return paths;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServerTls>> ServerTls::Open(const TlsFiles& files, const Identity& self) {
  std::vector<FileWatch::Mark> seen = FileWatch::Look(PathsOf(files));
  const absl::StatusOr<ServerMaterial> material = Read(files, self);
  if (!material.ok()) return material.status();
  if (files.access.empty()) {
    Log(LogLevel::kWarn,
        "every user with a certificate of the authority may do everything; --access-file says who may do "
        "what");
  }
  return std::unique_ptr<ServerTls>(new ServerTls(files, self, std::move(seen), *material));
}

ServerTls::ServerTls(TlsFiles files, Identity self, std::vector<FileWatch::Mark> seen,
                     const ServerMaterial& material)
    : files_(std::move(files)),
      self_(std::move(self)),
      server_credentials_(MakeServerCredentials(files_)),
      gate_(material.policy),
      not_after_unix_s_(absl::ToUnixSeconds(material.not_after)) {
  WarnOfExpiry();
  watch_.emplace(PathsOf(files_), std::move(seen),
                 FileWatch::Hooks{[this] { return Reload(); }, [this] { WarnOfExpiry(); }});
}

std::shared_ptr<grpc::ChannelCredentials> ServerTls::NewPeerCredentials() const {
  return MakePeerCredentials(files_);
}

// gRPC follows certificate and key by itself.
bool ServerTls::Reload() {
  const absl::StatusOr<ServerMaterial> material = Read(files_, self_);
  if (!material.ok()) {
    if (material.status() == unusable_) return false;
    unusable_ = material.status();
    Log(LogLevel::kError, "changed certificates or users cannot be used; who may do what stays",
        {{"reason", ErrorReason(unusable_)}, {"error", std::string(unusable_.message())}});
    return false;
  }
  unusable_ = absl::OkStatus();
  gate_.Replace(material->policy);
  not_after_unix_s_ = absl::ToUnixSeconds(material->not_after);
  warned_ = absl::InfinitePast();
  Log(LogLevel::kInfo, "certificates and users are read again",
      {{"not_after", absl::FormatTime(material->not_after, absl::UTCTimeZone())}});
  return true;
}

void ServerTls::WarnOfExpiry() {
  const absl::Time now = absl::Now();
  if (now < not_after() - kWarnBefore || now < warned_ + kWarnEvery) return;
  warned_ = now;
  Log(LogLevel::kWarn,
      now >= not_after() ? "the certificate has expired: nobody believes it" : "the certificate expires soon",
      {{"file", files_.certificate}, {"not_after", absl::FormatTime(not_after(), absl::UTCTimeZone())}});
}

absl::StatusOr<Identity> PeerIdentity(const grpc::AuthContext& context) {
  const absl::StatusOr<std::vector<CertificatePtr>> certificates = ParseCertificates(CertificatesOf(context));
  if (!certificates.ok()) {
    return MakeError(absl::StatusCode::kUnauthenticated, "CERTIFICATE_WITHOUT_IDENTITY",
                     "the other end shows no certificate");
  }
  return IdentityOf((*certificates)[0].get());
}

}  // namespace lamppost::security
