#include "loader/elf.hpp"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/dll/library_info.hpp>
#include <cerrno>
#include <cstring>
#include <set>
#include <stdexcept>

namespace aoh::host {
namespace {

constexpr std::size_t kMaxFile = 512u << 20;

/// Reads structs from the file; every offset is a stranger's number. Nothing of it is kept: modules have tens
/// of megabytes, most of them debug information that nobody looks at here.
class Image {
 public:
  Image(const std::filesystem::path& file, std::uint64_t size)
      : size_(size), fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) throw std::runtime_error(std::string("cannot be read: ") + std::strerror(errno));
  }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;
  ~Image() { ::close(fd_); }

  template <class T>
  T at(std::uint64_t offset) const {
    T value;
    if (read(offset, &value, sizeof(T)) != sizeof(T)) throw std::runtime_error("is cut off or damaged");
    return value;
  }
  std::string text(std::uint64_t offset, std::uint64_t end) const {
    end = std::min(end, size_);
    if (offset >= end) throw std::runtime_error("is damaged: a name lies outside its table");
    std::string name;
    std::array<char, 256> piece;
    while (offset < end) {
      const std::size_t n = read(offset, piece.data(), std::min<std::uint64_t>(piece.size(), end - offset));
      const auto* const stop = std::find(piece.data(), piece.data() + n, '\0');
      name.append(piece.data(), static_cast<std::size_t>(stop - piece.data()));
      if (n == 0 || stop != piece.data() + n) break;
      offset += n;
    }
    return name;
  }

 private:
  std::size_t read(std::uint64_t offset, void* into, std::size_t n) const {
    if (offset > size_ || size_ - offset < n) return 0;
    const ssize_t got = ::pread(fd_, into, n, static_cast<off_t>(offset));
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  }

  std::uint64_t size_;
  int fd_;
};

Elf64_Ehdr header(const Image& image) {
  const auto h = image.at<Elf64_Ehdr>(0);
  if (std::memcmp(h.e_ident, ELFMAG, SELFMAG) != 0) throw std::runtime_error("is not an ELF file");
#if defined(__x86_64__)
  constexpr int kMachine = EM_X86_64;
#elif defined(__aarch64__)
  constexpr int kMachine = EM_AARCH64;
#else
  const int kMachine = h.e_machine;
#endif
  if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_machine != kMachine)
    throw std::runtime_error("is for another machine");
  if (h.e_type != ET_DYN) throw std::runtime_error("is not a shared library");
  return h;
}

bool is_export(const Elf64_Sym& s) {
  const auto visibility = ELF64_ST_VISIBILITY(s.st_other);
  return s.st_shndx != SHN_UNDEF && ELF64_ST_BIND(s.st_info) != STB_LOCAL &&
         (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

/// Dynamic symbols and entries, by section headers. A library without section headers is refused.
void read_sections(const Image& image, ElfFacts& facts, std::set<std::string>& exports) {
  const Elf64_Ehdr h = header(image);
  if (h.e_shnum == 0) throw std::runtime_error("has no section headers, so its exports cannot be read");
  const auto section = [&](std::size_t i) {
    if (i >= h.e_shnum) throw std::runtime_error("is damaged: a section is missing");
    return image.at<Elf64_Shdr>(h.e_shoff + i * sizeof(Elf64_Shdr));
  };
  for (std::size_t i = 0; i < h.e_shnum; ++i) {
    const Elf64_Shdr s = section(i);
    if (s.sh_type != SHT_DYNSYM && s.sh_type != SHT_DYNAMIC) continue;
    const Elf64_Shdr strings = section(s.sh_link);
    const auto name = [&](std::size_t offset) {
      return image.text(strings.sh_offset + offset, strings.sh_offset + strings.sh_size);
    };
    if (s.sh_type == SHT_DYNSYM) {
      for (std::size_t k = 1; k < s.sh_size / sizeof(Elf64_Sym); ++k) {
        const auto symbol = image.at<Elf64_Sym>(s.sh_offset + k * sizeof(Elf64_Sym));
        if (is_export(symbol)) exports.insert(name(symbol.st_name));
      }
      continue;
    }
    for (std::size_t k = 0; k < s.sh_size / sizeof(Elf64_Dyn); ++k) {
      const auto d = image.at<Elf64_Dyn>(s.sh_offset + k * sizeof(Elf64_Dyn));
      if (d.d_tag == DT_NULL) break;
      if (d.d_tag == DT_NEEDED) facts.needed.push_back(name(d.d_un.d_val));
      if (d.d_tag == DT_RPATH) facts.rpath = name(d.d_un.d_val);
      if (d.d_tag == DT_RUNPATH) facts.runpath = name(d.d_un.d_val);
      if (d.d_tag == DT_TEXTREL) facts.text_relocations = true;
      if (d.d_tag == DT_BIND_NOW) facts.bind_now = true;
      if (d.d_tag == DT_FLAGS) {
        facts.text_relocations |= (d.d_un.d_val & DF_TEXTREL) != 0;
        facts.bind_now |= (d.d_un.d_val & DF_BIND_NOW) != 0;
      }
      if (d.d_tag == DT_FLAGS_1) {
        facts.bind_now |= (d.d_un.d_val & DF_1_NOW) != 0;
        facts.no_delete |= (d.d_un.d_val & DF_1_NODELETE) != 0;
      }
    }
  }
}

}  // namespace

ElfFacts read_elf(const std::filesystem::path& file) {
  std::error_code ec;
  const auto size = std::filesystem::file_size(file, ec);
  if (ec) throw std::runtime_error(file.string() + " cannot be read: " + ec.message());
  if (size > kMaxFile) throw std::runtime_error(file.string() + " is larger than 512 MiB");
  try {
    const Image image(file, size);
    ElfFacts facts;
    std::set<std::string> exports;
    read_sections(image, facts, exports);
    // Boost reads .symtab, we read .dynsym: a file in which the two disagree exports what either says.
    for (const std::string& symbol : boost::dll::library_info(file).symbols()) exports.insert(symbol);
    facts.exports.assign(exports.begin(), exports.end());
    return facts;
  } catch (const std::exception& e) {
    throw std::runtime_error(file.string() + " " + e.what());
  }
}

}  // namespace aoh::host
