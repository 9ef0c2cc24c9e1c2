#include "services/common/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/common/error.h"

namespace lamppost {
namespace {

constexpr size_t kAddressBytesMax = 512;
constexpr size_t kNameBytesMax = 253;
constexpr size_t kLabelBytesMax = 63;
constexpr size_t kShownBytesMax = 80;
constexpr char kHttp[] = "http://";
constexpr char kDns[] = "dns:///";
constexpr char kHttps[] = "https://";
constexpr char kAccepted[] = "http://host:port, https://host:port, host:port, [::1]:port or dns:///name:port";
constexpr char kAcceptedToListen[] = "an IP address or localhost with a port: 127.0.0.1:8000, [::]:8000";

// Which addresses make sense: one to call, or one to listen on.
struct Grammar {
  const char* accepted;
  int port_min;
};
constexpr Grammar kToCall = {kAccepted, 1};
constexpr Grammar kToListen = {kAcceptedToListen, 0};

absl::Status Bad(absl::string_view text, absl::string_view wrong, const Grammar& grammar) {
  const std::string shown = absl::CEscape(text.substr(0, kShownBytesMax));
  const absl::string_view more = text.size() > kShownBytesMax ? "…" : "";
  return MakeError(
      absl::StatusCode::kInvalidArgument, "BAD_ADDRESS",
      absl::StrCat("address \"", shown, more, "\": ", wrong, "; accepted is ", grammar.accepted));
}

// Such text would end early for inet_pton.
bool HasNul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

std::optional<uint32_t> ParseIpv4(const std::string& host) {
  in_addr address;
  if (HasNul(host) || inet_pton(AF_INET, host.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

std::optional<in6_addr> ParseIpv6(const std::string& host) {
  in6_addr address;
  if (HasNul(host) || inet_pton(AF_INET6, host.c_str(), &address) != 1) return std::nullopt;
  return address;
}

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
}

// What is wrong with a host that is no IPv6 address; empty if nothing is.
std::string WrongWithName(const std::string& host) {
  if (host.empty()) return "the host is missing";
  for (const char c : host) {
    if (!IsNameCharacter(c)) {
      return absl::StrCat("the host has '", absl::CEscape(absl::string_view(&c, 1)), "' in it");
    }
  }
  if (host.size() > kNameBytesMax)
    return absl::StrCat("the host is longer than ", kNameBytesMax, " characters");
  const std::vector<absl::string_view> labels = absl::StrSplit(absl::StripSuffix(host, "."), '.');
  for (const absl::string_view label : labels) {
    if (label.empty()) return "the host has an empty part";
    if (label.size() > kLabelBytesMax) {
      return absl::StrCat("the host has a part longer than ", kLabelBytesMax, " characters");
    }
    if (label.front() == '-' || label.back() == '-') return "a part of the host begins or ends with '-'";
  }
  // No name ends in a number, so this is meant to be an IPv4 address.
  const absl::string_view last = labels.back();
  const bool numeric = last.find_first_not_of("0123456789") == absl::string_view::npos;
  if (numeric && !ParseIpv4(host)) return "the host is not an IPv4 address, and no name ends in a number";
  return "";
}

bool IsNumber(absl::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == absl::string_view::npos;
}

std::string WrongWithPort(absl::string_view text, const Grammar& grammar, int* port) {
  if (text.empty()) return "the port is missing";
  if (!IsNumber(text)) return absl::StrCat("\"", absl::CEscape(text.substr(0, 16)), "\" is no port number");
  if (text.size() > 5 || !absl::SimpleAtoi(text, port) || *port > 65535 || *port < grammar.port_min) {
    return absl::StrCat("port ", text.substr(0, 16), " is not between ", grammar.port_min, " and 65535");
  }
  return "";
}

// Cuts "host:port" or "[host]:port" in two; what is wrong, or empty.
std::string Split(absl::string_view text, Address* address, absl::string_view* port) {
  if (absl::StartsWith(text, "[")) {
    const size_t close = text.find(']');
    if (close == absl::string_view::npos) return "the ']' is missing";
    address->host = std::string(text.substr(1, close - 1));
    if (!ParseIpv6(address->host)) return "there is no IPv6 address in the brackets";
    const absl::string_view rest = text.substr(close + 1);
    if (!rest.empty() && rest[0] != ':') return "after the ']' a port is expected";
    *port = rest.empty() ? rest : rest.substr(1);
    return "";
  }
  const size_t colon = text.rfind(':');
  address->host = std::string(text.substr(0, colon));
  if (absl::StrContains(address->host, ':'))
    return "an IPv6 address must be in brackets, and there is one port";
  if (colon == absl::string_view::npos && !text.empty()) return "the port is missing";
  *port = colon == absl::string_view::npos ? absl::string_view() : text.substr(colon + 1);
  return WrongWithName(address->host);
}

// Takes the scheme off; what is wrong, or empty.
std::string TakeScheme(absl::string_view* text, AddressScheme* scheme) {
  if (absl::ConsumePrefix(text, kHttp)) {
    *scheme = AddressScheme::kHttp;
    absl::ConsumeSuffix(text, "/");  // "http://host:port/" is the same URL
  } else if (absl::ConsumePrefix(text, kHttps)) {
    *scheme = AddressScheme::kHttps;
    absl::ConsumeSuffix(text, "/");
  } else if (absl::ConsumePrefix(text, kDns)) {
    *scheme = AddressScheme::kDns;
  } else if (absl::StartsWith(*text, "dns:") && !IsNumber(text->substr(4))) {  // "dns:80" is a host
    return "dns: takes three slashes and a name";
  } else if (absl::StrContains(*text, "://")) {
    return absl::StrCat("unknown scheme \"", absl::CEscape(text->substr(0, text->find("://")).substr(0, 16)),
                        "\"");
  }
  if (absl::StrContains(*text, '/')) return "a path is not expected";
  return "";
}

absl::StatusOr<Address> Parse(absl::string_view text, const Grammar& grammar) {
  if (text.empty()) return Bad(text, "it is empty", grammar);
  if (text.size() > kAddressBytesMax) return Bad(text, "it is too long", grammar);
  for (const char c : text) {
    if (absl::ascii_isspace(static_cast<unsigned char>(c))) return Bad(text, "it has a space in it", grammar);
    if (c == ',') return Bad(text, "one address is expected, not a list", grammar);
  }
  Address address;
  absl::string_view rest = text;
  absl::string_view port;
  std::string wrong = TakeScheme(&rest, &address.scheme);
  if (wrong.empty()) wrong = Split(rest, &address, &port);
  if (wrong.empty()) wrong = WrongWithPort(port, grammar, &address.port);
  if (!wrong.empty()) return Bad(text, wrong, grammar);
  return address;
}

}  // namespace

std::string Address::HostPort() const {
  return absl::StrContains(host, ':') ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

std::string Address::Target() const {
  if (ParseIpv6(host)) return absl::StrCat("ipv6:", HostPort());
  if (ParseIpv4(host)) return absl::StrCat("ipv4:", HostPort());
  return absl::StrCat(kDns, HostPort());
}

std::string Address::Url(Transport transport) const {
  return absl::StrCat(transport == Transport::kTls ? kHttps : kHttp, HostPort());
}

absl::StatusOr<Address> ParseAddress(absl::string_view text) {
  return Parse(text, kToCall);
}

absl::StatusOr<std::vector<Address>> ParseAddresses(absl::string_view text) {
  // A view of nothing at all would be split into no parts.
  if (text.empty()) return Bad(text, "it is empty", kToCall);
  std::vector<Address> addresses;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    if (addresses.size() == kAddressesMax) {
      return Bad(text, absl::StrCat("there are more than ", kAddressesMax, " of them"), kToCall);
    }
    if (part.empty()) return Bad(text, "between or after the commas one is empty", kToCall);
    absl::StatusOr<Address> address = ParseAddress(part);
    if (!address.ok()) return address.status();
    addresses.push_back(*std::move(address));
  }
  return addresses;
}

absl::StatusOr<Address> ParseListenAddress(absl::string_view text) {
  absl::StatusOr<Address> address = Parse(text, kToListen);
  if (!address.ok()) return address;
  if (address->scheme != AddressScheme::kNone) return Bad(text, "a scheme is not expected", kToListen);
  const std::string& host = address->host;
  const bool usable = ParseIpv4(host) || ParseIpv6(host) || absl::EqualsIgnoreCase(host, "localhost");
  if (!usable) return Bad(text, "a name does not say which interface to listen on", kToListen);
  return address;
}

bool IsLoopback(absl::string_view host) {
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) host = host.substr(1, host.size() - 2);
  if (absl::EqualsIgnoreCase(host, "localhost")) return true;
  const std::string text(host);
  if (const auto ipv4 = ParseIpv4(text)) return *ipv4 >> 24 == 127;
  const auto ipv6 = ParseIpv6(text);
  if (!ipv6) return false;
  if (IN6_IS_ADDR_V4MAPPED(&*ipv6)) return ipv6->s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&*ipv6);
}

}  // namespace lamppost
