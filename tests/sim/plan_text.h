// Plans as scripts: a line for each setting, errand and strike, to be read, kept, changed by hand and played
// again.
//
//   # what stands behind a # is for the reader
//   seed 88
//   nodes 3
//   durability interval
//   carriage stream
//   latency_us 50 1500
//   rate drop 5
//   faults_end_ms 6000
//   do 120 client=0 node=A put k1 named
//   do 200 client=1 node=B write k1 k2
//   strike 400 kill node=A other=B for=300 amount=2
//
// What is left out is as in a Plan that nobody has touched; ToText leaves nothing out but rates of zero.
#ifndef LAMPPOST_TESTS_SIM_PLAN_TEXT_H_
#define LAMPPOST_TESTS_SIM_PLAN_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/sim/plan.h"

namespace lamppost::sim {

std::string ToText(const Plan& plan);
// INVALID_ARGUMENT names the line.
absl::StatusOr<Plan> FromText(absl::string_view text);
// NOT_FOUND: there is no such file.
absl::StatusOr<Plan> ReadPlan(const std::string& path);

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_PLAN_TEXT_H_
