#include "clients/cli/json_lines.h"
#include "clients/cpp/client.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "lamppost/clock/v1/clock.pb.h"
#include "lamppost/kv/v1/kv_service.pb.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/seeds.h"

namespace lamppost::fuzz {
namespace {

std::string Clock() {
  clock::v1::Timestamp clock;
  clock.set_counter(99);
  clock.set_node_id("A");
  clock.set_incarnation(uint64_t{1} << 32);
  return clock.SerializeAsString();
}

std::string Error() {
  const grpc::Status status = ToGrpcStatus(
      MakeRetryableError(absl::StatusCode::kUnavailable, "STARTING", "the node is starting", 500));
  return std::string(1, static_cast<char>(status.error_code() + 1)) + FrameOf(status.error_message()) +
         FrameOf(status.error_details()) + FrameOf(Clock());
}

std::string Status() {
  kv::v1::StatusResponse status;
  status.mutable_clock()->ParseFromString(Clock());
  status.set_node_id("A");
  status.set_cluster("c");
  status.set_content_hash(std::string(32, '0'));
  kv::v1::PeerStatus* peer = status.add_peers();
  peer->set_node_id("B");
  peer->set_address("127.0.0.1:8001");
  peer->set_state(kv::v1::PEER_STATE_LIVE);
  peer->set_lag(3);
  peer->set_last_answer_ms(40);
  return std::string(1, '\0') + status.SerializeAsString();
}

std::string Page() {
  kv::v1::ScanResponse page;
  kv::v1::KeyValue* entry = page.add_entries();
  entry->set_key("k");
  entry->mutable_value()->set_text("v");
  entry->mutable_version()->ParseFromString(Clock());
  page.set_next_page_token("aw==");
  return std::string(1, '\1') + page.SerializeAsString();
}

// A node id that would clear the screen.
std::string EscapeSequence() {
  kv::v1::PutResponse put;
  put.mutable_version()->set_node_id("\x1b[2J");
  return std::string(1, '\2') + put.SerializeAsString();
}

std::string Lines() {
  return cli::EntryLine("k", client::TextValue("v\n\xC3\xA9")) +
         cli::EntryLine("bytes", client::DataValue("\x01\xff")) +
         "\r\n{\"key\":\"k\",\"value\":\"last\",\"x\":1}";
}

std::string Questions() {
  grpc::reflection::v1::ServerReflectionRequest symbol;
  symbol.set_file_containing_symbol("lamppost.kv.v1.KvService");
  grpc::reflection::v1::ServerReflectionRequest file;
  file.set_file_by_filename("lamppost/kv/v1/types.proto");
  grpc::reflection::v1::ServerReflectionRequest extension;
  extension.mutable_file_containing_extension()->set_containing_type("google.protobuf.FileOptions");
  extension.mutable_file_containing_extension()->set_extension_number(1);
  grpc::reflection::v1::ServerReflectionRequest list;
  list.set_list_services("*");
  return FrameOf(symbol.SerializeAsString()) + FrameOf(file.SerializeAsString()) +
         FrameOf(extension.SerializeAsString()) + FrameOf(list.SerializeAsString());
}

// Arguments are ended by a NUL.
std::string Command() {
  std::string line;
  for (const char* word : {"--node", "http://127.0.0.1:8000,[::1]:8001", "-o", "json", "--timeout", "1m30s",
                           "scan", "--start", "a", "--limit", "5"}) {
    line.append(word).push_back('\0');
  }
  return line;
}

}  // namespace

std::vector<Seed> ClientSeeds() {
  return {
      // A finding is in the middle: a host whose name is a scheme's.
      {"addresses", "list", "http://127.0.0.1:8000,http://dns:80,[::1]:8001,dns:///name.example:80"},
      {"arguments", "scan", Command()},
      {"text", "characters", "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\x1b[1m"},
      {"json_lines", "lines", Lines()},
      {"json_lines", "finding_number", R"({"key":"k","value":"v","x":1e999})"},
      {"load", "lines", Lines()},
      {"grpc_status", "error", Error()},
      {"server_answers", "status", Status()},
      {"server_answers", "page", Page()},
      {"server_answers", "finding_escape", EscapeSequence()},
      {"reflection", "questions", Questions()},
  };
}

}  // namespace lamppost::fuzz
