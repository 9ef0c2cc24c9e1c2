#include "clients/cli/line_reader.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace lamppost::cli {

absl::StatusOr<bool> LineReader::Next(absl::string_view* line) {
  constexpr size_t kChunkBytes = 64 * 1024;
  size_t searched = position_;
  size_t end;
  ++line_number_;
  while ((end = buffer_.find('\n', searched)) == std::string::npos) {
    buffer_.erase(0, position_);
    position_ = 0;
    searched = buffer_.size();
    if (searched > line_bytes_max_) {
      return absl::InvalidArgumentError(absl::StrCat("the line has more than ", line_bytes_max_, " bytes"));
    }
    buffer_.resize(searched + kChunkBytes);
    in_->read(&buffer_[searched], kChunkBytes);
    const auto got = static_cast<size_t>(in_->gcount());
    buffer_.resize(searched + got);
    if (in_->bad()) return absl::UnavailableError("reading failed");
    if (got > 0) continue;
    if (buffer_.empty()) return false;
    end = buffer_.size();
    break;
  }
  *line = absl::StripSuffix(absl::string_view(buffer_).substr(position_, end - position_), "\r");
  const size_t next = end < buffer_.size() ? end + 1 : end;
  bytes_read_ += next - position_;
  position_ = next;
  if (line->size() > line_bytes_max_) {
    return absl::InvalidArgumentError(absl::StrCat("the line has more than ", line_bytes_max_, " bytes"));
  }
  return true;
}

}  // namespace lamppost::cli
