// Tells several observers of everything, in their order.
#ifndef LAMPPOST_TESTS_SIM_OBSERVERS_H_
#define LAMPPOST_TESTS_SIM_OBSERVERS_H_

#include <string>
#include <vector>

#include "tests/sim/observer.h"

namespace lamppost::sim {

class Observers : public Observer {
 public:
  // They must outlive this.
  void Add(Observer* observer) { all_.push_back(observer); }

  void OnStarted(NodeIndex node) override {
    for (Observer* observer : all_) observer->OnStarted(node);
  }
  void OnStopped(NodeIndex node, Loss loss, size_t lost) override {
    for (Observer* observer : all_) observer->OnStopped(node, loss, lost);
  }
  void OnDiskExchanged(NodeIndex node) override {
    for (Observer* observer : all_) observer->OnDiskExchanged(node);
  }
  void OnSent(const Packet& packet) override {
    for (Observer* observer : all_) observer->OnSent(packet);
  }
  void OnMishap(const Packet& packet, const Mishap& mishap) override {
    for (Observer* observer : all_) observer->OnMishap(packet, mishap);
  }
  void OnReceived(NodeIndex node, const Packet& packet, uint64_t now) override {
    for (Observer* observer : all_) observer->OnReceived(node, packet, now);
  }
  void OnRequest(NodeIndex node, const Request& request, uint64_t now) override {
    for (Observer* observer : all_) observer->OnRequest(node, request, now);
  }
  void OnRefused(NodeIndex node, uint64_t counter, uint64_t now) override {
    for (Observer* observer : all_) observer->OnRefused(node, counter, now);
  }
  void OnProposed(NodeIndex node, const kv::Proposal& proposal, const kv::Heads& heads) override {
    for (Observer* observer : all_) observer->OnProposed(node, proposal, heads);
  }
  void OnAttempted(NodeIndex node, const kv::Output& output, uint64_t now) override {
    for (Observer* observer : all_) observer->OnAttempted(node, output, now);
  }
  void OnCommitted(NodeIndex node, const kv::Output& output) override {
    for (Observer* observer : all_) observer->OnCommitted(node, output);
  }
  void OnCommitFailed(NodeIndex node, const kv::Output& output) override {
    for (Observer* observer : all_) observer->OnCommitFailed(node, output);
  }
  void OnSentAfterFailure(NodeIndex node) override {
    for (Observer* observer : all_) observer->OnSentAfterFailure(node);
  }
  void OnFlushed(NodeIndex node, const kv::Heads& heads) override {
    for (Observer* observer : all_) observer->OnFlushed(node, heads);
  }
  void OnReply(NodeIndex node, const Request& request, const Reply& reply) override {
    for (Observer* observer : all_) observer->OnReply(node, request, reply);
  }
  void OnOperation(const history::Operation& operation) override {
    for (Observer* observer : all_) observer->OnOperation(operation);
  }
  void OnTold(const std::string& what) override {
    for (Observer* observer : all_) observer->OnTold(what);
  }
  void OnHealed() override {
    for (Observer* observer : all_) observer->OnHealed();
  }
  void OnEnd() override {
    for (Observer* observer : all_) observer->OnEnd();
  }
  void OnNotSettled(const std::string& what) override {
    for (Observer* observer : all_) observer->OnNotSettled(what);
  }

 private:
  std::vector<Observer*> all_;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_OBSERVERS_H_
