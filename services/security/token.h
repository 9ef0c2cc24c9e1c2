// Bearer tokens: what a caller without a certificate shows. A server keeps their hashes alone.
//
// A token is 256 random bits, so one round of SHA-256 is enough for its hash: there is nothing to be guessed.
#ifndef LAMPPOST_SERVICES_SECURITY_TOKEN_H_
#define LAMPPOST_SERVICES_SECURITY_TOKEN_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamppost::security {

// "lpt_" and 43 letters of base64url. INTERNAL if the system gives no random numbers.
absl::StatusOr<std::string> MakeToken();

class TokenHash {
 public:
  static TokenHash Of(absl::string_view token);
  // "sha256:" and 64 hexadecimal digits. INVALID_ARGUMENT (BAD_TOKEN_HASH).
  static absl::StatusOr<TokenHash> Parse(absl::string_view text);

  std::string Text() const;
  // Takes as long whatever the two are.
  bool Equals(const TokenHash& other) const;

 private:
  std::array<uint8_t, 32> bytes_ = {};
};

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_TOKEN_H_
