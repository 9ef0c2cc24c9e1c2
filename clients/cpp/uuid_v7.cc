#include "clients/cpp/uuid_v7.h"

#include <chrono>
#include <cstddef>
#include <random>
#include <utility>

namespace lamppost::client {
namespace {

constexpr uint64_t kTimeMask = (uint64_t{1} << 48) - 1;
constexpr uint64_t kHighMask = (uint64_t{1} << 12) - 1;
constexpr uint64_t kLowMask = (uint64_t{1} << 62) - 1;

uint64_t WallMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

uint64_t Random64() {
  std::random_device device;  // the kernel's generator on Linux
  const uint64_t high = device();
  return high << 32 | device();
}

void PutBigEndian(uint64_t value, size_t bytes, uint8_t* to) {
  for (size_t i = 0; i < bytes; ++i) to[i] = static_cast<uint8_t>(value >> (8 * (bytes - 1 - i)));
}

}  // namespace

UuidV7Minter::UuidV7Minter(std::function<uint64_t()> wall_ms, std::function<uint64_t()> random)
    : wall_ms_(wall_ms ? std::move(wall_ms) : WallMs), random_(random ? std::move(random) : Random64) {}

rpc::RequestId UuidV7Minter::Mint() {
  std::lock_guard<std::mutex> lock(mutex_);
  const uint64_t now_ms = wall_ms_() & kTimeMask;
  if (now_ms > time_ms_) {
    time_ms_ = now_ms;
    high_ = random_() & (kHighMask >> 1);  // the first bit is left for what is added
    low_ = random_() & kLowMask;
  } else {
    // A random step, so that no id tells the next one; a carry makes room above.
    low_ += (random_() & 0xffffffff) + 1;
    high_ += low_ > kLowMask ? 1 : 0;
    low_ &= kLowMask;
    time_ms_ += high_ > kHighMask ? 1 : 0;
    high_ &= kHighMask;
  }
  rpc::RequestId::Bytes bytes;
  PutBigEndian(time_ms_, 6, bytes.data());
  PutBigEndian(uint64_t{7} << 12 | high_, 2, bytes.data() + 6);
  PutBigEndian(uint64_t{2} << 62 | low_, 8, bytes.data() + 8);
  return rpc::RequestId(bytes);
}

rpc::RequestId MintUuidV7() {
  return UuidV7Minter().Mint();
}

}  // namespace lamppost::client
