// Replays the seed corpus through every target: corpus/TARGET/*. Arguments name single files: TARGET FILE...
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "fuzz.hpp"

namespace mailroom::fuzz {
namespace {

std::map<std::string, Target>& targets() {
  static std::map<std::string, Target> all;
  return all;
}

void replay(const std::string& name, Target target, const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open()) {
    std::fprintf(stderr, "%s cannot be read\n", path.c_str());
    std::exit(1);
  }
  std::fprintf(stderr, "%s %s\n", name.c_str(),
               path.filename().c_str());  // the last line names a crash's input
  target(bytes);
  for (std::size_t n = 1; n <= bytes.size() && bytes.size() <= 4096; n += 1 + bytes.size() / 64)
    target(std::string_view(bytes).substr(0, n));  // and cut off here and there
}

}  // namespace

Registered::Registered(const char* name, Target target) { targets()[name] = target; }

}  // namespace mailroom::fuzz

int main(int argc, char** argv) {
  using namespace mailroom::fuzz;
  if (argc > 2) {
    const auto found = targets().find(argv[1]);
    if (found == targets().end()) return std::fprintf(stderr, "no target %s\n", argv[1]), 1;
    for (int i = 2; i < argc; ++i) replay(found->first, found->second, argv[i]);
    return 0;
  }
  std::size_t files = 0;
  for (const auto& [name, target] : targets()) {
    std::size_t own = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(MAILROOM_FUZZ_CORPUS) / name)) {
      replay(name, target, entry.path());
      ++own;
    }
    if (own == 0) return std::fprintf(stderr, "%s has no seeds\n", name.c_str()), 1;
    files += own;
  }
  std::printf("%zu inputs, %zu targets\n", files, targets().size());
  return 0;
}
