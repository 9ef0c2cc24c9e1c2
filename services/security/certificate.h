// Certificates, as far as Lamppost looks into them itself: whom one names, and whether to believe it. The
// rest is OpenSSL's.
#ifndef LAMPPOST_SERVICES_SECURITY_CERTIFICATE_H_
#define LAMPPOST_SERVICES_SECURITY_CERTIFICATE_H_

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/security/identity.h"

namespace lamppost::security {

// Deletes what OpenSSL has made.
template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using CertificatePtr = std::unique_ptr<X509, Freer<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;

// All certificates of a PEM text, in their order. INVALID_ARGUMENT (BAD_CERTIFICATE) if there is none, or one
// that cannot be read, or more than certificates_max: no more are looked at then.
inline constexpr size_t kCertificatesMax = 1000;
absl::StatusOr<std::vector<CertificatePtr>> ParseCertificates(absl::string_view pem,
                                                              size_t certificates_max = kCertificatesMax);

// Whom the certificate names. UNAUTHENTICATED (CERTIFICATE_WITHOUT_IDENTITY) unless it is exactly one.
absl::StatusOr<Identity> IdentityOf(X509* certificate);

absl::Time NotAfter(const X509* certificate);

// What peers' certificates are believed by. Thread-safe.
class Authorities {
 public:
  // The PEM text of one or more certificates. Errors as above.
  static absl::StatusOr<Authorities> Parse(absl::string_view pem);

  // Whom the first certificate of `chain`, a PEM text, names, and until when; the others of it lead up to an
  // authority. UNAUTHENTICATED: CERTIFICATE_REFUSED, with OpenSSL's reason, such as that it has expired or
  // that nobody known has signed it, or CERTIFICATE_WITHOUT_IDENTITY.
  struct Verified {
    Identity identity;
    absl::Time not_after;
  };
  absl::StatusOr<Verified> Verify(absl::string_view chain, absl::Time now) const;

 private:
  explicit Authorities(std::shared_ptr<X509_STORE> store) : store_(std::move(store)) {}

  std::shared_ptr<X509_STORE> store_;
};

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_CERTIFICATE_H_
