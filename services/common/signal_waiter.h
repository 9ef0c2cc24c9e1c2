// SIGTERM and SIGINT for main(): the first one asks for an orderly end, a second one ends at once.
#ifndef LAMPPOST_SERVICES_COMMON_SIGNAL_WAITER_H_
#define LAMPPOST_SERVICES_COMMON_SIGNAL_WAITER_H_

namespace lamppost {

//   SignalWaiter signals;                       // first thing in main()
//   ...                                         // start the server
//   if (signals.Wait() == SignalWaiter::Woken::kBySignal) server.Drain(10'000);
class SignalWaiter {
 public:
  enum class Woken { kBySignal, kByProgram };
  // What a second signal does, after the first has been taken: it ends the process, or it waits as well, for
  // a program that has to put something in order, and does so in a moment.
  enum class Second { kEndsAtOnce, kWaits };

  // Blocks both signals in this thread and in all that it starts later. So make it before gRPC or any
  // other thread starts. A child process started later inherits the block: unblock it there.
  // Ends the process (abort) if the system has no file descriptors left.
  explicit SignalWaiter(Second second = Second::kEndsAtOnce);
  ~SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  // Returns at the first signal, or after Wake. From then on a signal has its default effect again and
  // ends the process at once, unless it is to wait. Call it in the thread that made this object.
  Woken Wait();

  // As Wait, but after a Wake (kByProgram) signals still wait to be taken, and it may be called again: for a
  // program that wakes itself to do something and go on.
  Woken WaitOrWake();

  // Ends Wait and WaitOrWake without a signal, now or when it is called. For a program that cannot go on.
  // Thread-safe.
  void Wake();

 private:
  void Release() const;

  const Second second_;
  int signal_fd_;
  int wake_fd_;
};

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_SIGNAL_WAITER_H_
