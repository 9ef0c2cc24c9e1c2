// What stands between the links and the replica, if anything does.
#ifndef LAMPPOST_SERVICES_KV_SERVER_INGRESS_H_
#define LAMPPOST_SERVICES_KV_SERVER_INGRESS_H_

#include "services/kv/core/messages.h"

namespace lamppost::kv {

// Asked on the driver's thread.
class Ingress {
 public:
  virtual ~Ingress() = default;
  // Whether the message that has come is to be handed to the replica; else it is lost.
  virtual bool Admits(const SyncMessage& message) = 0;
  virtual bool Admits(const SyncAnswer& answer) = 0;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_INGRESS_H_
