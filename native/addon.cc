#include "client.h"
#include "layout.h"
#include "napi_setup.h"

namespace {

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("Client", ipvs::Client::Define(env));
  exports.Set("layout", ipvs::DescribeLayout(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(ipvs, Initialize)
