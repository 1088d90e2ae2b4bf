#include <memory>

#include "client.h"
#include "environment_data.h"
#include "file.h"
#include "layout.h"
#include "napi_setup.h"

namespace {

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  auto data = std::make_unique<ipvs::EnvironmentData>();
  const Napi::Function client = ipvs::Client::Define(env);
  data->client = Napi::Persistent(client);
  data->file = ipvs::File::Define(env);
  // The environment owns it from here on.
  env.SetInstanceData(data.release());
  exports.Set("Client", client);
  exports.Set("layout", ipvs::DescribeLayout(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(ipvs, Initialize)
