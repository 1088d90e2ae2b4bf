#pragma once

/* The one place that includes <napi.h>, so that every file and both build systems agree on how.

   NAPI_VERSION 9 is the newest that Node 20 loads: an addon that asks for 10 crashes it.

   NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS: when a worker thread is terminated while one of our jobs
   runs, the job's completion can't call into JavaScript any more. Without this define
   node-addon-api turns that into an abort of the whole process. */
#define NAPI_VERSION 9
#define NAPI_CPP_EXCEPTIONS
#define NODE_ADDON_API_DISABLE_DEPRECATED
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS

#include <napi.h>
