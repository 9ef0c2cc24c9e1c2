// grpc.reflection.v1.ServerReflection over the program's generated descriptors.
//
// Version v1alpha, which older clients ask for, is gRPC's own plugin: see server.h.
//
// Thread-safe. It must outlive the server that it is registered with.
#ifndef LAMPPOST_SERVICES_COMMON_REFLECTION_SERVICE_H_
#define LAMPPOST_SERVICES_COMMON_REFLECTION_SERVICE_H_

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"

namespace lamppost {

class ReflectionService final : public grpc::reflection::v1::ServerReflection::CallbackService {
 public:
  static constexpr size_t kStreamsMax = 64;

  // The full names of the services to list.
  explicit ReflectionService(std::vector<std::string> services);
  ~ReflectionService() override;

  // Ends each stream (UNAVAILABLE) once its answer in progress is sent, later ones at once, so that none
  // holds up the end of the server.
  void Shutdown();

  // More than kStreamsMax streams at a time get RESOURCE_EXHAUSTED with a retry delay.
  grpc::ServerBidiReactor<grpc::reflection::v1::ServerReflectionRequest,
                          grpc::reflection::v1::ServerReflectionResponse>*
  ServerReflectionInfo(grpc::CallbackServerContext* context) override;

 private:
  class Stream;

  const std::vector<std::string> services_;
  absl::Mutex mu_;
  std::set<Stream*> streams_ ABSL_GUARDED_BY(mu_);
  bool shut_down_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_REFLECTION_SERVICE_H_
