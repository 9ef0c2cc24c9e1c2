// Certificates and tokens for a test's servers and their callers.
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_TLS_FILES_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_TLS_FILES_H_

#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "clients/cli/tls_directory.h"
#include "services/security/credentials.h"
#include "services/security/tls_files.h"
#include "tests/integration/testing/process.h"

namespace lamppost::testing {

// A directory as `lamppost tls init` makes it, by the code of that command.
class TlsDirectory {
 public:
  using Credentials = std::shared_ptr<grpc::ChannelCredentials>;

  TlsDirectory() : path_(NewTestPath("tls")) {}

  // words: of `lamppost tls init`. More may be added later.
  absl::Status Init(const std::vector<std::string>& words, absl::Duration valid_for = absl::Hours(24),
                    absl::Time now = absl::Now()) {
    cli::TlsArguments arguments;
    arguments.words = words;
    if (absl::Status status = cli::CheckTlsArguments(&arguments); !status.ok()) return status;
    return cli::InitTlsDirectory(path_, arguments.subjects, valid_for, now).status();
  }

  const std::string& path() const { return path_; }
  std::string Path(absl::string_view name) const { return absl::StrCat(path_, "/", name); }
  std::string Text(absl::string_view name) const { return ReadFile(Path(name)); }
  std::string Token(absl::string_view user) const {
    return std::string(absl::StripSuffix(Text(absl::StrCat("user-", user, ".token")), "\n"));
  }

  // As `mv` does.
  void Replace(absl::string_view name, absl::string_view text) const {
    const std::string fresh = Path("fresh");
    std::ofstream(fresh) << text;
    std::filesystem::rename(fresh, Path(name));
  }
  // From the access file.
  void TakeOut(const std::vector<std::string>& users) const {
    std::string kept;
    for (absl::string_view line : absl::StrSplit(Text("access"), '\n')) {
      const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
      if (std::find(users.begin(), users.end(), words[0]) == users.end()) absl::StrAppend(&kept, line, "\n");
    }
    Replace("access", kept);
  }

  // Shows the certificate of "user-ops" or "node-A"; "" shows none. Believes this directory's authority.
  Credentials Showing(absl::string_view stem) const { return Make(stem, ""); }
  Credentials WithToken(const std::string& token) const { return Make("", token); }
  // Shows a certificate of another directory, and believes this one's authority.
  Credentials ShowingOneOf(const TlsDirectory& other, absl::string_view stem) const {
    security::ClientMaterial material;
    material.authorities = Text("ca.crt");
    material.certificate = other.Text(absl::StrCat(stem, ".crt"));
    material.key = other.Text(absl::StrCat(stem, ".key"));
    return security::MakeClientCredentials(material, "", security::ServerCheck::kHost);
  }

 private:
  Credentials Make(absl::string_view stem, const std::string& token) const {
    security::ClientMaterial material;
    material.authorities = Text("ca.crt");
    if (!stem.empty()) {
      material.certificate = Text(absl::StrCat(stem, ".crt"));
      material.key = Text(absl::StrCat(stem, ".key"));
    }
    return security::MakeClientCredentials(material, token, security::ServerCheck::kHost);
  }

  const std::string path_;
};

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_TLS_FILES_H_
