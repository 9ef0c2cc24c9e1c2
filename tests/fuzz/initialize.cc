// Called once, by libFuzzer or by replay_main.cc.
#include <google/protobuf/stubs/logging.h>

#include "tests/fuzz/fuzz.h"

// Protobuf says on stderr whatever it cannot parse; here that is nearly everything.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}
