#include "common/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::cmd {
namespace {

[[noreturn]] void become(const std::vector<std::string>& command, pid_t parent, int log, int output) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(1);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(output >= 0 ? output : log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  dprintf(STDERR_FILENO, "%s: %s\n", arguments[0], std::strerror(errno));
  _exit(127);
}

}  // namespace

Result<Child> Child::start(const std::vector<std::string>& command, const std::string& log_file, bool read_output) {
  if (access(command[0].c_str(), X_OK) != 0) {
    return fail(ErrorKind::not_found, "{} is not there: {}", command[0], std::strerror(errno));
  }
  const int log = open(log_file.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) return fail(ErrorKind::io, "{}: {}", log_file, std::strerror(errno));
  int pipe_ends[2] = {-1, -1};
  if (read_output && pipe2(pipe_ends, O_CLOEXEC) != 0) return fail(ErrorKind::io, "pipe: {}", std::strerror(errno));
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) become(command, parent, log, pipe_ends[1]);
  close(log);
  if (read_output) close(pipe_ends[1]);
  if (pid < 0) return fail(ErrorKind::io, "fork: {}", std::strerror(errno));
  return Child(pid, pipe_ends[0]);
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      output_(std::exchange(other.output_, -1)),
      unread_(std::move(other.unread_)) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(output_, other.output_);
  std::swap(unread_, other.unread_);
  return *this;
}

Child::~Child() {
  constexpr int kPatienceMs = 10'000;
  stop(kPatienceMs);
  if (output_ >= 0) close(output_);
}

bool Child::running() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

Result<std::string> Child::read_line(int timeout_ms) {
  while (unread_.find('\n') == std::string::npos) {
    pollfd ready{output_, POLLIN, 0};
    if (poll(&ready, 1, timeout_ms) == 0) return fail(ErrorKind::timeout, "it said nothing for {} ms", timeout_ms);
    char buffer[4096];
    const ssize_t got = read(output_, buffer, sizeof buffer);
    if (got <= 0) return fail(ErrorKind::io, "it ended");
    unread_.append(buffer, static_cast<std::size_t>(got));
  }
  const std::size_t end = unread_.find('\n');
  std::string line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return line;
}

void Child::send_signal(int signal) {
  if (running()) kill(pid_, signal);
}

Result<int> Child::wait(int timeout_ms) {
  // A descriptor of the process becomes readable when it ends, which can be waited for with a limit.
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  pollfd ended{process, POLLIN, 0};
  const bool over = poll(&ended, 1, timeout_ms) > 0;
  if (process >= 0) close(process);
  if (!over) return fail(ErrorKind::timeout, "it still runs after {} ms", timeout_ms);
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  constexpr int kBySignal = 128;
  return WIFEXITED(status) ? WEXITSTATUS(status) : kBySignal + WTERMSIG(status);
}

void Child::stop(int patience_ms) {
  if (!running()) return;
  kill(pid_, SIGTERM);
  if (wait(patience_ms)) return;
  kill(pid_, SIGKILL);
  waitpid(std::exchange(pid_, -1), nullptr, 0);
}

}  // namespace sluice::cmd
