#pragma once

#include <cstdint>

namespace ipvs {

/* Where an errno comes from. TypeScript turns both together into an error for humans
   (lib/native/layout.ts repeats these numbers, and a test compares them). */
enum class Stage : uint32_t {
  kKernel = 0,         // the kernel's own answer to the command
  kNamespace = 1,      // the network namespace could not be entered, or the file is none
  kSocket = 2,         // the netlink socket could not be made
  kFamily = 3,         // the generic-netlink family "IPVS" could not be resolved
  kSend = 4,           // the command was not handed over: nothing was changed
  kReceive = 5,        // the command was handed over, its answer never came: nobody knows
  kReply = 6,          // the answer came and made no sense
  kFile = 7,           // a file of /proc could not be opened, read or written
  kNamespaceFile = 8,  // the file of the network namespace could not be opened
};

/* How something ended: error 0 is success, else a positive errno and the stage that met it. */
struct Outcome {
  int error = 0;
  Stage stage = Stage::kKernel;

  [[nodiscard]] bool Failed() const noexcept { return error != 0; }
};

}  // namespace ipvs
