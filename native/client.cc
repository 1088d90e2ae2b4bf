#include "client.h"

#include <cstring>
#include <utility>

#include "environment_data.h"
#include "job.h"

namespace ipvs {

namespace {

// Marks our objects: a method called on a foreign receiver would read foreign memory otherwise.
constexpr napi_type_tag kClientTag{0x6970767320636c69, 0x656e742074616721};

std::vector<CommandRecord> ReadCommands(const Napi::CallbackInfo& info) {
  if (info.Length() != 1 || !info[0].IsTypedArray() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Napi::TypeError::New(info.Env(), "Expected a Uint8Array of command records");
  }
  const auto bytes = info[0].As<Napi::Uint8Array>();
  const size_t size = bytes.ByteLength();
  if (size == 0 || size % sizeof(CommandRecord) != 0) {
    throw Napi::RangeError::New(info.Env(), "Expected a whole number of command records");
  }
  std::vector<CommandRecord> commands(size / sizeof(CommandRecord));
  std::memcpy(commands.data(), bytes.Data(), size);
  return commands;
}

}  // namespace

struct Client::Shared {
  Connection connection;
  bool busy = false;

  void Abandon() noexcept { connection.Reset(); }
};

Napi::Function Client::Define(Napi::Env env) {
  return DefineClass(
      env, "Client",
      {InstanceMethod<&Client::Open>("open"), InstanceMethod<&Client::Transact>("transact"),
       InstanceMethod<&Client::Dump>("dump"), InstanceMethod<&Client::Fork>("fork"),
       InstanceMethod<&Client::BeginList>("beginList"),
       InstanceMethod<&Client::ContinueList>("continueList"),
       InstanceMethod<&Client::OpenFile>("openFile"), InstanceMethod<&Client::List>("list"),
       InstanceMethod<&Client::Close>("close")});
}

Client::Client(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  if (info.Length() == 1 && info[0].IsExternal()) {
    info.This().As<Napi::Object>().TypeTag(&kClientTag);
    Connection& connection = *info[0].As<Napi::External<Connection>>().Data();
    shared_ = std::make_shared<Shared>(Shared{std::move(connection)});
    return;
  }
  if (info.Length() != 2 || !(info[0].IsString() || info[0].IsNull()) || !info[1].IsNumber()) {
    throw Napi::TypeError::New(info.Env(), "Expected (namespacePath, timeoutMilliseconds)");
  }
  info.This().As<Napi::Object>().TypeTag(&kClientTag);
  std::string path = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value()
                                        : NetworkNamespace::PathOfThisThread();
  const std::chrono::milliseconds timeout(info[1].As<Napi::Number>().Uint32Value());
  shared_ = std::make_shared<Shared>(Shared{Connection(std::move(path), timeout)});
}

void Client::RequireIdle(const Napi::CallbackInfo& info) const {
  if (!info.This().As<Napi::Object>().CheckTypeTag(&kClientTag)) {
    throw Napi::TypeError::New(info.Env(), "Illegal invocation");
  }
  if (shared_->busy) throw Napi::Error::New(info.Env(), "A job is under way");
}

Napi::Value Client::Start(Napi::Env env, std::function<Reply(Connection&)> work) {
  return Job<Shared, Reply>::Start(
      env, shared_, [work = std::move(work)](Shared& shared) { return work(shared.connection); });
}

Napi::Value Client::Open(const Napi::CallbackInfo& info) {
  RequireIdle(info);
  return Start(info.Env(), [](Connection& connection) { return connection.Open(); });
}

Napi::Value Client::Transact(const Napi::CallbackInfo& info) {
  RequireIdle(info);
  return Start(info.Env(), [commands = ReadCommands(info)](Connection& connection) {
    return connection.Transact(commands);
  });
}

Napi::Value Client::Dump(const Napi::CallbackInfo& info) {
  RequireIdle(info);
  return Start(info.Env(), [commands = ReadCommands(info)](Connection& connection) {
    return connection.Dump(commands);
  });
}

Napi::Value Client::Fork(const Napi::CallbackInfo& info) {
  RequireIdle(info);
  Connection fork = shared_->connection.Fork();
  // The constructor moves it away before this returns.
  return info.Env().GetInstanceData<EnvironmentData>()->client.New(
      {Napi::External<Connection>::New(info.Env(), &fork)});
}

Napi::Value Client::BeginList(const Napi::CallbackInfo& info) {
  RequireIdle(info);
  return Start(info.Env(), [commands = ReadCommands(info)](Connection& connection) {
    return connection.BeginList(commands.front());
  });
}

Napi::Value Client::ContinueList(const Napi::CallbackInfo& info) {
  RequireIdle(info);
  return Start(info.Env(), [](Connection& connection) { return connection.ContinueList(); });
}

Napi::Value Client::OpenFile(const Napi::CallbackInfo& info) {
  RequireIdle(info);
  if (info.Length() != 2 || !info[0].IsString() || !info[1].IsBoolean()) {
    throw Napi::TypeError::New(info.Env(), "Expected (path, writing)");
  }
  return Job<Shared, OpenedFile>::Start(
      info.Env(), shared_,
      [path = info[0].As<Napi::String>().Utf8Value(),
       writing = info[1].As<Napi::Boolean>().Value()](Shared& shared) {
        return shared.connection.OpenFile(path, writing);
      });
}

Napi::Value Client::List(const Napi::CallbackInfo& info) {
  RequireIdle(info);
  if (info.Length() != 1 || !info[0].IsString()) {
    throw Napi::TypeError::New(info.Env(), "Expected (path)");
  }
  return Start(info.Env(), [path = info[0].As<Napi::String>().Utf8Value()](Connection& connection) {
    return connection.List(path);
  });
}

Napi::Value Client::Close(const Napi::CallbackInfo& info) {
  RequireIdle(info);
  shared_->connection.Close();
  return info.Env().Undefined();
}

}  // namespace ipvs
