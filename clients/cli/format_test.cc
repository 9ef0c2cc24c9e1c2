// Golden outputs: what docs/cli.md promises, byte for byte.
#include "clients/cli/format.h"

#include <gtest/gtest.h>

#include <sstream>

#include "clients/cli/scan_printer.h"

namespace lamppost::cli {
namespace {

void Stamp(clock::v1::Timestamp* timestamp, uint64_t counter) {
  timestamp->set_counter(counter);
  timestamp->set_node_id("A");
  timestamp->set_incarnation((uint64_t{2} << 32) + 1);
}

TEST(FormatTest, Put) {
  client::Result<kv::v1::PutResponse> result;
  result.request_id = "r1";
  result.node = "h:1";
  Stamp(result.response.mutable_version(), 17);
  Stamp(result.response.mutable_clock(), 18);
  EXPECT_EQ(FormatPut("x", result, OutputFormat::kTable), "OK 17@A.2\n");
  EXPECT_EQ(FormatPut("x", result, OutputFormat::kRaw), "17@A.2\n");
  EXPECT_EQ(FormatPut("x", result, OutputFormat::kJson),
            R"({"key":"x","version":{"counter":17,"node_id":"A","incarnation":"8589934593"},)"
            R"("replayed":false,"replicas":0,"request_id":"r1","clock":18,"node":"h:1"})"
            "\n");
  result.response.set_replayed(true);
  EXPECT_EQ(FormatPut("x", result, OutputFormat::kTable), "OK 17@A.2 (had been written before)\n");
}

// A node id comes from the server, and could steer the terminal.
TEST(FormatTest, ANodeIdIsPrintedWithoutControlCharacters) {
  client::Result<kv::v1::PutResponse> result;
  Stamp(result.response.mutable_version(), 17);
  result.response.mutable_version()->set_node_id("A\x1b[2J");
  EXPECT_EQ(FormatPut("x", result, OutputFormat::kTable), "OK 17@A\\x1b[2J.2\n");
  EXPECT_EQ(FormatPut("x", result, OutputFormat::kRaw), "17@A\\x1b[2J.2\n");
}

TEST(FormatTest, Delete) {
  client::Result<kv::v1::DeleteResponse> result;
  result.request_id = "r1";
  result.node = "h:1";
  Stamp(result.response.mutable_version(), 17);
  EXPECT_EQ(FormatDelete("x", result, OutputFormat::kTable), "OK 17@A.2 (there was no such key)\n");
  result.response.set_found(true);
  EXPECT_EQ(FormatDelete("x", result, OutputFormat::kTable), "OK 17@A.2\n");
  EXPECT_EQ(FormatDelete("x", result, OutputFormat::kJson),
            R"({"key":"x","version":{"counter":17,"node_id":"A","incarnation":"8589934593"},)"
            R"("replayed":false,"replicas":0,"request_id":"r1","clock":0,"node":"h:1","found":true})"
            "\n");
}

TEST(FormatTest, Write) {
  client::Result<kv::v1::WriteResponse> result;
  result.request_id = "r1";
  result.node = "h:1";
  Stamp(result.response.mutable_version(), 17);
  Stamp(result.response.mutable_clock(), 18);
  result.response.set_replicas(2);
  EXPECT_EQ(FormatWrite(3, result, OutputFormat::kTable), "OK 17@A.2\n");
  EXPECT_EQ(FormatWrite(3, result, OutputFormat::kRaw), "17@A.2\n");
  EXPECT_EQ(FormatWrite(3, result, OutputFormat::kJson),
            R"({"operations":3,"version":{"counter":17,"node_id":"A","incarnation":"8589934593"},)"
            R"("replayed":false,"replicas":2,"request_id":"r1","clock":18,"node":"h:1"})"
            "\n");
  result.response.set_replayed(true);
  EXPECT_EQ(FormatWrite(3, result, OutputFormat::kTable), "OK 17@A.2 (had been written before)\n");
}

TEST(FormatTest, Get) {
  client::Result<kv::v1::GetResponse> result;
  result.node = "h:1";
  EXPECT_EQ(FormatGet("x", result, OutputFormat::kTable), "");
  EXPECT_EQ(FormatGet("x", result, OutputFormat::kRaw), "");
  EXPECT_EQ(FormatGet("x", result, OutputFormat::kJson),
            "{\"key\":\"x\",\"found\":false,\"version\":null,\"clock\":0,\"node\":\"h:1\"}\n");
  result.response.set_found(true);
  Stamp(result.response.mutable_version(), 17);
  result.response.mutable_value()->set_text("10");
  EXPECT_EQ(FormatGet("x", result, OutputFormat::kTable), "10\n");
  EXPECT_EQ(FormatGet("x", result, OutputFormat::kRaw), "10");
  EXPECT_EQ(FormatGet("x", result, OutputFormat::kJson),
            R"({"key":"x","found":true,"value":"10",)"
            R"("version":{"counter":17,"node_id":"A","incarnation":"8589934593"},"clock":0,"node":"h:1"})"
            "\n");
  result.response.mutable_value()->set_data(std::string("\0\xff", 2));
  EXPECT_EQ(FormatGet("x", result, OutputFormat::kRaw), std::string("\0\xff", 2));
  EXPECT_NE(FormatGet("x", result, OutputFormat::kJson).find("\"data\":\"AP8=\""), std::string::npos);
}

class ScanPrinterTest : public testing::Test {
 protected:
  std::string Print(OutputFormat format, ScanContent content, int entries) {
    std::ostringstream out;
    ScanPrinter printer({nullptr, &out, nullptr}, format, content);
    for (int i = 0; i < entries; ++i) {
      kv::v1::KeyValue entry;
      entry.set_key("k" + std::to_string(i));
      if (content == ScanContent::kKeysAndValues) entry.mutable_value()->set_text("v\n" + std::to_string(i));
      Stamp(entry.mutable_version(), static_cast<uint64_t>(i));
      printer.Add(entry);
    }
    printer.Finish();
    return out.str();
  }
};

TEST_F(ScanPrinterTest, Table) {
  EXPECT_EQ(Print(OutputFormat::kTable, ScanContent::kKeysAndValues, 2),
            "KEY  VALUE  VERSION\nk0   v\\n0   0@A.2\nk1   v\\n1   1@A.2\n");
  EXPECT_EQ(Print(OutputFormat::kTable, ScanContent::kKeysOnly, 1), "KEY  VERSION\nk0   0@A.2\n");
  EXPECT_EQ(Print(OutputFormat::kTable, ScanContent::kKeysOnly, 0), "");
  const std::string many = Print(OutputFormat::kTable, ScanContent::kKeysOnly, 2500);
  EXPECT_EQ(std::count(many.begin(), many.end(), '\n'), 2501);
}

TEST_F(ScanPrinterTest, Raw) {
  EXPECT_EQ(Print(OutputFormat::kRaw, ScanContent::kKeysAndValues, 1), "k0\tv\n0\n");
  EXPECT_EQ(Print(OutputFormat::kRaw, ScanContent::kKeysOnly, 2), "k0\nk1\n");
}

TEST_F(ScanPrinterTest, Json) {
  EXPECT_EQ(Print(OutputFormat::kJson, ScanContent::kKeysAndValues, 0), "{\"entries\":[],\"count\":0}\n");
  EXPECT_EQ(Print(OutputFormat::kJson, ScanContent::kKeysAndValues, 2),
            R"({"entries":[
{"key":"k0","value":"v\n0","version":{"counter":0,"node_id":"A","incarnation":"8589934593"}},
{"key":"k1","value":"v\n1","version":{"counter":1,"node_id":"A","incarnation":"8589934593"}}
],"count":2}
)");
}

}  // namespace
}  // namespace lamppost::cli
