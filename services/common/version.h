// The version of the software, as every program and Status say it.
#ifndef LAMPPOST_SERVICES_COMMON_VERSION_H_
#define LAMPPOST_SERVICES_COMMON_VERSION_H_

namespace lamppost {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_VERSION_H_
