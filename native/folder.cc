#include "folder.h"

#include <dirent.h>

#include <cerrno>
#include <memory>
#include <utility>

namespace ipvs {
namespace {

struct FolderCloser {
  void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

}  // namespace

Outcome ReadFolder(const std::string& path, std::vector<std::string>& names) {
  const std::unique_ptr<DIR, FolderCloser> folder(::opendir(path.c_str()));
  if (!folder) return {errno, Stage::kFile};
  for (;;) {
    // Only errno tells the end from a failure.
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) return {errno, Stage::kFile};
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
}

}  // namespace ipvs
