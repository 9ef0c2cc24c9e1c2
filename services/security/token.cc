#include "services/security/token.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/common/error.h"

namespace lamppost::security {
namespace {

constexpr absl::string_view kTokenPrefix = "lpt_";
constexpr absl::string_view kHashPrefix = "sha256:";
constexpr size_t kTokenBytes = 32;

}  // namespace

absl::StatusOr<std::string> MakeToken() {
  std::string bytes(kTokenBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&bytes[0]), static_cast<int>(bytes.size())) != 1) {
    return MakeError(absl::StatusCode::kInternal, "NO_RANDOM_NUMBERS", "the system gives no random numbers");
  }
  return absl::StrCat(kTokenPrefix, absl::WebSafeBase64Escape(bytes));
}

TokenHash TokenHash::Of(absl::string_view token) {
  TokenHash hash;
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), hash.bytes_.data());
  return hash;
}

absl::StatusOr<TokenHash> TokenHash::Parse(absl::string_view text) {
  TokenHash hash;
  const bool known = absl::ConsumePrefix(&text, kHashPrefix) && text.size() == 2 * hash.bytes_.size() &&
                     std::all_of(text.begin(), text.end(),
                                 [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); });
  if (!known) {
    // Not shown: somebody may have put the token itself there.
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_TOKEN_HASH",
                     "a token's hash is sha256: and 64 hexadecimal digits");
  }
  const std::string bytes = absl::HexStringToBytes(text);
  std::memcpy(hash.bytes_.data(), bytes.data(), hash.bytes_.size());
  return hash;
}

std::string TokenHash::Text() const {
  return absl::StrCat(kHashPrefix, absl::BytesToHexString(absl::string_view(
                                       reinterpret_cast<const char*>(bytes_.data()), bytes_.size())));
}

bool TokenHash::Equals(const TokenHash& other) const {
  return CRYPTO_memcmp(bytes_.data(), other.bytes_.data(), bytes_.size()) == 0;
}

}  // namespace lamppost::security
