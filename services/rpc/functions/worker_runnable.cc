#include "services/rpc/functions/worker_runnable.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "services/common/logging.h"
#include "services/rpc/functions/program_words.h"
#include "services/rpc/functions/worker.h"

namespace lamppost::rpc {

// Of the host's thread.
class WorkerPool : public std::enable_shared_from_this<WorkerPool> {
 public:
  WorkerPool(ProgramHost* host, ProgramSpec program, WorkerOptions options)
      : host_(host), program_(std::move(program)), options_(options) {}

  void Start(WorkerCall call) {
    waiting_.push_back(std::move(call));
    Serve();
  }

  void Kill(RunId run) {
    const auto waiting = std::find_if(waiting_.begin(), waiting_.end(),
                                      [&](const WorkerCall& call) { return call.request.run == run; });
    if (waiting != waiting_.end()) {
      RunSink* const sink = waiting->sink;
      waiting_.erase(waiting);
      sink->Finished(run, MakeFailure(kKilled, "the run was ended"));
      return;
    }
    for (const auto& [raw, worker] : workers_) {
      if (worker->run() == run) return worker->Kill();
    }
  }

  // No more calls will come.
  void Retire() {
    retired_ = true;
    if (!workers_.empty() || !waiting_.empty()) self_ = shared_from_this();
    const std::map<Worker*, std::shared_ptr<Worker>> workers = workers_;
    for (const auto& [raw, worker] : workers) {
      if (!worker->run()) EndWorker(raw);
    }
  }

 private:
  // Gives waiting calls to idle workers and to new ones.
  void Serve() {
    while (!waiting_.empty()) {
      if (host_->launcher_gone()) return waiting_.clear();  // as calls that a worker has
      if (host_->stopping()) {
        const WorkerCall call = TakeFirst();
        call.sink->Finished(call.request.run, MakeFailure(kKilled, "the run was ended"));
        continue;
      }
      Worker* const worker = IdleWorker();
      if (worker == nullptr) return;
      if (worker->idle_timer) host_->Cancel(*std::exchange(worker->idle_timer, std::nullopt));
      worker->Take(TakeFirst());
    }
  }

  WorkerCall TakeFirst() {
    WorkerCall call = std::move(waiting_.front());
    waiting_.pop_front();
    return call;
  }

  // One that may take a call, started if need be; null if there may be none now.
  Worker* IdleWorker() {
    for (const auto& [raw, worker] : workers_) {
      if (!worker->run() && !worker->ending()) return raw;
    }
    if (workers_.size() >= options_.workers_max || back_off_timer_) return nullptr;
    Worker::Hooks hooks;
    hooks.idle = [pool = weak_from_this()](Worker* worker) {
      if (const auto self = pool.lock()) self->BecameIdle(worker);
    };
    hooks.ended = [pool = weak_from_this()](Worker* worker) {
      if (const auto self = pool.lock()) self->HasEnded(worker);
    };
    const auto worker = std::make_shared<Worker>(host_, std::move(hooks));
    workers_[worker.get()] = worker;
    Worker::Launch(worker, program_);
    return worker.get();
  }

  void BecameIdle(Worker* worker) {
    failures_ = 0;
    if (worker->ending()) return;
    if (waiting_.empty()) {
      if (retired_) return EndWorker(worker);
      worker->idle_timer = host_->RunAfter(options_.idle_ms, [pool = weak_from_this(), worker] {
        const auto self = pool.lock();
        if (self == nullptr || self->workers_.count(worker) == 0) return;
        worker->idle_timer.reset();
        self->EndWorker(worker);
      });
    }
    Serve();
  }

  void EndWorker(Worker* worker) {
    if (worker->idle_timer) host_->Cancel(*std::exchange(worker->idle_timer, std::nullopt));
    worker->End(options_.end_grace_ms);
  }

  void HasEnded(Worker* worker) {
    const auto self = shared_from_this();
    if (worker->idle_timer) host_->Cancel(*worker->idle_timer);
    const bool useless =
        !worker->has_answered() && !worker->was_killed() && !host_->stopping() && !host_->launcher_gone();
    workers_.erase(worker);
    if (useless) BackOff();
    Serve();
    if (retired_ && workers_.empty() && waiting_.empty()) self_.reset();
  }

  // A worker that dies at once again and again must not take up the machine.
  void BackOff() {
    if (back_off_timer_) return;
    const uint64_t delay_ms =
        std::min(options_.back_off_ms << std::min(failures_, 20), options_.back_off_max_ms);
    ++failures_;
    Log(LogLevel::kWarn, "a worker has ended without answering a call",
        {{"command", program_.command[0]}, {"next_after_ms", delay_ms}});
    back_off_timer_ = host_->RunAfter(delay_ms, [self = shared_from_this()] {
      self->back_off_timer_.reset();
      self->Serve();
    });
  }

  ProgramHost* const host_;
  const ProgramSpec program_;
  const WorkerOptions options_;
  std::map<Worker*, std::shared_ptr<Worker>> workers_;
  std::deque<WorkerCall> waiting_;  // the engine bounds them
  bool retired_ = false;
  std::shared_ptr<WorkerPool> self_;  // when retired: until the last worker is gone
  int failures_ = 0;                  // of workers in a row
  std::optional<ProgramHost::TimerId> back_off_timer_;
};

WorkerRunnable::WorkerRunnable(std::shared_ptr<ProgramHost> host, ProgramSpec program, WorkerOptions options)
    : host_(std::move(host)), pool_(std::make_shared<WorkerPool>(host_.get(), std::move(program), options)) {}

WorkerRunnable::~WorkerRunnable() {
  host_->Post([pool = std::move(pool_)] { pool->Retire(); });
}

void WorkerRunnable::Start(RunRequest request, RunSink* sink) {
  const RunId run = request.run;
  const bool posted =
      host_->Post([pool = pool_, call = WorkerCall{std::move(request), sink}] { pool->Start(call); });
  if (!posted) sink->Finished(run, MakeFailure(kKilled, "the run was ended"));
}

void WorkerRunnable::Kill(RunId run) {
  host_->Post([pool = pool_, run] { pool->Kill(run); });
}

}  // namespace lamppost::rpc
