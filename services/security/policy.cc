#include "services/security/policy.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::security {

absl::StatusOr<Caller> Policy::Identify(const Credentials& credentials, absl::Time now) const {
  if (credentials.token) return ByToken(*credentials.token);
  if (credentials.certificates.empty()) {
    return MakeError(absl::StatusCode::kUnauthenticated, "CREDENTIALS_MISSING",
                     "a certificate or a token is needed");
  }
  absl::StatusOr<Identity> identity = ByCertificate(credentials.certificates, now);
  if (!identity.ok()) return identity.status();
  absl::StatusOr<Roles> roles = RolesOf(*identity);
  if (!roles.ok()) return roles.status();
  return Caller{*std::move(identity), *std::move(roles)};
}

absl::StatusOr<Caller> Policy::ByToken(absl::string_view token) const {
  const AccessList::User* const user = access_ ? access_->FindByToken(token) : nullptr;
  if (user == nullptr) {
    return MakeError(absl::StatusCode::kUnauthenticated, "TOKEN_UNKNOWN", "the token is no user's");
  }
  return Caller{{Identity::Kind::kUser, user->name}, user->roles};
}

absl::StatusOr<Identity> Policy::ByCertificate(const std::string& certificates, absl::Time now) const {
  {
    absl::MutexLock lock(&mutex_);
    const auto it = verified_.find(certificates);
    if (it != verified_.end() && now < it->second.not_after) return it->second.identity;
  }
  absl::StatusOr<Authorities::Verified> verified = authorities_.Verify(certificates, now);
  if (!verified.ok()) return verified.status();
  absl::MutexLock lock(&mutex_);
  if (verified_.size() >= kVerifiedMax) verified_.clear();
  verified_.insert_or_assign(certificates, *verified);
  return verified->identity;
}

absl::StatusOr<Roles> Policy::RolesOf(const Identity& identity) const {
  switch (identity.kind) {
    case Identity::Kind::kNode:
      return Roles::Parse("read");  // it gets everything as a peer, and asks for the status of others
    case Identity::Kind::kServer:
      return Roles();
    case Identity::Kind::kUser:
      break;
  }
  if (!access_) return Roles::All();
  const AccessList::User* const user = access_->FindByName(identity.name);
  if (user != nullptr) return user->roles;
  return MakeError(absl::StatusCode::kPermissionDenied, "USER_UNKNOWN",
                   absl::StrCat(identity.Text(), " is not in the list of users"));
}

}  // namespace lamppost::security
