// Makes a small authority and certificates by it: for a cluster of one's own, and for tests. Keys are of the
// curve P-256.
#ifndef LAMPPOST_SERVICES_SECURITY_CERTIFICATE_MAKER_H_
#define LAMPPOST_SERVICES_SECURITY_CERTIFICATE_MAKER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/security/identity.h"

namespace lamppost::security {

// PEM texts.
struct KeyPair {
  std::string certificate;
  std::string key;  // PKCS #8, not encrypted
};

struct Validity {
  absl::Time not_before;
  absl::Time not_after;
};

// An authority that signs certificates of others itself, with none in between. Errors: INTERNAL, with
// OpenSSL's reason.
absl::StatusOr<KeyPair> MakeAuthority(absl::string_view name, const Validity& validity);

struct CertificateRequest {
  Identity identity;
  // Where it serves: names and IP addresses, which clients compare with what they have called.
  std::vector<std::string> hosts;
  Validity validity;
};

// Good for servers and clients alike. INVALID_ARGUMENT (BAD_CERTIFICATE) if the authority cannot be read.
absl::StatusOr<KeyPair> MakeCertificate(const KeyPair& authority, const CertificateRequest& request);

// A new certificate for the key of `old`, and all that its certificate names. INVALID_ARGUMENT
// (BAD_CERTIFICATE) as above, or if `old` cannot be read or is not by that authority.
absl::StatusOr<std::string> RenewCertificate(const KeyPair& authority, const KeyPair& old,
                                             const Validity& validity);

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_CERTIFICATE_MAKER_H_
