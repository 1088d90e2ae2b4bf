#include "file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "deadline.h"
#include "environment_data.h"
#include "job.h"

namespace ipvs {

namespace {

// Marks our objects: a method called on a foreign receiver would read foreign memory otherwise.
constexpr napi_type_tag kFileTag{0x6970767366696c65, 0x6f70656e66696c65};

// What one job reads at most, and how long it may take: then others get their turn.
constexpr size_t kPieceSize = size_t{64} * 1024;
constexpr std::chrono::milliseconds kJobTime{100};

/* Files of /proc hand out a page at a time, and some walk a whole table for each. */
Reply ReadPiece(int descriptor) {
  Deadline deadline(kJobTime);
  deadline.Begin();
  std::vector<uint8_t> piece(kPieceSize);
  size_t size = 0;
  do {
    const ssize_t got = ::read(descriptor, piece.data() + size, piece.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Reply(Outcome{errno, Stage::kFile});
    if (got == 0) break;
    size += static_cast<size_t>(got);
  } while (size < piece.size() && !deadline.IsOver());
  piece.resize(size);
  Reply reply;
  reply.Append(piece);
  reply.Finish({}, size);
  return reply;
}

/* A sysctl takes its value in one piece or not at all. */
Reply WriteWhole(int descriptor, const std::vector<uint8_t>& bytes) {
  ssize_t written = 0;
  do {
    written = ::write(descriptor, bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) return Reply(Outcome{errno, Stage::kFile});
  if (static_cast<size_t>(written) != bytes.size()) return Reply(Outcome{EIO, Stage::kFile});
  return Reply(Outcome{});
}

}  // namespace

struct File::Shared {
  UniqueFd descriptor;
  bool busy = false;

  void Abandon() noexcept {}
};

OpenedFile OpenedFile::Open(const std::string& path, bool writing) {
  UniqueFd descriptor(::open(path.c_str(), (writing ? O_WRONLY : O_RDONLY) | O_CLOEXEC));
  if (!descriptor) return {{errno, Stage::kFile}, {}};
  return {{}, std::move(descriptor)};
}

Napi::Value ToValue(Napi::Env env, OpenedFile opened) {
  if (opened.outcome.Failed()) return ToValue(env, Reply(opened.outcome));
  const Napi::Object object = env.GetInstanceData<EnvironmentData>()->file.New({});
  File::Unwrap(object)->shared_->descriptor = std::move(opened.descriptor);
  return object;
}

Napi::FunctionReference File::Define(Napi::Env env) {
  return Napi::Persistent(
      DefineClass(env, "File",
                  {InstanceMethod<&File::Read>("read"), InstanceMethod<&File::Write>("write"),
                   InstanceMethod<&File::Close>("close")}));
}

File::File(const Napi::CallbackInfo& info) : ObjectWrap(info), shared_(std::make_shared<Shared>()) {
  info.This().As<Napi::Object>().TypeTag(&kFileTag);
}

void File::RequireIdle(const Napi::CallbackInfo& info) const {
  if (!info.This().As<Napi::Object>().CheckTypeTag(&kFileTag)) {
    throw Napi::TypeError::New(info.Env(), "Illegal invocation");
  }
  if (shared_->busy) throw Napi::Error::New(info.Env(), "A job is under way");
}

Napi::Value File::Read(const Napi::CallbackInfo& info) {
  RequireIdle(info);
  return Job<Shared, Reply>::Start(
      info.Env(), shared_, [](Shared& shared) { return ReadPiece(shared.descriptor.Get()); });
}

Napi::Value File::Write(const Napi::CallbackInfo& info) {
  RequireIdle(info);
  if (info.Length() != 1 || !info[0].IsTypedArray() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Napi::TypeError::New(info.Env(), "Expected a Uint8Array");
  }
  const auto array = info[0].As<Napi::Uint8Array>();
  std::vector<uint8_t> bytes(array.Data(), array.Data() + array.ByteLength());
  return Job<Shared, Reply>::Start(info.Env(), shared_, [bytes = std::move(bytes)](Shared& shared) {
    return WriteWhole(shared.descriptor.Get(), bytes);
  });
}

Napi::Value File::Close(const Napi::CallbackInfo& info) {
  RequireIdle(info);
  shared_->descriptor.Reset();
  return info.Env().Undefined();
}

}  // namespace ipvs
