#include "clients/cli/tls_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/common/error.h"
#include "services/security/access_list.h"
#include "services/security/certificate_maker.h"
#include "services/security/tls_files.h"
#include "services/security/token.h"

namespace lamppost::cli {
namespace {

using security::Identity;
using security::KeyPair;
using security::Validity;

constexpr absl::Duration kAuthorityValidFor = absl::Hours(24 * 3650);
constexpr absl::Duration kClocksDiffer = absl::Minutes(5);  // a certificate is good at once everywhere
constexpr mode_t kPublic = 0644;
constexpr mode_t kSecret = 0600;

absl::Status NotWritten(const std::string& path) {
  const int error_number = errno;
  return MakeError(
      error_number == EEXIST ? absl::StatusCode::kAlreadyExists : absl::StatusCode::kFailedPrecondition,
      error_number == EEXIST ? "TLS_FILE_EXISTS" : "FILE_NOT_WRITTEN",
      absl::StrCat(path, ": ", std::strerror(error_number)));
}

// Whole and on disk, or an error. `flags` of open(2).
absl::Status WriteFile(const std::string& path, absl::string_view text, int flags, mode_t mode) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode);
  if (fd < 0) return NotWritten(path);
  absl::Status status;
  while (status.ok() && !text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) status = NotWritten(path);
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
  }
  if (status.ok() && fsync(fd) != 0) status = NotWritten(path);
  close(fd);
  return status;
}

// Of everything about one subject, but for the ending.
std::string StemOf(const std::string& directory, const Identity& identity) {
  std::string name = identity.Text();
  std::replace(name.begin(), name.end(), ' ', '-');
  return absl::StrCat(directory, "/", name);
}

absl::StatusOr<KeyPair> ReadPair(const std::string& stem) {
  absl::StatusOr<std::string> certificate = security::ReadTextFile(stem + ".crt");
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = security::ReadTextFile(stem + ".key");
  if (!key.ok()) return key.status();
  return KeyPair{*std::move(certificate), *std::move(key)};
}

class Maker {
 public:
  Maker(std::string directory, absl::Time now) : directory_(std::move(directory)), now_(now) {}

  absl::Status TakeAuthority() {
    const std::string stem = directory_ + "/ca";
    if (!std::filesystem::exists(stem + ".crt") && !std::filesystem::exists(stem + ".key")) {
      const auto made =
          security::MakeAuthority("Lamppost authority", {now_ - kClocksDiffer, now_ + kAuthorityValidFor});
      if (!made.ok()) return made.status();
      if (absl::Status status = Store(stem, *made); !status.ok()) return status;
    }
    absl::StatusOr<KeyPair> authority = ReadPair(stem);
    if (!authority.ok()) return authority.status();
    authority_ = *std::move(authority);
    return absl::OkStatus();
  }

  absl::Status Certify(const TlsSubject& subject, absl::Duration valid_for) {
    security::CertificateRequest request{subject.identity, subject.hosts, ValidFor(valid_for)};
    if (subject.identity.kind != Identity::Kind::kUser) {
      for (const char* own : {"localhost", "127.0.0.1", "::1"}) {
        if (std::count(request.hosts.begin(), request.hosts.end(), own) == 0) request.hosts.push_back(own);
      }
    }
    const absl::StatusOr<KeyPair> pair = security::MakeCertificate(authority_, request);
    if (!pair.ok()) return pair.status();
    if (absl::Status status = Store(StemOf(directory_, subject.identity), *pair); !status.ok()) return status;
    if (subject.identity.kind != Identity::Kind::kUser) return absl::OkStatus();
    return AddUser(subject);
  }

  absl::Status Renew(const std::string& stem, absl::Duration valid_for) {
    const absl::StatusOr<KeyPair> old = ReadPair(stem);
    if (!old.ok()) return old.status();
    const auto renewed = security::RenewCertificate(authority_, *old, ValidFor(valid_for));
    if (!renewed.ok()) return renewed.status();
    const std::string path = stem + ".crt";
    if (absl::Status status = WriteFile(path + ".new", *renewed, O_TRUNC, kPublic); !status.ok())
      return status;
    if (rename((path + ".new").c_str(), path.c_str()) != 0) return NotWritten(path);
    made_.push_back(path);
    return absl::OkStatus();
  }

  std::vector<std::string> made() && { return std::move(made_); }

 private:
  Validity ValidFor(absl::Duration duration) const { return {now_ - kClocksDiffer, now_ + duration}; }

  absl::Status WriteNew(const std::string& path, absl::string_view text, mode_t mode) {
    absl::Status status = WriteFile(path, text, O_EXCL, mode);
    if (status.ok()) made_.push_back(path);
    return status;
  }

  absl::Status Store(const std::string& stem, const KeyPair& pair) {
    absl::Status status = WriteNew(stem + ".key", pair.key, kSecret);
    return status.ok() ? WriteNew(stem + ".crt", pair.certificate, kPublic) : status;
  }

  absl::Status AddUser(const TlsSubject& subject) {
    const absl::StatusOr<std::string> token = security::MakeToken();
    if (!token.ok()) return token.status();
    absl::Status status = WriteNew(StemOf(directory_, subject.identity) + ".token", *token + "\n", kSecret);
    if (!status.ok()) return status;
    const std::string path = directory_ + "/access";
    const bool is_new = !std::filesystem::exists(path);
    absl::string_view before = is_new ? "# name roles token's hash\n" : "";
    if (!is_new) {  // by hand, its last line may have no end
      const absl::StatusOr<std::string> text = security::ReadTextFile(path);
      if (!text.ok()) return text.status();
      if (!text->empty() && text->back() != '\n') before = "\n";
    }
    status = WriteFile(path,
                       absl::StrCat(before, subject.identity.name, " ", subject.roles, " ",
                                    security::TokenHash::Of(*token).Text(), "\n"),
                       O_APPEND, kPublic);
    if (status.ok() && is_new) made_.push_back(path);
    return status;
  }

  const std::string directory_;
  const absl::Time now_;
  KeyPair authority_;
  std::vector<std::string> made_;
};

// A user may have been added to the file by hand, and would then be there twice.
absl::Status CheckNotThere(const std::string& directory, const TlsSubject& subject) {
  const auto exists = [](const std::string& path) {
    return MakeError(absl::StatusCode::kAlreadyExists, "TLS_FILE_EXISTS",
                     absl::StrCat(path, " is there already"));
  };
  for (const char* ending : {".crt", ".key", ".token"}) {
    const std::string path = StemOf(directory, subject.identity) + ending;
    if (std::filesystem::exists(path)) return exists(path);
  }
  const std::string access = directory + "/access";
  if (subject.identity.kind != Identity::Kind::kUser || !std::filesystem::exists(access))
    return absl::OkStatus();
  const auto text = security::ReadTextFile(access);
  if (!text.ok()) return text.status();
  const auto list = security::AccessList::Parse(*text);
  if (!list.ok()) return WithMessage(list.status(), absl::StrCat(access, ": ", list.status().message()));
  return list->FindByName(subject.identity.name) == nullptr
             ? absl::OkStatus()
             : exists(absl::StrCat(subject.identity.Text(), " in ", access));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> InitTlsDirectory(const std::string& directory,
                                                          const std::vector<TlsSubject>& subjects,
                                                          absl::Duration valid_for, absl::Time now) {
  for (const TlsSubject& subject : subjects) {
    if (absl::Status status = CheckNotThere(directory, subject); !status.ok()) return status;
  }
  if (mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return NotWritten(directory);
  Maker maker(directory, now);
  if (absl::Status status = maker.TakeAuthority(); !status.ok()) return status;
  for (const TlsSubject& subject : subjects) {
    if (absl::Status status = maker.Certify(subject, valid_for); !status.ok()) return status;
  }
  return std::move(maker).made();
}

absl::StatusOr<std::vector<std::string>> RenewTlsDirectory(const std::string& directory,
                                                           absl::Duration valid_for, absl::Time now) {
  std::vector<std::string> stems;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    absl::string_view stem = name;
    if (name != "ca.crt" && absl::ConsumeSuffix(&stem, ".crt"))
      stems.push_back(absl::StrCat(directory, "/", stem));
  }
  if (error) {
    return MakeError(absl::StatusCode::kInvalidArgument, "TLS_FILE_UNUSABLE",
                     absl::StrCat(directory, ": ", error.message()));
  }
  std::sort(stems.begin(), stems.end());
  // Of a new authority there would be nobody to renew.
  if (!std::filesystem::exists(directory + "/ca.key")) {
    return MakeError(absl::StatusCode::kInvalidArgument, "TLS_FILE_UNUSABLE",
                     absl::StrCat(directory, "/ca.key is not there"));
  }
  Maker maker(directory, now);
  if (absl::Status status = maker.TakeAuthority(); !status.ok()) return status;
  for (const std::string& stem : stems) {
    if (absl::Status status = maker.Renew(stem, valid_for); !status.ok()) return status;
  }
  return std::move(maker).made();
}

}  // namespace lamppost::cli
