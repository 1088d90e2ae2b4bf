#pragma once

#include "napi_setup.h"

namespace ipvs {

/* The size of each record and the offset of each of its fields, and the numbers that TypeScript
   repeats (lib/native/layout.ts), as a plain object. */
Napi::Object DescribeLayout(Napi::Env env);

}  // namespace ipvs
