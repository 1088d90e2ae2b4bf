#pragma once

#include "napi_setup.h"

namespace ipvs {

/* What belongs to one environment (the main thread's, or a worker's): the classes of which C++
   makes objects itself. */
struct EnvironmentData {
  Napi::FunctionReference client;
  Napi::FunctionReference file;
};

}  // namespace ipvs
