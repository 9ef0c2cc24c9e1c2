// The scenarios: each says what it expects, does it, and measures what comes of it.
#ifndef LAMPPOST_CLIENTS_CLI_SCENARIO_PLAYS_H_
#define LAMPPOST_CLIENTS_CLI_SCENARIO_PLAYS_H_

#include <string>

#include "absl/status/status.h"
#include "clients/cli/scenario_stage.h"

namespace lamppost::cli {

// FAILED_PRECONDITION (NOT_AS_PROMISED) if the cluster behaves otherwise; what else goes wrong is given as it
// is. The faults and the keys are for the stage to clean up.
absl::Status PlayDelay(ScenarioStage* stage);       // A
absl::Status PlayConcurrent(ScenarioStage* stage);  // B
absl::Status PlayOutage(ScenarioStage* stage);      // C

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_SCENARIO_PLAYS_H_
