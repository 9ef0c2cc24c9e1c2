// `lamppost load` from the file's bytes to the writes that reach a node: of lines with the same key the last
// one wins, however they are gathered into batches.
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "clients/cli/json_lines.h"
#include "clients/cli/line_reader.h"
#include "clients/cli/loader.h"
#include "clients/cpp/fake_stub.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::cli {
namespace {

using Entries = std::map<std::string, std::string>;  // key -> value, serialised

// A node that keeps what is written; everything else succeeds and does nothing. One thread at a time.
class KeepingStub final : public client::NodeStub {
 public:
  explicit KeepingStub(Entries* entries) : entries_(entries) {}

  client::AttemptEnd Write(const kv::v1::WriteRequest& request, int64_t, kv::v1::WriteResponse*) override {
    FUZZ_CHECK(request.operations_size() > 0, "an empty batch is sent");
    FUZZ_CHECK(request.operations_size() <= static_cast<int>(kBatchOperationsMax), "a batch is too long");
    Entries batch;
    for (const kv::v1::WriteOperation& operation : request.operations()) {
      const auto [it, is_new] =
          batch.emplace(operation.put().key(), operation.put().value().SerializeAsString());
      FUZZ_CHECK(is_new, "a key is twice in a batch");
      (*entries_)[it->first] = it->second;
    }
    return {};
  }
  client::AttemptEnd Put(const kv::v1::PutRequest&, int64_t, kv::v1::PutResponse*) override { return {}; }
  client::AttemptEnd Get(const kv::v1::GetRequest&, int64_t, kv::v1::GetResponse*) override { return {}; }
  client::AttemptEnd Delete(const kv::v1::DeleteRequest&, int64_t, kv::v1::DeleteResponse*) override {
    return {};
  }
  client::AttemptEnd Scan(const kv::v1::ScanRequest&, int64_t, kv::v1::ScanResponse*) override { return {}; }
  client::AttemptEnd Status(const kv::v1::StatusRequest&, int64_t, kv::v1::StatusResponse*) override {
    return {};
  }

 private:
  Entries* const entries_;
};

std::unique_ptr<client::Client> ClientOf(Entries* entries) {
  client::ClientEnvironment environment;
  environment.time = std::make_shared<client::FakeTime>();
  environment.random = [] { return 0.5; };
  environment.stub_factory = [entries](const Address&) { return std::make_unique<KeepingStub>(entries); };
  environment.mint_request_id = [] { return "id"; };
  return std::make_unique<client::Client>(client::OptionsFor({1}), environment);
}

void Load(absl::string_view bytes) {
  Entries written;
  Entries expected;
  const std::unique_ptr<client::Client> client = ClientOf(&written);
  std::istringstream in{std::string(bytes)};
  LineReader lines(&in);
  std::unique_ptr<Loader> loader;  // its thread is worth it only for lines that can be sent
  absl::string_view line;
  uint64_t sent = 0;
  while (true) {
    const absl::StatusOr<bool> more = lines.Next(&line);
    if (!more.ok() || !*more) break;
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    absl::StatusOr<kv::v1::PutOperation> put = ParseEntryLine(line);
    if (!put.ok()) break;
    expected[put->key()] = put->value().SerializeAsString();
    if (!loader) loader = std::make_unique<Loader>(client.get(), LoaderOptions{1, nullptr});
    FUZZ_CHECK(loader->Add(lines.line_number(), *std::move(put)), "a line is not taken");
    ++sent;
  }
  if (!loader) return;
  const LoadEnd end = loader->Finish();
  FUZZ_CHECK(end.status.ok(), "the load failed");
  FUZZ_CHECK(end.lines_written == sent, "the lines written are miscounted");
  FUZZ_CHECK(written == expected, "what was loaded is not what stands in the file");
}

}  // namespace
}  // namespace lamppost::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lamppost::cli::Load(lamppost::fuzz::BytesOf(data, size));
  return 0;
}
