/* Mistakes for the sanitizers to find (test/sanitizers): a module of Node that is linked with the
   very objects of which the addon is made, and uses them as their contracts forbid. What does not
   find these can't be believed when it finds nothing. */
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/msg.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "../../native/connection.h"
#include "../../native/datagram.h"
#include "../../native/encode.h"
#include "../../native/napi_setup.h"
#include "../../native/netlink_socket.h"
#include "../../native/reply.h"
#include "../../native/request_buffer.h"

/* Of libasan, which is not there in a build for another sanitizer. */
extern "C" {
[[gnu::weak]] int __lsan_do_recoverable_leak_check();
[[gnu::weak]] void __sanitizer_set_report_path(const char* path);
}

namespace {

void Read(const void* data) {
  ipvs::Outcome failure;
  ipvs::ReadDatagram(
      data, NLMSG_HDRLEN, {0, 0, 1}, [](size_t, const nlmsghdr*, ipvs::Outcome&) { return true; },
      failure);
}

/* A datagram that is said to be longer than its memory: who reads it reads past the end. */
void Overflow(const Napi::CallbackInfo& /*info*/) {
  constexpr size_t kSize = offsetof(nlmsghdr, nlmsg_pid);
  const std::unique_ptr<uint8_t[]> datagram(new uint8_t[kSize]());
  const uint32_t length = NLMSG_HDRLEN;
  std::memcpy(datagram.get(), &length, sizeof length);
  Read(datagram.get());
}

/* A datagram of the kernel is read as if one byte more had come. */
Napi::Value Overread(const Napi::CallbackInfo& info) {
  ipvs::NetlinkSocket socket;
  ipvs::NetlinkSocket::Datagram datagram;
  ipvs::RequestBuffer requests;
  if (!socket.Open().Failed() &&
      ipvs::EncodeFamilyRequest({GENL_ID_CTRL, socket.Port(), 1, NLM_F_ACK}, requests) &&
      !socket.Send(requests).Failed()) {
    socket.Receive(std::chrono::seconds(5), datagram);
  }
  return Napi::Number::New(info.Env(), static_cast<const uint8_t*>(datagram.data)[datagram.size]);
}

/* A datagram at an odd address. */
void Misalign(const Napi::CallbackInfo& /*info*/) {
  const std::unique_ptr<uint8_t[]> datagram(new uint8_t[NLMSG_HDRLEN + 1]());
  const uint32_t length = NLMSG_HDRLEN;
  std::memcpy(datagram.get() + 1, &length, sizeof length);
  Read(datagram.get() + 1);
}

/* Two threads have one connection at the same time. */
void Race(const Napi::CallbackInfo& /*info*/) {
  ipvs::Connection connection("/proc/self/ns/net", std::chrono::seconds(1));
  std::thread other([&connection] { connection.Reset(); });
  connection.Reset();
  other.join();
}

/* Objects that nobody can find any more, for these are no addresses; several of each kind, since an
   old copy of one's address may still lie on the stack. */
using Lost = std::array<uintptr_t, 8>;

template <typename Object>
uintptr_t Lose(Object* object) {
  return ~reinterpret_cast<uintptr_t>(object);
}

template <typename Object>
Object* Find(uintptr_t lost) {
  return reinterpret_cast<Object*>(~lost);
}

/* Whether the objects that `lose` makes are found to be leaked; `free` takes one back. */
template <typename LoseOne, typename FreeOne>
bool IsFound(LoseOne lose, FreeOne free) {
  Lost lost;
  for (uintptr_t& each : lost) each = lose();
  const bool found = __lsan_do_recoverable_leak_check() != 0;
  for (const uintptr_t each : lost) free(each);
  return found;
}

/* The memory of libnl. */
uintptr_t LoseMessage() { return Lose(nlmsg_alloc()); }

/* The memory of C++. */
uintptr_t LoseReply() { return Lose(std::make_unique<ipvs::Reply>().release()); }

/* leak(pathOfPlanted, path) loses objects, asks LeakSanitizer, and frees them again. What is
   reported about them goes to a file whose name begins with `pathOfPlanted`, anything else to
   `path`. */
Napi::Value Leak(const Napi::CallbackInfo& info) {
  const std::string path_of_planted = info[0].As<Napi::String>();
  const std::string path = info[1].As<Napi::String>();
  Napi::Object found = Napi::Object::New(info.Env());
  __sanitizer_set_report_path(path.c_str());
  found.Set("others", __lsan_do_recoverable_leak_check() != 0);
  __sanitizer_set_report_path(path_of_planted.c_str());
  found.Set("messages",
            IsFound(LoseMessage, [](uintptr_t lost) { nlmsg_free(Find<nl_msg>(lost)); }));
  found.Set("replies", IsFound(LoseReply, [](uintptr_t lost) {
              std::unique_ptr<ipvs::Reply>(Find<ipvs::Reply>(lost));
            }));
  __sanitizer_set_report_path(path.c_str());
  return found;
}

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("overflow", Napi::Function::New<Overflow>(env));
  exports.Set("overread", Napi::Function::New<Overread>(env));
  exports.Set("misalign", Napi::Function::New<Misalign>(env));
  exports.Set("race", Napi::Function::New<Race>(env));
  exports.Set("leak", Napi::Function::New<Leak>(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(planted, Initialize)
