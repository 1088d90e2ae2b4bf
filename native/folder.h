#pragma once

#include <string>
#include <vector>

#include "outcome.h"

namespace ipvs {

/* Appends the names in a folder, without `.` and `..`. (std::filesystem would do it too, and bring
   100 kB of a C++ library into the published binary.) */
[[nodiscard]] Outcome ReadFolder(const std::string& path, std::vector<std::string>& names);

}  // namespace ipvs
