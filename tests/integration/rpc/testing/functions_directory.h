// A functions directory that a test fills.
#ifndef LAMPPOST_TESTS_INTEGRATION_RPC_TESTING_FUNCTIONS_DIRECTORY_H_
#define LAMPPOST_TESTS_INTEGRATION_RPC_TESTING_FUNCTIONS_DIRECTORY_H_

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tests/integration/testing/process.h"

namespace lamppost::testing {

class FunctionsDirectory {
 public:
  FunctionsDirectory() : path_(NewTestPath("functions")) { std::filesystem::create_directories(path_); }

  const std::string& path() const { return path_; }

  void Write(const std::string& name, absl::string_view text) const {
    // As editors do it: nobody sees half a file.
    const std::string file = absl::StrCat(path_, "/", name);
    std::ofstream(file + ".new") << text;
    std::filesystem::rename(file + ".new", file);
  }
  // A function that is a shell script, NAME.sh with NAME.json. `members` go into the manifest: R"("a":1,)".
  void AddShell(const std::string& name, absl::string_view script, absl::string_view members = "") const {
    const std::string file = absl::StrCat(path_, "/", name, ".sh");
    std::ofstream(file) << "#!/bin/sh\n" << script << "\n";
    chmod(file.c_str(), 0755);
    Write(name + ".json", absl::StrCat(R"({"name":")", name, R"(","description":"A test's.",)", members,
                                       R"("command":["./)", name, R"(.sh"]})"));
  }

 private:
  const std::string path_;
};

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_RPC_TESTING_FUNCTIONS_DIRECTORY_H_
