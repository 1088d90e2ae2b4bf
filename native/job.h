#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <utility>

#include "napi_setup.h"
#include "reply.h"

namespace ipvs {

/* A reply as JavaScript gets it. */
inline Napi::Value ToValue(Napi::Env env, const Reply& reply) {
  const std::vector<uint8_t>& bytes = reply.Bytes();
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, bytes.size());
  std::memcpy(buffer.Data(), bytes.data(), bytes.size());
  return buffer;
}

/* One job on libuv's pool. Execute() is the only part that runs off the JavaScript thread, and it
   touches neither JavaScript nor Node-API.

   `Shared` is what the jobs of one object work on, one after the other: it has `bool busy`, which
   the JavaScript thread alone touches, and `void Abandon()` for a job that did not come to its end.
   The job and the object share it: whichever of the two ends last destroys it. */
template <typename Shared, typename Result>
class Job : public Napi::AsyncWorker {
 public:
  using Work = std::function<Result(Shared&)>;

  static Napi::Promise Start(Napi::Env env, const std::shared_ptr<Shared>& shared, Work work) {
    std::unique_ptr<Job> job(new Job(env, shared, std::move(work)));
    const Napi::Promise promise = job->deferred_.Promise();
    job->Queue();
    shared->busy = true;
    // Queued, the worker deletes itself when it has completed.
    static_cast<void>(job.release());
    return promise;
  }

 protected:
  void Execute() override { result_ = work_(*shared_); }

  void OnOK() override {
    shared_->busy = false;
    deferred_.Resolve(ToValue(Env(), std::move(result_)));
  }

  /* Only for what C++ itself throws, that is when memory runs out. */
  void OnError(const Napi::Error& error) override {
    shared_->busy = false;
    shared_->Abandon();
    deferred_.Reject(error.Value());
  }

 private:
  Job(Napi::Env env, std::shared_ptr<Shared> shared, Work work)
      : AsyncWorker(env, "ipvs"),
        deferred_(Napi::Promise::Deferred::New(env)),
        shared_(std::move(shared)),
        work_(std::move(work)) {}

  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Shared> shared_;
  Work work_;
  Result result_;
};

}  // namespace ipvs
