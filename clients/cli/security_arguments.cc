#include "clients/cli/security_arguments.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace lamppost::cli {
namespace {

constexpr size_t kTokenBytesMax = 1024;

absl::StatusOr<std::string> CheckToken(absl::string_view where, absl::string_view text) {
  const absl::string_view token = absl::StripAsciiWhitespace(text);
  bool fits = !token.empty() && token.size() <= kTokenBytesMax;
  for (const char c : token) fits = fits && absl::ascii_isgraph(static_cast<unsigned char>(c));
  if (fits) return std::string(token);
  return absl::InvalidArgumentError(absl::StrCat(where, ": there is no token in it"));
}

}  // namespace

void AddSecurityOptions(CLI::App* app, SecurityArguments* arguments) {
  app->add_option(
         "--tls-ca", arguments->files.authorities,
         "Speak TLS, with servers whose certificates these sign (PEM) [with https://: those that the "
         "system knows]")
      ->envname("LAMPPOST_TLS_CA")
      ->type_name("FILE");
  app->add_option("--tls-cert", arguments->files.certificate, "Your certificate, to show who you are (PEM)")
      ->envname("LAMPPOST_TLS_CERT")
      ->type_name("FILE");
  app->add_option("--tls-key", arguments->files.key, "Its key (PEM)")
      ->envname("LAMPPOST_TLS_KEY")
      ->type_name("FILE");
  app->add_option("--token-file", arguments->token_file,
                  "Your token, instead of a certificate; LAMPPOST_TOKEN has it itself")
      ->envname("LAMPPOST_TOKEN_FILE")
      ->type_name("FILE");
}

absl::Status CheckSecurity(const std::vector<Address>& addresses, SecurityArguments* arguments) {
  if (const char* token = std::getenv("LAMPPOST_TOKEN"); token != nullptr) arguments->token = token;
  if (arguments->files.certificate.empty() != arguments->files.key.empty())
    return absl::InvalidArgumentError("--tls-cert and --tls-key go together");
  const bool has_token = !arguments->token.empty() || !arguments->token_file.empty();
  const bool is_tls_asked = !arguments->files.empty() || has_token;
  const Address* http = nullptr;
  const Address* https = nullptr;
  for (const Address& address : addresses) {
    if (address.scheme == AddressScheme::kHttp) http = &address;
    if (address.scheme == AddressScheme::kHttps) https = &address;
  }
  arguments->transport = is_tls_asked || https != nullptr ? Transport::kTls : Transport::kPlainText;
  if (http == nullptr || arguments->transport == Transport::kPlainText) return absl::OkStatus();
  const char* const other = https != nullptr ? "https:// is TLS"
                            : has_token      ? "a token goes over TLS alone"
                                             : "--tls-ca and --tls-cert are for TLS";
  return absl::InvalidArgumentError(
      absl::StrCat(http->Url(Transport::kPlainText), " is plain text, and ", other));
}

absl::StatusOr<std::string> ReadToken(const SecurityArguments& arguments) {
  if (!arguments.token_file.empty()) {
    const absl::StatusOr<std::string> text = security::ReadTextFile(arguments.token_file);
    if (!text.ok()) return text.status();
    return CheckToken(arguments.token_file, *text);
  }
  if (arguments.token.empty()) return std::string();
  return CheckToken("LAMPPOST_TOKEN", arguments.token);
}

std::vector<std::string> SecurityWords(const SecurityArguments& arguments) {
  std::vector<std::string> words;
  for (const auto& [option, value] : {std::pair("--tls-ca", arguments.files.authorities),
                                      {"--tls-cert", arguments.files.certificate},
                                      {"--tls-key", arguments.files.key},
                                      {"--token-file", arguments.token_file}}) {
    if (!value.empty()) words.insert(words.end(), {option, value});
  }
  return words;
}

}  // namespace lamppost::cli
