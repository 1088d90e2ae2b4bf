#pragma once

#include <memory>

#include "connection.h"
#include "napi_setup.h"

namespace ipvs {

/* The JavaScript face of a Connection: jobs, each a promise of a packed reply, or of a File. It
   refuses a second job while one is under way; keeping order is TypeScript's part (lib/queue.ts).
 */
class Client : public Napi::ObjectWrap<Client> {
 public:
  static Napi::Function Define(Napi::Env env);

  /* (namespacePath: string | null, timeoutMilliseconds: number). Null is the namespace of the
     calling thread. Opens nothing. (Fork() alone passes an External of a Connection.) */
  explicit Client(const Napi::CallbackInfo& info);

 private:
  struct Shared;

  Napi::Value Open(const Napi::CallbackInfo& info);
  Napi::Value Transact(const Napi::CallbackInfo& info);
  Napi::Value Dump(const Napi::CallbackInfo& info);
  Napi::Value Fork(const Napi::CallbackInfo& info);
  Napi::Value BeginList(const Napi::CallbackInfo& info);
  Napi::Value ContinueList(const Napi::CallbackInfo& info);
  Napi::Value OpenFile(const Napi::CallbackInfo& info);
  Napi::Value List(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  Napi::Value Start(Napi::Env env, std::function<Reply(Connection&)> work);
  void RequireIdle(const Napi::CallbackInfo& info) const;

  /* Shared with the job under way: whichever of the two ends last closes the connection. */
  std::shared_ptr<Shared> shared_;
};

}  // namespace ipvs
