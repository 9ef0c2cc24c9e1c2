// What happens in a run, told line by line, and boiled down to one number by which two runs are compared.
#ifndef LAMPPOST_TESTS_SIM_TRACE_H_
#define LAMPPOST_TESTS_SIM_TRACE_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "tests/sim/timed_observer.h"

namespace lamppost::sim {

// The hash of everything that a run shows.
class TraceHash : public Observer {
 public:
  void OnStarted(NodeIndex node) override { Add({1, node}); }
  void OnStopped(NodeIndex node, Loss, size_t lost) override { Add({2, node, lost}); }
  void OnReceived(NodeIndex node, const Packet& packet, uint64_t now) override;
  void OnRequest(NodeIndex node, const Request& request, uint64_t now) override;
  void OnCommitted(NodeIndex node, const kv::Output& output) override;
  void OnReply(NodeIndex node, const Request& request, const Reply& reply) override;
  void OnOperation(const history::Operation& operation) override;

  uint64_t value() const { return hash_; }

 private:
  void Add(std::initializer_list<uint64_t> numbers);

  uint64_t hash_ = 0xCBF29CE484222325u;
};

// For people: a line for each event, with the virtual time.
class TraceText : public TimedObserver {
 public:
  enum class Detail {
    kAll,
    kEssential,  // without greetings, heartbeats and answers that refuse nothing
  };

  // The stream must outlive this.
  TraceText(std::ostream* out, Detail detail) : out_(*out), detail_(detail) {}

  void OnStarted(NodeIndex node) override;
  void OnStopped(NodeIndex node, Loss loss, size_t lost) override;
  void OnReceived(NodeIndex node, const Packet& packet, uint64_t now) override;
  void OnRefused(NodeIndex node, uint64_t counter, uint64_t now) override;
  void OnCommitted(NodeIndex node, const kv::Output& output) override;
  void OnCommitFailed(NodeIndex node, const kv::Output& output) override;
  void OnOperation(const history::Operation& operation) override;
  void OnTold(const std::string& what) override { Line(what); }
  void OnNotSettled(const std::string& what) override { Line(what); }

 private:
  void Line(const std::string& what);

  std::ostream& out_;
  const Detail detail_;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_TRACE_H_
