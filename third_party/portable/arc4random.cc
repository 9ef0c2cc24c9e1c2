// arc4random for systems whose glibc is older than 2.36, such as Ubuntu 22.04: the c-ares of Debian 12 calls
// it. Linked into portable programs only, where it takes the place of glibc's.
#include <sys/random.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" {

void arc4random_buf(void* buffer, size_t bytes) {
  auto* next = static_cast<uint8_t*>(buffer);
  while (bytes > 0) {
    const ssize_t got = getrandom(next, bytes, 0);
    if (got < 0 && errno != EINTR) abort();  // as glibc's does: its callers cannot do without
    if (got < 0) continue;
    next += got;
    bytes -= static_cast<size_t>(got);
  }
}

uint32_t arc4random() {
  uint32_t number = 0;
  arc4random_buf(&number, sizeof(number));
  return number;
}

}  // extern "C"
