// The functions directory: a manifest a function, NAME.json, and whatever their programs are.
//
// Not thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_FUNCTIONS_DIRECTORY_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_FUNCTIONS_DIRECTORY_H_

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "services/rpc/core/registry.h"
#include "services/rpc/functions/manifest.h"
#include "services/rpc/functions/program_host.h"

namespace lamppost::rpc {

inline constexpr size_t kManifestsMax = 1000;

class FunctionsDirectory {
 public:
  struct Contents {
    std::vector<Registry::FunctionPtr> functions;  // by file name
    std::vector<FunctionProblem> problems;         // of other files, or of the directory itself
  };

  // An absolute path.
  FunctionsDirectory(std::string path, std::shared_ptr<ProgramHost> host)
      : path_(std::move(path)), host_(std::move(host)) {}

  // What is there now. A function whose manifest and program have not changed is the same object as before,
  // so that its workers and its counts live on. Hidden files are nobody's manifests.
  Contents Load();

  // Names of files in the directory that, with "*.json", Load looks at.
  const std::set<std::string>& program_files() const { return program_files_; }

 private:
  struct Loaded {
    std::string signature;  // of the manifest's text, and of its files
    Registry::FunctionPtr function;
  };

  absl::StatusOr<Loaded> LoadFile(const std::string& file, const Loaded* before);
  Registry::FunctionPtr Make(Manifest manifest) const;

  const std::string path_;
  const std::shared_ptr<ProgramHost> host_;
  std::map<std::string, Loaded> loaded_;  // by file name
  std::set<std::string> program_files_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_FUNCTIONS_DIRECTORY_H_
