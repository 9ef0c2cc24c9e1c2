#include "clients/cpp/random.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <random>

#include "absl/strings/str_cat.h"

namespace lamppost::client {

std::string MintRequestId() {
  std::random_device device;  // the kernel's generator on Linux
  std::string id;
  for (int i = 0; i < 4; ++i) {
    absl::StrAppend(&id, absl::Hex(static_cast<uint32_t>(device()), absl::kZeroPad8));
  }
  return id;
}

RandomSource MakeRandomSource() {
  struct Generator {
    std::mutex mutex;
    std::mt19937_64 engine{std::random_device{}()};
  };
  auto generator = std::make_shared<Generator>();
  return [generator] {
    std::lock_guard<std::mutex> lock(generator->mutex);
    return std::uniform_real_distribution<double>(0, 1)(generator->engine);
  };
}

}  // namespace lamppost::client
