// snapshot save against a service that never answers: what it is asked, and how that ends.
#include <gmock/gmock.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "clients/cli/run_words.h"
#include "lamppost/kv/v1/admin_service.grpc.pb.h"

namespace lamppost::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kSession[] =
    "{\"lamppost_session\":1,\"heads\":[{\"node_id\":\"A\",\"incarnation\":\"4294967297\",\"counter\":17}]}"
    "\n";

// Thread-safe.
class SilentAdminService final : public kv::v1::AdminService::Service {
 public:
  grpc::Status Snapshot(grpc::ServerContext* context, const kv::v1::SnapshotRequest* request,
                        grpc::ServerWriter<kv::v1::SnapshotResponse>*) override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      asked_.push_back(request->session());
    }
    while (!context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return grpc::Status::CANCELLED;
  }
  std::vector<kv::v1::Session> asked() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return asked_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<kv::v1::Session> asked_;
};

class SnapshotSaveTest : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("LAMPPOST_NODE");
    std::string pattern = testing::TempDir() + "/saveXXXXXX";
    directory_ = mkdtemp(pattern.data());
    std::ofstream(Path("session")) << kSession;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }
  void TearDown() override {
    server_->Shutdown(std::chrono::system_clock::now());
    std::filesystem::remove_all(directory_);
  }

  Ran Save(std::vector<std::string> options) {
    std::vector<std::string> words = {
        "--node",    "127.0.0.1:" + std::to_string(port_), "--timeout", "300ms", "snapshot", "save",
        Path("file")};
    words.insert(words.end(), options.begin(), options.end());
    return RunWords(std::move(words));
  }
  std::string Path(const std::string& name) const { return (directory_ / name).string(); }

  SilentAdminService service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::filesystem::path directory_;
};

TEST_F(SnapshotSaveTest, TheSessionIsPassedOn) {
  const Ran ran = Save({"--session", Path("session")});
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.err, HasSubstr("DEADLINE_EXCEEDED"));
  EXPECT_FALSE(std::filesystem::exists(Path("file")));
  ASSERT_FALSE(service_.asked().empty());
  ASSERT_EQ(service_.asked()[0].heads_size(), 1);
  EXPECT_EQ(service_.asked()[0].heads(0).counter(), 17u);
  EXPECT_EQ(service_.asked()[0].heads(0).origin().node_id(), "A");
}

TEST_F(SnapshotSaveTest, WithoutASessionNoneIsSent) {
  const Ran ran = Save({});
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.err, Not(HasSubstr("session")));
  ASSERT_FALSE(service_.asked().empty());
  EXPECT_EQ(service_.asked()[0].heads_size(), 0);
}

}  // namespace
}  // namespace lamppost::cli
