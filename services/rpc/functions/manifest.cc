#include "services/rpc/functions/manifest.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

constexpr absl::string_view kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr size_t kWordsMax = 256;
constexpr size_t kVariablesMax = 256;
constexpr uint64_t kMib = uint64_t{1} << 20;
constexpr uint64_t kMemoryBytesDefault = 512 * kMib;
constexpr uint64_t kMemoryBytesMin = 8 * kMib;
constexpr uint64_t kFileBytesMax = 1024 * kMib;
constexpr uint64_t kOpenFilesMax = 1024;
constexpr uint64_t kNumberMax = uint64_t{1} << 50;

absl::Status Invalid(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "MANIFEST_INVALID", what);
}

// Takes the members of the manifest one by one; the first thing that is wrong is kept.
class Reader {
 public:
  explicit Reader(const Json& manifest) : left_(manifest) {}

  std::optional<Json> Take(const char* name) {
    const auto found = left_.find(name);
    if (found == left_.end()) return std::nullopt;
    Json value = std::move(*found);
    left_.erase(found);
    return value;
  }

  void String(const char* name, std::string* value) {
    const std::optional<Json> given = Take(name);
    if (!given) return;
    if (!given->is_string()) return Refuse(absl::StrCat(name, ": must be a string"));
    *value = given->get<std::string>();
  }

  bool Bool(const char* name) {
    const std::optional<Json> given = Take(name);
    if (given && !given->is_boolean()) Refuse(absl::StrCat(name, ": must be true or false"));
    return given && given->is_boolean() && given->get<bool>();
  }

  // True if it is given.
  template <typename T>
  bool Number(const char* name, T* value) {
    const std::optional<Json> given = Take(name);
    if (!given) return false;
    const double number = given->is_number() ? given->get<double>() : -1;
    if (number < 0 || number > static_cast<double>(kNumberMax) || std::trunc(number) != number) {
      Refuse(absl::StrCat(name, ": must be a whole number, 0 or more"));
    } else {
      *value = static_cast<T>(number);
    }
    return true;
  }

  void Refuse(std::string what) {
    if (status_.ok()) status_ = Invalid(what);
  }

  // What is left is not known, and is told first: it may be what something that is missing was meant to be.
  absl::Status Finish() const {
    if (left_.empty()) return status_;
    return Invalid(absl::StrCat("\"", absl::Utf8SafeCHexEscape(left_.begin().key()),
                                "\" is not known; docs/functions.md lists what is"));
  }

 private:
  Json left_;
  absl::Status status_;
};

bool IsVariableName(const std::string& name) {
  if (name.empty() || absl::ascii_isdigit(static_cast<unsigned char>(name[0]))) return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_') return false;
  }
  return true;
}

void ReadCommand(Reader* reader, std::vector<std::string>* command) {
  const std::optional<Json> given = reader->Take("command");
  if (!given) return reader->Refuse("command: is required: a list of the program and its arguments");
  if (!given->is_array() || given->empty() || given->size() > kWordsMax)
    return reader->Refuse(absl::StrCat("command: must be a list of 1 to ", kWordsMax, " strings"));
  for (const Json& word : *given) {
    if (!word.is_string()) return reader->Refuse("command: must be a list of strings");
    command->push_back(word.get<std::string>());
    if (absl::StrContains(command->back(), '\0')) return reader->Refuse("command: a word holds a NUL");
  }
  if (command->front().empty()) reader->Refuse("command: the program's name is empty");
}

void ReadEnvironment(Reader* reader, std::vector<std::string>* environment) {
  const std::optional<Json> given = reader->Take("environment");
  if (!given) return;
  if (!given->is_object() || given->size() > kVariablesMax)
    return reader->Refuse(
        absl::StrCat("environment: must be an object of at most ", kVariablesMax, " strings"));
  for (const auto& [name, value] : given->items()) {
    const std::string shown = absl::Utf8SafeCHexEscape(name);
    if (!IsVariableName(name))
      return reader->Refuse(absl::StrCat("environment: \"", shown, "\" is no variable's name"));
    if (absl::StartsWith(name, "LAMPPOST_"))
      return reader->Refuse(absl::StrCat("environment: ", shown, ": names with LAMPPOST_ are the server's"));
    if (!value.is_string() || absl::StrContains(value.get_ref<const std::string&>(), '\0'))
      return reader->Refuse(absl::StrCat("environment: ", shown, ": must be a string without NUL"));
    environment->push_back(absl::StrCat(name, "=", value.get_ref<const std::string&>()));
  }
}

void ReadMode(Reader* reader, Manifest* manifest) {
  std::string mode = "process";
  reader->String("mode", &mode);
  if (mode == "worker") {
    manifest->mode = Manifest::Mode::kWorker;
  } else if (mode != "process") {
    reader->Refuse("mode: must be \"process\" or \"worker\"");
  }
}

void ReadSpec(Reader* reader, FunctionSpec* spec) {
  // By its file's name alone, so that no file can take another one's function.
  std::string name = spec->name;
  reader->String("name", &name);
  if (name != spec->name)
    reader->Refuse(
        absl::StrCat("name: must be the file's name without .json, \"", absl::CHexEscape(spec->name), "\""));
  reader->String("description", &spec->description);
  if (reader->Bool("idempotent")) spec->repeat = Repeat::kIdempotent;
  std::string when_abandoned = "finish";
  reader->String("when_abandoned", &when_abandoned);
  if (when_abandoned == "kill") {
    spec->when_abandoned = WhenAbandoned::kKill;
  } else if (when_abandoned != "finish") {
    reader->Refuse("when_abandoned: must be \"finish\" or \"kill\"");
  }
  reader->Number("abandon_grace_ms", &spec->abandon_grace_ms);
  reader->Number("time_limit_ms", &spec->time_limit_ms);
  reader->Number("concurrency_max", &spec->concurrency_max);
  reader->Number("queue_max", &spec->queue_max);
  reader->Number("result_bytes_max", &spec->result_bytes_max);
}

void ReadLimits(Reader* reader, Manifest* manifest) {
  ProgramLimits& limits = manifest->program.limits;
  limits.memory_bytes = kMemoryBytesDefault;
  limits.file_bytes = kFileBytesMax;
  limits.open_files = kOpenFilesMax;
  reader->Number("memory_bytes_max", &limits.memory_bytes);
  if (limits.memory_bytes < kMemoryBytesMin)
    reader->Refuse(absl::StrCat("memory_bytes_max: must be at least ", kMemoryBytesMin));
  // As long as it may run, unless it has several threads.
  limits.cpu_s = manifest->spec.time_limit_ms / 1000 + 1;
  const bool given = reader->Number("cpu_limit_s", &limits.cpu_s);
  if (given && limits.cpu_s == 0) reader->Refuse("cpu_limit_s: must be at least 1");
  if (manifest->mode == Manifest::Mode::kProcess) return;
  limits.cpu_s = 0;
  if (given) reader->Refuse("cpu_limit_s: is of a process, and a worker's life has no limit");
}

}  // namespace

absl::StatusOr<Manifest> ParseManifest(absl::string_view text, const std::string& file,
                                       const std::string& directory) {
  const absl::StatusOr<Json> json = ParseJson(text, kManifestBytesMax);
  if (!json.ok()) return Invalid(json.status().message());
  if (!json->is_object()) return Invalid("a manifest is a JSON object");
  Manifest manifest;
  manifest.spec.source = file;
  manifest.spec.name = std::string(absl::StripSuffix(file, ".json"));
  manifest.program.directory = directory;
  Reader reader(*json);
  ReadSpec(&reader, &manifest.spec);
  ReadMode(&reader, &manifest);
  ReadCommand(&reader, &manifest.program.command);
  ReadLimits(&reader, &manifest);
  std::vector<std::string>& environment = manifest.program.environment;
  ReadEnvironment(&reader, &environment);
  const Json params = reader.Take("params").value_or(Json{{"type", "object"}});
  if (absl::Status status = reader.Finish(); !status.ok()) return status;
  absl::StatusOr<std::shared_ptr<const ParamsSchema>> schema = ParamsSchema::Compile(params);
  if (!schema.ok()) return Invalid(absl::StrCat("params: ", schema.status().message()));
  manifest.params = *std::move(schema);
  const auto add_unless_given = [&](absl::string_view name, absl::string_view value) {
    const std::string start = absl::StrCat(name, "=");
    for (const std::string& variable : environment) {
      if (absl::StartsWith(variable, start)) return;
    }
    environment.push_back(absl::StrCat(start, value));
  };
  add_unless_given("PATH", kPath);
  add_unless_given("LANG", "C.UTF-8");
  environment.push_back(absl::StrCat("LAMPPOST_FUNCTION=", manifest.spec.name));
  if (manifest.mode == Manifest::Mode::kProcess) environment.push_back("LAMPPOST_PROGRESS_FD=3");
  return manifest;
}

absl::StatusOr<std::string> FindCommand(const std::string& word, const std::string& directory) {
  std::vector<std::string> places;
  if (absl::StartsWith(word, "/")) {
    places = {word};
  } else if (absl::StrContains(word, '/')) {
    places = {absl::StrCat(directory, "/", absl::StripPrefix(word, "./"))};
  } else {
    for (const absl::string_view each : absl::StrSplit(kPath, ':'))
      places.push_back(absl::StrCat(each, "/", word));
  }
  absl::Status status = MakeError(absl::StatusCode::kNotFound, "COMMAND_UNUSABLE",
                                  absl::StrCat("command: there is no ", word, " in ", kPath));
  for (const std::string& path : places) {
    struct stat facts = {};
    std::string what;
    if (stat(path.c_str(), &facts) != 0) {
      if (places.size() > 1 && errno == ENOENT) continue;
      what = std::strerror(errno);
    } else if (!S_ISREG(facts.st_mode)) {
      what = "is not a file";
    } else if (access(path.c_str(), X_OK) != 0) {
      what = "is not executable (chmod +x)";
    } else {
      return path;
    }
    status = MakeError(absl::StatusCode::kFailedPrecondition, "COMMAND_UNUSABLE",
                       absl::StrCat("command: ", path, ": ", what));
  }
  return status;
}

}  // namespace lamppost::rpc
