#include "network_namespace.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <system_error>
#include <thread>

namespace ipvs {

std::string NetworkNamespace::PathOfThisThread() {
  // The link's target, as the path is opened by a thread of the pool. The target is in the numbers
  // of the PID namespace that /proc was mounted in, which need not be those that gettid() tells.
  std::array<char, 64> target{};
  const ssize_t length = ::readlink("/proc/thread-self", target.data(), target.size());
  const std::string thread(target.data(), length > 0 ? static_cast<size_t>(length) : 0);
  return "/proc/" + thread + "/ns/net";
}

Outcome NetworkNamespace::Open(const std::string& path) {
  // O_NONBLOCK: a FIFO at that path must not hold the thread for ever.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return {errno, Stage::kNamespaceFile};
  if (::ioctl(fd.Get(), NS_GET_NSTYPE) != CLONE_NEWNET) return {EINVAL, Stage::kNamespace};
  fd_ = std::move(fd);
  return {};
}

bool NetworkNamespace::IsThisThreads() const {
  struct stat wanted{};
  struct stat mine{};
  return ::fstat(fd_.Get(), &wanted) == 0 && ::stat("/proc/thread-self/ns/net", &mine) == 0 &&
         wanted.st_dev == mine.st_dev && wanted.st_ino == mine.st_ino;
}

Outcome NetworkNamespace::CopyTo(NetworkNamespace& copy) const {
  copy.fd_ = UniqueFd(::fcntl(fd_.Get(), F_DUPFD_CLOEXEC, 0));
  return copy.IsOpen() ? Outcome{} : Outcome{errno, Stage::kNamespaceFile};
}

Outcome NetworkNamespace::Run(const std::function<Outcome()>& work) const {
  // Entering a namespace takes CAP_SYS_ADMIN, even one's own; using one's own takes nothing.
  if (IsThisThreads()) return work();
  Outcome outcome;
  std::exception_ptr thrown;
  try {
    std::thread inside([&] {
      // What leaves a thread by itself, such as std::bad_alloc, ends the whole process.
      try {
        outcome =
            ::setns(fd_.Get(), CLONE_NEWNET) == 0 ? work() : Outcome{errno, Stage::kNamespace};
      } catch (...) {
        thrown = std::current_exception();
      }
    });
    inside.join();
  } catch (const std::system_error& error) {
    return {error.code().value(), Stage::kNamespace};
  }
  if (thrown) std::rethrow_exception(thrown);
  return outcome;
}

}  // namespace ipvs
