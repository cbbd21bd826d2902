#include "io/notify_exec.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

// glibc 2.36 forgot to say in this header that its functions are C.
extern "C" {
#include <sys/pidfd.h>
}

namespace sluice::io {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&&) = delete;
  ~FileDescriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

tl::unexpected<Error> system_failure(const std::string& what, int number) {
  return fail(ErrorKind::io, "{}: {}", what, std::generic_category().message(number));
}

/// A file in memory holding `text`, at its beginning. Not a pipe: nothing to fill, and no SIGPIPE when nobody reads.
Result<FileDescriptor> memory_file(const std::string& text) {
  FileDescriptor file(::memfd_create("event", MFD_CLOEXEC));
  if (file.number() < 0) return system_failure("memory file", errno);
  if (::pwrite(file.number(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return system_failure("memory file", errno);
  }
  return file;
}

/// What the child gets instead of ours: signal mask and handlers of a fresh process, three descriptors, its own group.
class SpawnPlan {
 public:
  explicit SpawnPlan(int standard_input) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, standard_input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }

  Result<pid_t> start(const std::string& program) const {
    std::string name = program;
    std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    std::string language = "LANG=C.UTF-8";
    const std::array<char*, 2> arguments{name.data(), nullptr};
    const std::array<char*, 3> environment{path.data(), language.data(), nullptr};
    pid_t child = 0;
    const int number =
        ::posix_spawn(&child, program.c_str(), &actions_, &attributes_, arguments.data(), environment.data());
    if (number != 0) return system_failure(program + " cannot be started", number);
    return child;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

class ExecChannel final : public NotifyChannel {
 public:
  ExecChannel(std::string program, std::chrono::milliseconds limit, FileDescriptor cancelled)
      : program_(std::move(program)), limit_(limit), cancelled_(std::move(cancelled)) {}

  Result<void> deliver(const std::string& json) override {
    const auto input = memory_file(json);
    if (!input) return tl::unexpected(input.error());
    const auto child = SpawnPlan(input->number()).start(program_);
    if (!child) return tl::unexpected(child.error());
    auto waited = wait_for(*child);
    if (!waited) ::kill(-*child, SIGKILL);
    int status = 0;
    while (::waitpid(*child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!waited) return waited;
    if (WIFSIGNALED(status)) return fail(ErrorKind::rejected, "{} was ended by signal {}", program_, WTERMSIG(status));
    if (WEXITSTATUS(status) != 0) {
      return fail(ErrorKind::rejected, "{} ended with exit code {}", program_, WEXITSTATUS(status));
    }
    return {};
  }

  void cancel() override { ::eventfd_write(cancelled_.number(), 1); }

 private:
  Result<void> wait_for(pid_t child) const {
    const FileDescriptor ended(::pidfd_open(child, 0));
    if (ended.number() < 0) return system_failure("pidfd_open", errno);
    std::array<pollfd, 2> watched{{{ended.number(), POLLIN, 0}, {cancelled_.number(), POLLIN, 0}}};
    int ready = 0;
    do {
      ready = ::poll(watched.data(), watched.size(), static_cast<int>(limit_.count()));
    } while (ready < 0 && errno == EINTR);
    if (watched[0].revents != 0) return {};
    if (watched[1].revents != 0) return fail(ErrorKind::cancelled, "{} was ended: shutting down", program_);
    return fail(ErrorKind::timeout, "{} was ended: it ran for more than {} ms", program_, limit_.count());
  }

  std::string program_;
  std::chrono::milliseconds limit_;
  FileDescriptor cancelled_;
};

}  // namespace

Result<std::unique_ptr<NotifyChannel>> make_exec_channel(std::string program, std::chrono::milliseconds limit) {
  if (!program.starts_with('/')) {
    return fail(ErrorKind::invalid, "notify.exec: {} must be an absolute path, such as /usr/local/bin/tell-me",
                program);
  }
  FileDescriptor cancelled(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (cancelled.number() < 0) return system_failure("eventfd", errno);
  return std::make_unique<ExecChannel>(std::move(program), limit, std::move(cancelled));
}

}  // namespace sluice::io
