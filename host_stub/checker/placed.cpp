#include "checker/placed.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace aoh::host::checker {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kLater = 128;  // bytes of members that version 1.0 does not know

void trap() {
  if (on_trap) on_trap();
  std::abort();
}

/// Read by a signal handler: fixed size, published by the counter.
struct Known {
  const unsigned char* base;
  const char* what;
  bool dead;
};
std::array<Known, 4096> known;
std::atomic<std::size_t> known_count{0};

}  // namespace

void (*on_trap)() = nullptr;

Page::Page(const char* what, std::size_t size, Age age, void* owner) {
  void* memory = mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  base_ = static_cast<unsigned char*>(memory);
  mprotect(base_ + kPage, kPage, PROT_NONE);
  const std::size_t later = age == Age::newer ? kLater : 0;
  const std::size_t length = (size + 7) / 8 * 8 + later;
  data_ = base_ + kPage - length;
  struct_size_ = static_cast<std::uint32_t>(size + later);
  std::memcpy(base_, &owner, sizeof owner);
  const auto poison = reinterpret_cast<std::uintptr_t>(&trap);
  for (std::size_t at = kPage - later; at < kPage; at += sizeof poison)
    std::memcpy(base_ + at, &poison, sizeof poison);
  const std::size_t slot = known_count.load();
  if (slot < known.size()) {
    known[slot] = {base_, what, false};
    known_count = slot + 1;
  }
}

void Page::kill() {
  for (std::size_t i = 0; i < known_count; ++i)
    if (known[i].base == base_) known[i].dead = true;
  mprotect(base_, kPage, PROT_NONE);
}

void* owner_of(const void* data) {
  const auto page = reinterpret_cast<std::uintptr_t>(data) & ~(kPage - 1);
  void* owner = nullptr;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the page that a pointer lies in
  std::memcpy(&owner, reinterpret_cast<const void*>(page), sizeof owner);
  return owner;
}

const char* explain_address(const void* address) {
  static char words[160];
  const auto* a = static_cast<const unsigned char*>(address);
  for (std::size_t i = 0; i < known_count; ++i) {
    const Known& k = known[i];
    if (a < k.base || a >= k.base + 2 * kPage) continue;
    const bool beyond = a >= k.base + kPage;
    if (!beyond && !k.dead) return nullptr;
    std::snprintf(
        words, sizeof words,
        beyond ? "it read beyond the struct_size of %s" : "it touched its %s after the end of its life",
        k.what);
    return words;
  }
  return nullptr;
}

}  // namespace aoh::host::checker
