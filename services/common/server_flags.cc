#include "services/common/server_flags.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <set>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/memory_guard.h"
#include "services/common/usage_error.h"
#include "services/common/version.h"

namespace lamppost {
namespace {

// Less is in use without any load.
constexpr uint64_t kMemoryBytesMin = uint64_t{128} << 20;

absl::StatusOr<Address> ListenAddressOf(absl::string_view option, std::string host, int port) {
  if (host.find(':') != std::string::npos && host[0] != '[') host = absl::StrCat("[", host, "]");
  absl::StatusOr<Address> address = ParseListenAddress(absl::StrCat(host, ":", port));
  if (!address.ok()) return UsageError(absl::StrCat(option, ": ", address.status().message()));
  return address;
}

// Where others read the metrics has to be said in so many words: there is nothing that keeps anybody out.
absl::Status TakeMetrics(const ServerFlags& flags, ServerSettings* settings) {
  if (flags.metrics_port < 0) {
    if (flags.metrics_listen.empty()) return absl::OkStatus();
    return UsageError("--metrics-listen: metrics are served at --metrics-port only, which is not given");
  }
  if (flags.metrics_port != 0 && flags.metrics_port == flags.port) {
    return UsageError(absl::StrCat("--metrics-port: ", flags.port, " is --port's already"));
  }
  const std::string host = flags.metrics_listen.empty() ? "127.0.0.1" : flags.metrics_listen;
  absl::StatusOr<Address> address = ListenAddressOf("--metrics-listen", host, flags.metrics_port);
  if (!address.ok()) return address.status();
  if (absl::EqualsIgnoreCase(address->host, "localhost")) address->host = "127.0.0.1";
  if (address->host.find(':') != std::string::npos) {
    return UsageError("--metrics-listen: metrics are served over IPv4 only");
  }
  if (!IsLoopback(address->host)) {
    settings->warnings.push_back(absl::StrCat("serves metrics as plain text on ", address->HostPort(),
                                              ": whoever can reach this port can read them"));
  }
  settings->metrics = *std::move(address);
  return absl::OkStatus();
}

absl::Status TakeListen(const ServerFlags& flags, PlainText plain_text, absl::string_view callers_can,
                        ServerSettings* settings) {
  std::string host = flags.listen;
  const bool is_tls = !flags.tls.empty();
  const bool is_asked = is_tls || flags.insecure || plain_text == PlainText::kAsked;
  if (host.empty()) host = is_asked ? "0.0.0.0" : "127.0.0.1";
  absl::StatusOr<Address> address = ListenAddressOf("--listen", host, flags.port);
  if (!address.ok()) return address.status();
  if (!is_tls && !IsLoopback(address->host)) {
    settings->warnings.push_back(absl::StrCat("serves plain text on ", address->HostPort(),
                                              ": whoever can reach this port can ", callers_can));
  }
  settings->listen.push_back(*std::move(address));
  return absl::OkStatus();
}

absl::Status TakeTls(const ServerFlags& flags, PlainText plain_text, ServerSettings* settings) {
  const security::TlsFiles& files = flags.tls;
  if (files.empty()) return absl::OkStatus();
  if (files.certificate.empty() || files.key.empty() || files.authorities.empty())
    return UsageError("TLS takes all three of --tls-cert, --tls-key and --tls-ca");
  if (flags.insecure) return UsageError("--insecure is plain text, and --tls-cert is TLS: give one of them");
  if (plain_text == PlainText::kAsked)
    return UsageError("--tls-cert: with TLS the peers are named with https://, and http:// is plain text");
  settings->tls = files;
  return absl::OkStatus();
}

// LAMPPOST_KV_ for lamppost-kv; LAMPPOST_KV_DATA_DIR for its --data-dir.
std::string VariableName(absl::string_view words) {
  std::string name(words);
  for (char& c : name) c = c == '-' ? '_' : absl::ascii_toupper(static_cast<unsigned char>(c));
  return name;
}

void NameVariables(CLI::App* app, absl::string_view program) {
  for (CLI::Option* option : app->get_options()) {
    const std::vector<std::string>& names = option->get_lnames();
    if (names.empty() || names[0] == "help" || names[0] == "version") continue;
    option->envname(VariableName(absl::StrCat(program, "-", names[0])));
  }
}

// Variables that look as if they were settings: mistyped ones, or another program's, which sets its own by
// the name of the service, say. They are told of and do no harm.
std::vector<std::string> UnknownVariables(const CLI::App& app, absl::string_view program) {
  const std::string prefix = VariableName(absl::StrCat(program, "-"));
  std::set<std::string> known;
  for (const CLI::Option* option : app.get_options()) known.insert(option->get_envname());
  std::vector<std::string> unknown;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const absl::string_view text = *variable;
    std::string name(text.substr(0, text.find('=')));
    if (absl::StartsWith(name, prefix) && known.count(name) == 0) unknown.push_back(std::move(name));
  }
  std::sort(unknown.begin(), unknown.end());
  return unknown;
}

// Behind an error about an option that was not on the command line: where its value came from.
std::string Source(const CLI::App& app, absl::string_view error, int argc, const char* const* argv) {
  const std::string name(error.substr(0, error.find(':')));
  const CLI::Option* option = absl::StartsWith(name, "--") ? app.get_option_no_throw(name) : nullptr;
  if (option == nullptr || option->get_envname().empty()) return "";
  for (int i = 1; i < argc; ++i) {
    const absl::string_view word = argv[i];
    if (word == name || absl::StartsWith(word, name + "=")) return "";
  }
  const char* value = std::getenv(option->get_envname().c_str());
  if (value == nullptr || *value == '\0') return "";
  return absl::StrCat(" (from the variable ", option->get_envname(), ")");
}

}  // namespace

void DeclarePort(CLI::App* app, ServerFlags* flags) {
  app->add_option("--port", flags->port, "The port to serve on; 0 for any free one")
      ->required()
      ->check(CLI::Range(0, 65535));
}

void DeclareServerFlags(CLI::App* app, absl::string_view listen_default, ServerFlags* flags) {
  app->set_version_flag("--version", kVersion);
  app->add_option("--listen", flags->listen,
                  absl::StrCat("The IP address to serve on; if not given, ", listen_default));
  app->add_flag("--insecure", flags->insecure, "Serve plain text on every interface");
  app->add_option("--tls-cert", flags->tls.certificate,
                  "Serve TLS, on every interface: this server's certificate (PEM), which names it")
      ->type_name("FILE");
  app->add_option("--tls-key", flags->tls.key, "Its key (PEM)")->type_name("FILE");
  app->add_option("--tls-ca", flags->tls.authorities, "Who signs the certificates of others (PEM)")
      ->type_name("FILE");
  app->add_option("--access-file", flags->tls.access,
                  "With TLS: which users may do what, by certificate or token; if not given, whoever has a "
                  "user's certificate may do everything")
      ->type_name("FILE");
  app->add_option("--drain-ms", flags->drain_ms, "On SIGTERM, how long calls under way may take")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{0}, uint64_t{600000}));
  app->add_option(
         "--memory-bytes-max", flags->memory_bytes_max,
         "Shut connections that send much while the process holds more than this; if not given, half "
         "of what it may have")
      ->check(CLI::Range(kMemoryBytesMin, uint64_t{1} << 50));
  app->add_option("--metrics-port", flags->metrics_port,
                  "Serve metrics for Prometheus on this port, over plain HTTP; 0 for any free one; if not "
                  "given, none are served")
      ->check(CLI::Range(0, 65535));
  app->add_option("--metrics-listen", flags->metrics_listen,
                  "The IPv4 address to serve metrics on; if not given, loopback alone");
  app->add_option("--log-level", flags->log_level, "debug, info, warn or error")->capture_default_str();
  app->add_option("--log-format", flags->log_format, "logfmt or json")->capture_default_str();
}

std::optional<ExitNow> ParseFlags(CLI::App* app, absl::string_view program, int argc, const char* const* argv,
                                  ServerFlags* flags) {
  app->name(std::string(program));  // not the path that it was started by
  NameVariables(app, program);
  flags->unknown_variables = UnknownVariables(*app, program);
  try {
    app->parse(argc, argv);
  } catch (const CLI::CallForVersion&) {
    return ExitNow{0, absl::StrCat(program, " ", kVersion, "\n")};
  } catch (const CLI::Success&) {
    return ExitNow{0, app->help()};
  } catch (const CLI::ParseError& error) {
    const std::string what = DescribeUsageError(*app, error);
    return ExitNow{2, absl::StrCat(program, ": ", what, Source(*app, what, argc, argv), "\n(", program,
                                   " --help shows the options)\n")};
  }
  return std::nullopt;
}

absl::Status CheckServerFlags(const ServerFlags& flags, PlainText plain_text, absl::string_view callers_can,
                              ServerSettings* settings) {
  if (absl::Status status = TakeTls(flags, plain_text, settings); !status.ok()) return status;
  if (absl::Status status = TakeListen(flags, plain_text, callers_can, settings); !status.ok()) return status;
  if (absl::Status status = TakeMetrics(flags, settings); !status.ok()) return status;
  const absl::StatusOr<LogLevel> level = ParseLogLevel(flags.log_level);
  if (!level.ok()) return UsageError(absl::StrCat("--log-level: ", level.status().message()));
  const absl::StatusOr<LogFormat> format = ParseLogFormat(flags.log_format);
  if (!format.ok()) return UsageError(absl::StrCat("--log-format: ", format.status().message()));
  settings->log = {*level, *format};
  settings->drain_ms = flags.drain_ms;
  settings->memory_bytes_max = flags.memory_bytes_max > 0 ? flags.memory_bytes_max : AllowedBytes() / 2;
  for (const std::string& name : flags.unknown_variables)
    settings->warnings.push_back(absl::StrCat("there is no setting ", name, ", which is in the environment"));
  return absl::OkStatus();
}

absl::Status UsageError(absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, "USAGE", message);
}

ExitNow WrongUsage(absl::string_view program, const absl::Status& error) {
  return ExitNow{2, absl::StrCat(program, ": ", error.message(), "\n")};
}

std::string DefaultDataDirectory(absl::string_view otherwise) {
  const char* state_directory = std::getenv("STATE_DIRECTORY");
  if (state_directory != nullptr && *state_directory != '\0') return state_directory;
  return std::string(otherwise);
}

}  // namespace lamppost
