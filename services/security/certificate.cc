#include "services/security/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::security {
namespace {

using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;
using VerificationPtr = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

constexpr size_t kChainMax = 8;  // certificates up to an authority

absl::Status BadCertificate(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_CERTIFICATE", what);
}

absl::Status Refused(absl::string_view why) {
  return MakeError(absl::StatusCode::kUnauthenticated, "CERTIFICATE_REFUSED",
                   absl::StrCat("the certificate is refused: ", why));
}

absl::Status WithoutIdentity(absl::string_view why) {
  return MakeError(absl::StatusCode::kUnauthenticated, "CERTIFICATE_WITHOUT_IDENTITY", why);
}

}  // namespace

absl::StatusOr<std::vector<CertificatePtr>> ParseCertificates(absl::string_view pem,
                                                              size_t certificates_max) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<CertificatePtr> certificates;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
    if (certificates.size() > certificates_max) return BadCertificate("there are too many certificates");
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) return BadCertificate("a certificate cannot be read");
  if (certificates.empty()) return BadCertificate("there is no certificate in it");
  return certificates;
}

absl::StatusOr<Identity> IdentityOf(X509* certificate) {
  const NamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<Identity> found;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    absl::StatusOr<Identity> identity =
        ParseIdentityUri(absl::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                                           static_cast<size_t>(ASN1_STRING_length(uri))));
    if (identity.ok()) found.push_back(*std::move(identity));
  }
  if (found.empty()) return WithoutIdentity("the certificate names no node or user of Lamppost");
  if (found.size() > 1)
    return WithoutIdentity("the certificate names more than one node or user of Lamppost");
  return found[0];
}

absl::Time NotAfter(const X509* certificate) {
  tm broken_down = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &broken_down) != 1) return absl::InfinitePast();
  return absl::FromTM(broken_down, absl::UTCTimeZone());
}

absl::StatusOr<Authorities> Authorities::Parse(absl::string_view pem) {
  const absl::StatusOr<std::vector<CertificatePtr>> certificates = ParseCertificates(pem);
  if (!certificates.ok()) return certificates.status();
  const std::shared_ptr<X509_STORE> store(X509_STORE_new(), X509_STORE_free);
  for (const CertificatePtr& certificate : *certificates) {
    if (X509_STORE_add_cert(store.get(), certificate.get()) != 1)
      return BadCertificate("an authority's certificate cannot be taken");
  }
  return Authorities(store);
}

absl::StatusOr<Authorities::Verified> Authorities::Verify(absl::string_view chain, absl::Time now) const {
  const absl::StatusOr<std::vector<CertificatePtr>> certificates = ParseCertificates(chain, kChainMax);
  if (!certificates.ok()) return Refused(certificates.status().message());
  X509* const leaf = (*certificates)[0].get();
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> others(
      sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  for (size_t i = 1; i < certificates->size(); ++i) sk_X509_push(others.get(), (*certificates)[i].get());

  const VerificationPtr verification(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(verification.get(), store_.get(), leaf, others.get()) != 1)
    return Refused("it cannot be looked at");
  X509_STORE_CTX_set_time(verification.get(), 0, absl::ToTimeT(now));
  X509_STORE_CTX_set_purpose(verification.get(), X509_PURPOSE_SSL_CLIENT);
  const int verified = X509_verify_cert(verification.get());
  const int error = X509_STORE_CTX_get_error(verification.get());
  ERR_clear_error();
  if (verified != 1) return Refused(X509_verify_cert_error_string(error));
  absl::StatusOr<Identity> identity = IdentityOf(leaf);
  if (!identity.ok()) return identity.status();
  absl::Time not_after = absl::InfiniteFuture();
  const STACK_OF(X509)* const verified_chain = X509_STORE_CTX_get0_chain(verification.get());
  for (int i = 0; i < sk_X509_num(verified_chain); ++i)
    not_after = std::min(not_after, NotAfter(sk_X509_value(verified_chain, i)));
  return Verified{*std::move(identity), not_after};
}

}  // namespace lamppost::security
