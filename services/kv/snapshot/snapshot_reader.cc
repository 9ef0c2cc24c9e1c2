#include "services/kv/snapshot/snapshot_reader.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/kv/core/coding.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/record.h"

namespace lamppost::kv {

absl::Status SnapshotReader::Read(absl::string_view bytes) {
  buffer_.append(bytes.data(), bytes.size());
  size_t taken = 0;
  while (taken < buffer_.size()) {
    absl::StatusOr<size_t> more = Take(absl::string_view(buffer_).substr(taken));
    if (!more.ok()) return more.status();
    if (*more == 0) break;
    taken += *more;
    offset_ += *more;
  }
  buffer_.erase(0, taken);
  return absl::OkStatus();
}

absl::Status SnapshotReader::Finish() const {
  if (part_ == Part::kEnded) return absl::OkStatus();
  if (bytes() == 0) return DamagedSnapshot("it is empty");
  return DamagedSnapshot(absl::StrCat("it has been cut off after ", bytes(), " bytes"));
}

absl::StatusOr<size_t> SnapshotReader::TakeMagic(absl::string_view bytes) {
  if (!absl::StartsWith(bytes.substr(0, kSnapshotMagic.size()), kSnapshotMagic.substr(0, bytes.size()))) {
    return DamagedSnapshot("it does not begin as a snapshot file does");
  }
  const size_t size = kSnapshotMagic.size() + sizeof(uint64_t);
  if (bytes.size() < size) return 0;
  const absl::string_view head = bytes.substr(0, size);
  const uint64_t format = Decoder(head.substr(kSnapshotMagic.size())).BigEndian64();
  if (format != kSnapshotFormat) {
    return UnknownSnapshot(
        absl::StrCat("the snapshot has format ", format, ", this software reads ", kSnapshotFormat));
  }
  checksum_ = SnapshotChecksum(0, head);
  part_ = Part::kHeader;
  return size;
}

absl::StatusOr<size_t> SnapshotReader::Take(absl::string_view bytes) {
  if (part_ == Part::kMagic) return TakeMagic(bytes);
  if (part_ == Part::kEnded) {
    return DamagedSnapshot(absl::StrCat("something follows its end, from byte ", offset_));
  }
  if (bytes.size() < kSnapshotFrameHeadBytes) return 0;
  const uint64_t payload_size = Decoder(bytes.substr(1)).BigEndian64();
  if (payload_size > kSnapshotFrameBytesMax) {
    return DamagedSnapshot(absl::StrCat("at byte ", offset_, " begins something too large"));
  }
  const size_t checked_size = kSnapshotFrameHeadBytes + payload_size;
  if (bytes.size() < checked_size + kSnapshotChecksumBytes) return 0;
  const absl::string_view checked = bytes.substr(0, checked_size);
  const uint64_t checksum = SnapshotChecksum(checksum_, checked);
  if (checksum != Decoder(bytes.substr(checked_size)).BigEndian64()) {
    return DamagedSnapshot(
        absl::StrCat("the checksum does not fit the ", checked_size, " bytes from byte ", offset_));
  }
  checksum_ = checksum;
  const absl::Status status =
      TakeFrame(static_cast<SnapshotFrame>(checked.front()), checked.substr(kSnapshotFrameHeadBytes));
  if (!status.ok()) return status;
  return checked_size + kSnapshotChecksumBytes;
}

absl::Status SnapshotReader::TakeFrame(SnapshotFrame kind, absl::string_view payload) {
  if (part_ == Part::kHeader && kind == SnapshotFrame::kHeader) return TakeHeader(payload);
  if (part_ == Part::kRecords && kind == SnapshotFrame::kBlock) return TakeBlock(payload);
  if (part_ == Part::kRecords && kind == SnapshotFrame::kFooter) return TakeFooter(payload);
  return DamagedSnapshot(absl::StrCat("what begins at byte ", offset_, " does not belong there"));
}

absl::Status SnapshotReader::TakeHeader(absl::string_view payload) {
  absl::StatusOr<SnapshotHeader> header = DecodeSnapshotHeader(payload);
  if (!header.ok()) return header.status();
  part_ = Part::kRecords;
  hash_ = header->state.hash.Total();
  return sink_->Begin(*header);
}

absl::Status SnapshotReader::TakeBlock(absl::string_view payload) {
  Decoder decoder(payload);
  while (decoder.ok() && !decoder.rest().empty()) {
    const std::string key = decoder.String();
    absl::StatusOr<Version> version = DecodeVersion(decoder.String());
    if (!decoder.ok() || !version.ok()) break;
    if (key.empty() || key.size() > kKeyBytesMax || key <= last_key_) {
      return DamagedSnapshot(absl::StrCat("its keys are not in order, in the block at byte ", offset_));
    }
    if (absl::Status status = sink_->Add(key, *std::move(version)); !status.ok()) return status;
    last_key_ = key;
    ++records_;
  }
  if (decoder.Done()) return absl::OkStatus();
  return DamagedSnapshot(absl::StrCat("a record cannot be read, in the block at byte ", offset_));
}

absl::Status SnapshotReader::TakeFooter(absl::string_view payload) {
  Decoder decoder(payload);
  const uint64_t records = decoder.Varint();
  Hash128 hash;
  hash.high = decoder.BigEndian64();
  hash.low = decoder.BigEndian64();
  if (!decoder.Done()) return DamagedSnapshot("its footer cannot be read");
  if (records != records_) {
    return DamagedSnapshot(absl::StrCat("it holds ", records_, " records, and should hold ", records));
  }
  if (hash != hash_) return DamagedSnapshot("its header and its footer disagree");
  part_ = Part::kEnded;
  return absl::OkStatus();
}

}  // namespace lamppost::kv
