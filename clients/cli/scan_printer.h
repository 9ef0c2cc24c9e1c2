// Keys of a scan as they come, in the three output formats.
#ifndef LAMPPOST_CLIENTS_CLI_SCAN_PRINTER_H_
#define LAMPPOST_CLIENTS_CLI_SCAN_PRINTER_H_

#include <cstdint>
#include <vector>

#include "clients/cli/arguments.h"
#include "clients/cli/io.h"
#include "lamppost/kv/v1/kv_service.pb.h"

namespace lamppost::cli {

// Holds at most kAlignedRows rows, so that the columns of a table stand in line. Not thread-safe.
class ScanPrinter {
 public:
  static constexpr size_t kAlignedRows = 1000;

  ScanPrinter(const Io& io, OutputFormat format, ScanContent content)
      : io_(io), format_(format), content_(content) {}

  void Add(const kv::v1::KeyValue& entry);
  // Ends the output; without it, a JSON object stays open, as is right when the scan broke off.
  void Finish();
  // Prints what is held back, for a scan that broke off.
  void Flush();

 private:
  const Io io_;
  const OutputFormat format_;
  const ScanContent content_;
  uint64_t count_ = 0;
  std::vector<kv::v1::KeyValue> held_;
  bool header_printed_ = false;
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_SCAN_PRINTER_H_
