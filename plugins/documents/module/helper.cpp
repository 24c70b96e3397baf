#include "module/helper.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.hpp"
#include "documents_parser_hash.hpp"
#include "module/hash.hpp"

namespace mailroom::documents {

std::string trusted_parser() {
  Dl_info here{};
  if (::dladdr(reinterpret_cast<const void*>(&trusted_parser), &here) == 0 || !here.dli_fname)
    throw Failure(Errc::internal, "the module does not find its own file");
  std::error_code ec;
  const std::string path =
      (std::filesystem::absolute(here.dli_fname, ec).parent_path() / "documents-parser").string();
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    throw Failure(Errc::config, "the program that reads documents is not beside the module", path,
                  "Install documents-parser beside documents.so");
  std::string hash;
  try {
    hash = sha256_of(fd);
  } catch (...) {
    ::close(fd);
    throw;
  }
  ::close(fd);
  if (hash != kParserSha256)
    throw Failure(Errc::config,
                  "the program that reads documents is not the one that was built with the module", path,
                  "Install documents.so and documents-parser of one build, and do not strip the latter");
  return path;
}

}  // namespace mailroom::documents
