// What an ELF file says about itself, read without loading it.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace aoh::host {

struct ElfFacts {
  std::vector<std::string> exports;  ///< dynamic symbols that other objects could bind to, sorted
  std::vector<std::string> needed;   ///< DT_NEEDED
  std::string rpath, runpath;
  bool text_relocations = false;
  bool bind_now = false;
  bool no_delete = false;
};

/// Throws std::runtime_error that names the file: not there, not ELF, not for this machine, damaged.
ElfFacts read_elf(const std::filesystem::path& file);

}  // namespace aoh::host
