// A recorded run as a file: a picture, a page, or a log for other programs.
#ifndef LAMPPOST_TESTS_SIM_DRAWING_H_
#define LAMPPOST_TESTS_SIM_DRAWING_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/diagram/event.h"

namespace lamppost::sim {

enum class DrawingFormat { kSvg, kHtml, kShiviz, kJsonl };

// By the end of the file's name. INVALID_ARGUMENT if it is none of .svg, .html, .shiviz and .jsonl.
absl::StatusOr<DrawingFormat> DrawingFormatOf(const std::string& path);

// The file's bytes. Fails as diagram::Build does; INVALID_ARGUMENT if there are no events.
absl::StatusOr<std::string> Draw(std::vector<diagram::Event> events, DrawingFormat format,
                                 const std::string& title);

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_DRAWING_H_
