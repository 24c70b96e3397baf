// Where the checker puts the structs that a module is given, so that reading too far or too late is caught.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

namespace aoh::host::checker {

/// What kind of host the module meets.
enum class Age {
  exact,  ///< structs as long as version 1.0 says and not a byte more: the next page cannot be read
  newer   ///< minor version and sizes of a later host; every member beyond 1.0 is a trap
};

/// Memory for one struct. The page after it is unreadable; kill() makes it unreadable too. A touch ends the
/// case with words that name the struct (see guard.hpp). Never given back: a module may hold on to it.
class Page {
 public:
  Page(const char* what, std::size_t size, Age age, void* owner);
  void* data() const { return data_; }
  std::uint32_t struct_size() const { return struct_size_; }
  void kill();

 private:
  unsigned char* base_ = nullptr;
  void* data_ = nullptr;
  std::uint32_t struct_size_ = 0;
};

/// The object that a struct in a Page belongs to: what was given as owner.
void* owner_of(const void* data);

/// A C struct of the interface in a page of its own, zeroed, struct_size set.
template <class T>
class Placed {
 public:
  Placed(const char* what, Age age, void* owner) : page_(what, sizeof(T), age, owner) {
    const std::uint32_t size = page_.struct_size();
    std::memcpy(page_.data(), &size, sizeof size);
  }
  T* get() const { return static_cast<T*>(page_.data()); }
  T* operator->() const { return get(); }
  void kill() { page_.kill(); }

 private:
  Page page_;
};

/// What is known of an address that could not be touched: "it read beyond the struct_size of aoh_host", or
/// nullptr.
const char* explain_address(const void* address);
/// Called when a member of a later version is called; ends the process with words. Set by the case runner.
extern void (*on_trap)();

}  // namespace aoh::host::checker
