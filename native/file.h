#pragma once

#include <memory>
#include <string>

#include "napi_setup.h"
#include "outcome.h"
#include "unique_fd.h"

namespace ipvs {

/* A file that was opened, or why it was not. */
struct OpenedFile {
  Outcome outcome;
  UniqueFd descriptor;

  /* Opens `path` for reading, or else for writing. */
  static OpenedFile Open(const std::string& path, bool writing);
};

/* A File on success, else a packed reply with the outcome. */
Napi::Value ToValue(Napi::Env env, OpenedFile opened);

/* The JavaScript face of an open file of /proc: jobs that read or write a piece of it, each a
   promise of a packed reply, one at a time. The descriptor closes with the object, or by close().
 */
class File : public Napi::ObjectWrap<File> {
 public:
  /* Made by Client::OpenFile alone; JavaScript has no constructor to call. */
  static Napi::FunctionReference Define(Napi::Env env);
  explicit File(const Napi::CallbackInfo& info);

 private:
  struct Shared;
  friend Napi::Value ToValue(Napi::Env env, OpenedFile opened);

  Napi::Value Read(const Napi::CallbackInfo& info);
  Napi::Value Write(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  void RequireIdle(const Napi::CallbackInfo& info) const;

  std::shared_ptr<Shared> shared_;
};

}  // namespace ipvs
