#include "services/rpc/functions/launch_protocol.h"

#include <cstring>

#include "absl/strings/match.h"

namespace lamppost::rpc {
namespace {

struct Header {
  LaunchRequest::Kind kind = LaunchRequest::Kind::kStart;
  uint32_t words = 0;      // of the command
  uint32_t variables = 0;  // of the environment
  ProgramId program = 0;
  ProgramLimits limits;
};

// The string that the packet begins with, taken off it.
std::optional<std::string> TakeString(absl::string_view* packet) {
  const size_t end = packet->find('\0');
  if (end == absl::string_view::npos) return std::nullopt;
  std::string text(packet->substr(0, end));
  packet->remove_prefix(end + 1);
  return text;
}

bool TakeStrings(absl::string_view* packet, uint32_t count, std::vector<std::string>* strings) {
  for (uint32_t i = 0; i < count; ++i) {
    std::optional<std::string> text = TakeString(packet);
    if (!text) return false;
    strings->push_back(*std::move(text));
  }
  return true;
}

}  // namespace

std::optional<std::string> EncodeRequest(const LaunchRequest& request) {
  Header header;
  header.kind = request.kind;
  header.words = static_cast<uint32_t>(request.spec.command.size());
  header.variables = static_cast<uint32_t>(request.spec.environment.size());
  header.program = request.program;
  header.limits = request.spec.limits;
  std::string packet(reinterpret_cast<const char*>(&header), sizeof(header));
  const auto append = [&](const std::string& text) {
    packet.append(text);
    packet.push_back('\0');
    return !absl::StrContains(text, '\0');
  };
  bool good = append(request.spec.directory);
  for (const std::string& word : request.spec.command) good = append(word) && good;
  for (const std::string& variable : request.spec.environment) good = append(variable) && good;
  if (!good || packet.size() > kLaunchPacketBytesMax) return std::nullopt;
  return packet;
}

std::optional<LaunchRequest> DecodeRequest(absl::string_view packet) {
  Header header;
  if (packet.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, packet.data(), sizeof(header));
  packet.remove_prefix(sizeof(header));
  LaunchRequest request;
  request.kind = header.kind;
  request.program = header.program;
  request.spec.limits = header.limits;
  std::optional<std::string> directory = TakeString(&packet);
  if (!directory || !TakeStrings(&packet, header.words, &request.spec.command) ||
      !TakeStrings(&packet, header.variables, &request.spec.environment)) {
    return std::nullopt;
  }
  request.spec.directory = *std::move(directory);
  return request;
}

}  // namespace lamppost::rpc
