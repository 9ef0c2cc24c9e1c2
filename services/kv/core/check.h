// Assertions that stay on in release builds: a replica that has lost its way must stop before it
// writes or says anything more.
#ifndef LAMPPOST_SERVICES_KV_CORE_CHECK_H_
#define LAMPPOST_SERVICES_KV_CORE_CHECK_H_

#include "absl/base/internal/raw_logging.h"

// Ends the process with the message if the condition does not hold.
#define LAMPPOST_CHECK(condition, message) ABSL_RAW_CHECK(condition, message)

#endif  // LAMPPOST_SERVICES_KV_CORE_CHECK_H_
