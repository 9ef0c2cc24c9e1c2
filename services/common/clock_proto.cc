#include "services/common/clock_proto.h"

namespace lamppost {

Timestamp FromProto(const clock::v1::Timestamp& message) {
  return Timestamp{message.counter(), Origin{message.node_id(), message.incarnation()}};
}

Origin FromProto(const clock::v1::Origin& message) {
  return Origin{message.node_id(), message.incarnation()};
}

void ToProto(const Timestamp& timestamp, clock::v1::Timestamp* message) {
  message->set_counter(timestamp.counter);
  message->set_node_id(timestamp.origin.node_id);
  message->set_incarnation(timestamp.origin.incarnation);
}

void ToProto(const Origin& origin, clock::v1::Origin* message) {
  message->set_node_id(origin.node_id);
  message->set_incarnation(origin.incarnation);
}

}  // namespace lamppost
