#include "services/security/certificate_maker.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/security/certificate.h"

namespace lamppost::security {
namespace {

using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, Freer<BN_free>>;

constexpr size_t kSerialBytes = 16;

absl::Status Failed(absl::string_view what) {
  std::array<char, 256> reason = {};
  ERR_error_string_n(ERR_get_error(), reason.data(), reason.size());
  ERR_clear_error();
  return MakeError(absl::StatusCode::kInternal, "CERTIFICATE_NOT_MADE",
                   absl::StrCat(what, ": ", reason.data()));
}

std::string TextOf(BIO* bio) {
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(bio, &text);
  return std::string(text, static_cast<size_t>(bytes));
}

absl::StatusOr<KeyPair> PemOf(X509* certificate, EVP_PKEY* key) {
  const BioPtr certificate_bio(BIO_new(BIO_s_mem()));
  const BioPtr key_bio(BIO_new(BIO_s_secmem()));
  if (PEM_write_bio_X509(certificate_bio.get(), certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return Failed("writing a certificate");
  }
  return KeyPair{TextOf(certificate_bio.get()), TextOf(key_bio.get())};
}

bool SetSerial(X509* certificate) {
  std::array<unsigned char, kSerialBytes> bytes = {};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, of full length
  const NumberPtr number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return number != nullptr && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool SetValidity(X509* certificate, const Validity& validity) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate), absl::ToTimeT(validity.not_before)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(validity.not_after)) != nullptr;
}

bool SetCommonName(X509_NAME* name, absl::string_view text) {
  return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

// value: as in OpenSSL's configuration, see x509v3_config(5).
bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool IsIpAddress(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes = {};
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

bool IsHostName(const std::string& host) {
  return !host.empty() && host.size() <= 253 &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") ==
             std::string::npos;
}

absl::StatusOr<std::string> AlternativeNames(const CertificateRequest& request) {
  std::string names = absl::StrCat("URI:", request.identity.Uri());
  for (const std::string& host : request.hosts) {
    const bool is_address = IsIpAddress(host);
    if (!is_address && !IsHostName(host)) {
      return MakeError(absl::StatusCode::kInvalidArgument, "BAD_ADDRESS",
                       absl::StrCat("'", host, "' is neither a host's name nor an IP address"));
    }
    absl::StrAppend(&names, is_address ? ",IP:" : ",DNS:", host);
  }
  return names;
}

// What all certificates have; nothing on failure.
CertificatePtr Begin(EVP_PKEY* key, absl::string_view name, const Validity& validity) {
  CertificatePtr certificate(X509_new());
  const bool done = certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                    SetSerial(certificate.get()) && SetValidity(certificate.get(), validity) &&
                    SetCommonName(X509_get_subject_name(certificate.get()), name) &&
                    X509_set_pubkey(certificate.get(), key) == 1;
  return done ? std::move(certificate) : nullptr;
}

KeyPtr ParseKey(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return key;
}

absl::Status BadCertificate(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_CERTIFICATE", what);
}

struct Certified {
  CertificatePtr certificate;
  KeyPtr key;
};

absl::StatusOr<Certified> Parse(const KeyPair& pair, absl::string_view whose) {
  absl::StatusOr<std::vector<CertificatePtr>> certificates = ParseCertificates(pair.certificate);
  if (!certificates.ok()) return certificates.status();
  Certified certified{std::move((*certificates)[0]), ParseKey(pair.key)};
  const bool fits = certified.key != nullptr &&
                    X509_check_private_key(certified.certificate.get(), certified.key.get()) == 1;
  ERR_clear_error();
  if (!fits) return BadCertificate(absl::StrCat(whose, " key is not its own"));
  return certified;
}

// All that a certificate has but the names.
bool Fill(X509* made, X509* issuer) {
  return X509_set_issuer_name(made, X509_get_subject_name(issuer)) == 1 &&
         AddExtension(made, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
         AddExtension(made, issuer, NID_key_usage, "critical,digitalSignature") &&
         AddExtension(made, issuer, NID_ext_key_usage, "serverAuth,clientAuth") &&
         AddExtension(made, issuer, NID_subject_key_identifier, "hash") &&
         AddExtension(made, issuer, NID_authority_key_identifier, "keyid");
}

}  // namespace

absl::StatusOr<KeyPair> MakeAuthority(absl::string_view name, const Validity& validity) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed("making a key");
  const CertificatePtr certificate = Begin(key.get(), name, validity);
  X509* const self = certificate.get();
  if (self == nullptr || X509_set_issuer_name(self, X509_get_subject_name(self)) != 1 ||
      !AddExtension(self, self, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !AddExtension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !AddExtension(self, self, NID_subject_key_identifier, "hash") ||
      X509_sign(self, key.get(), EVP_sha256()) == 0) {
    return Failed("making an authority");
  }
  return PemOf(self, key.get());
}

absl::StatusOr<KeyPair> MakeCertificate(const KeyPair& authority, const CertificateRequest& request) {
  const absl::StatusOr<Certified> issuer = Parse(authority, "the authority's");
  if (!issuer.ok()) return issuer.status();
  const absl::StatusOr<std::string> names = AlternativeNames(request);
  if (!names.ok()) return names.status();

  const KeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed("making a key");
  const CertificatePtr made = Begin(key.get(), request.identity.Text(), request.validity);
  if (made == nullptr || !Fill(made.get(), issuer->certificate.get()) ||
      !AddExtension(made.get(), issuer->certificate.get(), NID_subject_alt_name, *names) ||
      X509_sign(made.get(), issuer->key.get(), EVP_sha256()) == 0) {
    return Failed("making a certificate");
  }
  return PemOf(made.get(), key.get());
}

absl::StatusOr<std::string> RenewCertificate(const KeyPair& authority, const KeyPair& old,
                                             const Validity& validity) {
  const absl::StatusOr<Certified> issuer = Parse(authority, "the authority's");
  if (!issuer.ok()) return issuer.status();
  const absl::StatusOr<Certified> before = Parse(old, "the certificate's");
  if (!before.ok()) return before.status();
  X509* const certificate = before->certificate.get();
  const bool is_ours = X509_verify(certificate, issuer->key.get()) == 1;
  ERR_clear_error();
  if (!is_ours) return BadCertificate("the certificate is not by this authority");
  const absl::StatusOr<Identity> identity = IdentityOf(certificate);
  if (!identity.ok()) return identity.status();
  X509_EXTENSION* const names =
      X509_get_ext(certificate, X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1));

  const CertificatePtr made = Begin(before->key.get(), identity->Text(), validity);
  if (made == nullptr || !Fill(made.get(), issuer->certificate.get()) || names == nullptr ||
      X509_add_ext(made.get(), names, -1) != 1 ||
      X509_sign(made.get(), issuer->key.get(), EVP_sha256()) == 0) {
    return Failed("making a certificate");
  }
  absl::StatusOr<KeyPair> pair = PemOf(made.get(), before->key.get());
  if (!pair.ok()) return pair.status();
  return std::move(pair->certificate);
}

}  // namespace lamppost::security
