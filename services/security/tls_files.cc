#include "services/security/tls_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/security/certificate.h"

namespace lamppost::security {
namespace {

using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;

constexpr size_t kFileBytesMax = size_t{4} << 20;

absl::Status Unusable(const std::string& path, absl::string_view why) {
  return MakeError(absl::StatusCode::kInvalidArgument, "TLS_FILE_UNUSABLE", absl::StrCat(path, ": ", why));
}

// OpenSSL asks for a key's password on the terminal unless it is told one.
int NoPassword(char*, int, int, void*) {
  return -1;
}

absl::StatusOr<KeyPtr> ParseKey(const std::string& path, const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr));
  ERR_clear_error();
  if (key == nullptr) return Unusable(path, "there is no private key in it that can be read");
  return key;
}

struct CertifiedKey {
  std::string certificate_pem;
  std::string key_pem;
  std::vector<CertificatePtr> certificates;  // at least one
};

absl::StatusOr<CertifiedKey> ReadCertifiedKey(const TlsFiles& files) {
  CertifiedKey own;
  absl::StatusOr<std::string> certificate = ReadTextFile(files.certificate);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key_text = ReadTextFile(files.key);
  if (!key_text.ok()) return key_text.status();
  absl::StatusOr<std::vector<CertificatePtr>> certificates = ParseCertificates(*certificate);
  if (!certificates.ok()) return Unusable(files.certificate, certificates.status().message());
  const absl::StatusOr<KeyPtr> key = ParseKey(files.key, *key_text);
  if (!key.ok()) return key.status();
  const bool fits = X509_check_private_key((*certificates)[0].get(), key->get()) == 1;
  ERR_clear_error();
  if (!fits) return Unusable(files.key, absl::StrCat("the key is not that of ", files.certificate));
  own.certificate_pem = *std::move(certificate);
  own.key_pem = *std::move(key_text);
  own.certificates = *std::move(certificates);
  return own;
}

absl::StatusOr<std::optional<AccessList>> ReadAccess(const std::string& path) {
  if (path.empty()) return std::optional<AccessList>();
  const absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<AccessList> list = AccessList::Parse(*text);
  if (!list.ok()) return Unusable(path, list.status().message());
  return std::optional<AccessList>(*std::move(list));
}

}  // namespace

absl::StatusOr<std::string> ReadTextFile(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) {
    text.resize(kFileBytesMax + 1);
    file.read(&text[0], static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad() || (text.empty() && errno != 0))
    return Unusable(path, errno != 0 ? std::strerror(errno) : "it cannot be read");
  if (text.size() > kFileBytesMax)
    return Unusable(path, absl::StrCat("it is above ", kFileBytesMax, " bytes"));
  return text;
}

absl::StatusOr<ServerMaterial> ReadServerFiles(const TlsFiles& files) {
  const absl::StatusOr<CertifiedKey> own = ReadCertifiedKey(files);
  if (!own.ok()) return own.status();
  const absl::StatusOr<std::string> authorities_pem = ReadTextFile(files.authorities);
  if (!authorities_pem.ok()) return authorities_pem.status();
  absl::StatusOr<Authorities> authorities = Authorities::Parse(*authorities_pem);
  if (!authorities.ok()) return Unusable(files.authorities, authorities.status().message());
  absl::StatusOr<std::optional<AccessList>> access = ReadAccess(files.access);
  if (!access.ok()) return access.status();

  ServerMaterial material;
  if (const absl::StatusOr<Identity> identity = IdentityOf(own->certificates[0].get()); identity.ok())
    material.identity = *identity;
  material.not_after = NotAfter(own->certificates[0].get());
  material.policy = std::make_shared<Policy>(*std::move(authorities), *std::move(access));
  return material;
}

absl::StatusOr<ClientMaterial> ReadClientFiles(const TlsFiles& files) {
  ClientMaterial material;
  if (!files.authorities.empty()) {
    absl::StatusOr<std::string> pem = ReadTextFile(files.authorities);
    if (!pem.ok()) return pem.status();
    if (const auto parsed = ParseCertificates(*pem); !parsed.ok())
      return Unusable(files.authorities, parsed.status().message());
    material.authorities = *std::move(pem);
  }
  if (files.certificate.empty()) return material;
  absl::StatusOr<CertifiedKey> own = ReadCertifiedKey(files);
  if (!own.ok()) return own.status();
  material.certificate = std::move(own->certificate_pem);
  material.key = std::move(own->key_pem);
  return material;
}

}  // namespace lamppost::security
