// Loaded into user-mode Linux (test/lab/uml.ts), which passes its processes' registers on by
// ptrace. It knows registers up to PKRU, 2,696 bytes of them, and the host's kernel takes all or
// none (xstateregs_set in arch/x86/kernel/fpu/regset.c): on a processor with more, such as Intel's
// tiles (AMX), it refuses, and the guest dies as it starts. Here they are made whole. What the
// guest does not know its processes can't use, since it does not ask the host's kernel for them:
// there is nothing in it to lose.
#include <dlfcn.h>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdint>
#include <cstring>

namespace {

using Ptrace = long (*)(__ptrace_request, ...);

// More than any processor has by now: tiles end at 11,008.
constexpr std::size_t kMost = 64 * 1024;
// Which registers are in the rest, a bit for each kind: behind those of the FXSAVE instruction.
constexpr std::size_t kPresentAt = 512;
// Up to PKRU, number 9.
constexpr std::uint64_t kKnown = (1U << 10U) - 1;

// Not on the stack: it is one of the guest's kernel's, of 16 kB. That kernel has one CPU, and one
// thread of the host passes registers on.
std::array<unsigned char, kMost> registers;

Ptrace Original() {
  static const auto original = reinterpret_cast<Ptrace>(::dlsym(RTLD_NEXT, "ptrace"));
  return original;
}

void* ExtendedState() {
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(NT_X86_XSTATE));
}

// How many bytes the host's kernel takes; 0 if it does not say.
std::size_t HostSize(pid_t process) {
  iovec all{registers.data(), registers.size()};
  if (Original()(PTRACE_GETREGSET, process, ExtendedState(), &all) != 0) return 0;
  return all.iov_len;
}

long SetExtendedState(pid_t process, iovec& known) {
  static const std::size_t size = HostSize(process);
  if (known.iov_len >= size || known.iov_len < kPresentAt + sizeof(kKnown)) {
    return Original()(PTRACE_SETREGSET, process, ExtendedState(), &known);
  }
  std::memcpy(registers.data(), known.iov_base, known.iov_len);
  std::fill(registers.data() + known.iov_len, registers.data() + size, 0);
  std::uint64_t present = 0;
  std::memcpy(&present, &registers[kPresentAt], sizeof(present));
  present &= kKnown;
  std::memcpy(&registers[kPresentAt], &present, sizeof(present));
  iovec all{registers.data(), size};
  return Original()(PTRACE_SETREGSET, process, ExtendedState(), &all);
}

}  // namespace

extern "C" long ptrace(__ptrace_request request, ...) {
  va_list arguments;
  va_start(arguments, request);
  const auto process = va_arg(arguments, pid_t);
  void* const address = va_arg(arguments, void*);
  void* const data = va_arg(arguments, void*);
  va_end(arguments);
  if (request == PTRACE_SETREGSET && address == ExtendedState() && data != nullptr) {
    return SetExtendedState(process, *static_cast<iovec*>(data));
  }
  return Original()(request, process, address, data);
}
