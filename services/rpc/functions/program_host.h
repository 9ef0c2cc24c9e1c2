// The thread that all programs are served by: their pipes, their ends, and what waits for them.
//
// A single thread with epoll, so what belongs to programs needs no locks: it is touched on that thread only.
// From other threads there is Post.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_HOST_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_HOST_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "services/rpc/functions/launch_protocol.h"

namespace lamppost::rpc {

// How a program ended.
struct ProgramEnd {
  std::string not_started;  // why it has never run; empty if it has
  int wait_status = 0;
  uint64_t cpu_ms = 0;
};

// Hears of one program, on the host's thread.
class ProgramListener {
 public:
  virtual ~ProgramListener() = default;
  virtual void TakeOutput(absl::string_view bytes) = 0;
  virtual void TakeErrorOutput(absl::string_view bytes) = 0;
  virtual void TakeProgress(absl::string_view bytes) = 0;
  // It has closed its output and has not ended, as far as is known: it may be about to.
  virtual void OutputClosed() {}
  // The program is gone; what it has written before may still come.
  virtual void Ending() {}
  // The last call, exactly once; never from within Launch. By then the whole process group has been killed.
  virtual void Ended(const ProgramEnd& end) = 0;
  // Instead of Ended: the launcher is gone, and how the program ended will never be known.
  virtual void Lost() {}
};

class ProgramHost {
 public:
  using Task = std::function<void()>;
  using TimerId = uint64_t;

  static constexpr size_t kProgramsMax = 1000;  // at a time; each holds four descriptors

  // `launcher_fd` is Launcher::fd, which must outlive the host. Raises the process's limit on open files as
  // far as it may. INTERNAL (PROGRAM_HOST_FAILED) if the system has no descriptors left.
  //
  // `on_launcher_gone` is called, on the host's thread and at most once, if somebody has killed the launcher.
  // By then all children of this process have been killed, programs and what they have started among them.
  // Programs that ran are lost (ProgramListener), and no more can be started: the process should end.
  static absl::StatusOr<std::unique_ptr<ProgramHost>> Start(int launcher_fd, Task on_launcher_gone = nullptr);
  ~ProgramHost();  // as Stop
  ProgramHost(const ProgramHost&) = delete;
  ProgramHost& operator=(const ProgramHost&) = delete;

  // Runs the task on the host's thread, in the order of the calls. False, and it never runs, if
  // the host has stopped. Thread-safe.
  bool Post(Task task);
  // Kills all programs, waits until their listeners know, and ends the thread. Thread-safe against Post only.
  void Stop();

  // The rest is for the host's thread.

  // Starts a program. Its input stays open until CloseInput.
  // Without a launcher it is lost at once.
  ProgramId Launch(ProgramSpec spec, std::shared_ptr<ProgramListener> listener);
  // What the program does not take is lost. Nothing happens if it has ended, or has closed its input.
  void Write(ProgramId program, absl::string_view input);
  void CloseInput(ProgramId program);  // once all that was written has been taken
  void Kill(ProgramId program);

  // When the host stops, what has been put off is done at once.
  TimerId RunAfter(uint64_t ms, Task task);
  void Cancel(TimerId timer);
  // True while Stop ends the programs: nothing new is to be started.
  bool stopping() const { return stopping_; }
  // True for ever once it is so: runs must not be told to have ended.
  bool launcher_gone() const { return launcher_gone_; }

 private:
  struct Program;

  // To the launcher; with the descriptors of a program that is to start.
  struct Packet {
    ProgramId program = 0;
    std::string bytes;
    std::vector<int> fds;
  };

  ProgramHost(int launcher_fd, Task on_launcher_gone);

  absl::Status SetUp();
  void Loop();
  bool RunTasks();
  int RunTimers();
  bool IsOver();
  void ServeEvent(uint64_t token, uint32_t events);
  void ServeProgram(uint64_t token, uint32_t events);
  void Send(Packet packet);
  void SendPackets();
  void TakeReports();
  void LoseLauncher();
  void FailLater(ProgramId id, std::string why);
  void End(ProgramId id, const ProgramEnd& end);
  void WriteInput(ProgramId id, Program* program);
  bool Watch(int fd, uint64_t token, uint32_t events);

  const int launcher_fd_;
  const Task on_launcher_gone_;
  int epoll_fd_ = -1;
  int wake_fd_ = -1;
  std::thread thread_;

  absl::Mutex mu_;
  std::vector<Task> tasks_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;  // no more tasks
  bool stop_requested_ ABSL_GUARDED_BY(mu_) = false;

  // Of the host's thread.
  std::map<ProgramId, std::unique_ptr<Program>> programs_;
  ProgramId last_program_ = 0;
  std::deque<Packet> packets_;  // two a program at most
  bool launcher_gone_ = false;
  bool stopping_ = false;
  uint64_t give_up_ms_ = 0;  // when stopping: programs that are still there then are left alone
  std::map<std::pair<uint64_t, TimerId>, Task> timers_;  // by when
  std::map<TimerId, uint64_t> timer_times_;
  TimerId last_timer_ = 0;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_HOST_H_
