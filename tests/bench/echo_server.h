// The yardstick: a gRPC server that answers at once, built as the node is.
#ifndef LAMPPOST_TESTS_BENCH_ECHO_SERVER_H_
#define LAMPPOST_TESTS_BENCH_ECHO_SERVER_H_

#include <cstddef>

namespace lamppost::bench {

// Serves lamppost.kv.v1.KvService on loopback until SIGTERM, with the node's own server options. Put and
// Get store and look up nothing; their answers are as large as a node's. Returns the exit code.
int RunEchoServer(int port, size_t value_bytes);

}  // namespace lamppost::bench

#endif  // LAMPPOST_TESTS_BENCH_ECHO_SERVER_H_
