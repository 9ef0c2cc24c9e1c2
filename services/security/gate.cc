#include "services/security/gate.h"

#include <grpc/grpc_security_constants.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "services/common/error.h"

namespace lamppost::security {
namespace {

constexpr absl::string_view kBearer = "bearer ";

absl::Status Denied(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kPermissionDenied, reason, message);
}

std::optional<std::string> TokenOf(const Gate::Context& context) {
  const auto& metadata = context.client_metadata();
  const auto it = metadata.find("authorization");
  if (it == metadata.end()) return std::nullopt;
  absl::string_view value(it->second.data(), it->second.size());
  if (!absl::StartsWithIgnoreCase(value, kBearer)) return "";  // another scheme: no user's token
  return std::string(absl::StripAsciiWhitespace(value.substr(kBearer.size())));
}

}  // namespace

std::string CertificatesOf(const grpc::AuthContext& context) {
  std::string text;
  // A server is given the chain without the certificate itself.
  for (const char* name : {GRPC_X509_PEM_CERT_PROPERTY_NAME, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME}) {
    for (const grpc::string_ref& value : context.FindPropertyValues(name))
      text.append(value.data(), value.size());
  }
  return text;
}

void Gate::Replace(std::shared_ptr<const Policy> policy) {
  absl::MutexLock lock(&mutex_);
  policy_ = std::move(policy);
  policy_number_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const Policy> Gate::policy() const {
  absl::MutexLock lock(&mutex_);
  return policy_;
}

absl::Status Gate::VerifyNode(const grpc::AuthContext& peer) const {
  const absl::StatusOr<Caller> node = policy()->Identify({CertificatesOf(peer), std::nullopt}, absl::Now());
  if (!node.ok()) return node.status();
  if (node->identity.kind == Identity::Kind::kNode) return absl::OkStatus();
  return Denied("NOT_A_NODE", absl::StrCat(node->identity.Text(), " is no node: peers are"));
}

absl::StatusOr<Caller> Gate::Identify(const Context& context) {
  Credentials credentials;
  credentials.token = TokenOf(context);
  if (const auto auth = context.auth_context(); auth != nullptr && !credentials.token)
    credentials.certificates = CertificatesOf(*auth);
  return policy()->Identify(credentials, absl::Now());
}

absl::Status Gate::Refuse(const Context& context, const absl::Status& refusal) {
  log_.Tell(context.peer(), refusal, absl::Now());
  return refusal;
}

absl::Status Gate::Authorize(const Context& context, Right right) {
  const absl::StatusOr<Caller> caller = Identify(context);
  if (!caller.ok()) return Refuse(context, caller.status());
  if (caller->roles.May(right)) return absl::OkStatus();
  return Refuse(context, Denied("ROLE_MISSING",
                                absl::StrCat(caller->identity.Text(), " lacks the role ", NameOf(right))));
}

absl::Status Gate::AuthorizeFunction(const Context& context, absl::string_view method) {
  const absl::StatusOr<Caller> caller = Identify(context);
  if (!caller.ok()) return Refuse(context, caller.status());
  if (caller->roles.MayCall(method)) return absl::OkStatus();
  // The method's name is the caller's word, of any length and number: it goes to him, not into the log.
  const absl::Status refusal =
      Denied("ROLE_MISSING", absl::StrCat(caller->identity.Text(), " may not call this function"));
  Refuse(context, refusal).IgnoreError();
  return WithMetadata(refusal, "role", absl::StrCat("call:", method));
}

absl::Status Gate::RefusePlainText(const Context& context) {
  return Refuse(context, MakeError(absl::StatusCode::kUnauthenticated, "PLAIN_TEXT",
                                   "this port speaks TLS, and the call came in plain text: write https://"));
}

absl::StatusOr<std::string> Gate::AuthorizeNode(const Context& context) {
  const absl::StatusOr<Caller> caller = Identify(context);
  if (!caller.ok()) return Refuse(context, caller.status());
  if (caller->identity.kind == Identity::Kind::kNode) return caller->identity.name;
  return Refuse(context,
                Denied("NOT_A_NODE", absl::StrCat(caller->identity.Text(), " is no node: peers are")));
}

absl::Status Gate::CheckSender(const Context& context, absl::string_view certified, absl::string_view named) {
  if (certified == named) return absl::OkStatus();
  return Refuse(context, Denied("NODE_MISMATCH", absl::StrCat("the certificate is node ", certified,
                                                              "'s, and the message is in the name of ",
                                                              CheckIdentityName(named).ok() ? named : "?")));
}

}  // namespace lamppost::security
