// A directory of one test, removed with it.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_TESTING_TEST_DIRECTORY_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_TESTING_TEST_DIRECTORY_H_

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "gtest/gtest.h"

namespace lamppost::rpc {

class TestDirectory {
 public:
  TestDirectory() : path_(::testing::TempDir() + "/store." + std::string(6, 'X')) {
    if (mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "no directory " << path_;
  }
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_TESTING_TEST_DIRECTORY_H_
