#include "clients/cli/scan_printer.h"

#include "clients/cli/format.h"
#include "clients/cli/json_format.h"
#include "clients/cli/text_table.h"
#include "services/clock/timestamp.h"
#include "services/common/clock_proto.h"

namespace lamppost::cli {

void ScanPrinter::Add(const kv::v1::KeyValue& entry) {
  ++count_;
  switch (format_) {
    case OutputFormat::kTable:
      held_.push_back(entry);
      if (held_.size() >= kAlignedRows) Flush();
      return;
    case OutputFormat::kJson:
      *io_.out << (count_ == 1 ? "{\"entries\":[\n" : ",\n") << Line(EntryJson(entry));
      return;
    case OutputFormat::kRaw:
      *io_.out << entry.key();
      if (content_ == ScanContent::kKeysAndValues) *io_.out << '\t' << BytesOf(entry.value());
      *io_.out << '\n';
      return;
  }
}

void ScanPrinter::Flush() {
  if (held_.empty()) return;
  const bool values = content_ == ScanContent::kKeysAndValues;
  TextTable table;
  if (!header_printed_) {
    std::vector<Cell> header = {{"KEY", Style::kBold}};
    if (values) header.push_back({"VALUE", Style::kBold});
    header.push_back({"VERSION", Style::kBold});
    table.Add(std::move(header));
    header_printed_ = true;
  }
  for (const kv::v1::KeyValue& entry : held_) {
    std::vector<Cell> row = {Printable(entry.key())};
    if (values) row.push_back(Printable(BytesOf(entry.value())));
    row.push_back(Printable(ToString(FromProto(entry.version()))));
    table.Add(std::move(row));
  }
  *io_.out << table.Render(io_.out_colour);
  held_.clear();
}

void ScanPrinter::Finish() {
  Flush();
  if (format_ == OutputFormat::kJson) {
    *io_.out << (count_ == 0 ? "{\"entries\":[" : "\n") << "],\"count\":" << count_ << "}\n";
  }
  *io_.out << std::flush;
}

}  // namespace lamppost::cli
