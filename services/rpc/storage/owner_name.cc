#include "services/rpc/storage/owner_name.h"

#include <random>

#include "absl/strings/str_cat.h"

namespace lamppost::rpc {

std::string MakeOwnerName() {
  std::random_device device;  // the kernel's generator on Linux
  std::string name;
  for (int i = 0; i < 4; ++i) absl::StrAppend(&name, absl::Hex(device(), absl::kZeroPad8));
  return name;
}

}  // namespace lamppost::rpc
