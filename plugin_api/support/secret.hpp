// A string that does not show itself: passwords, tokens, keys.
#pragma once
#include <ostream>
#include <string>
#include <string_view>

namespace aoh {

/// A secret in memory. It prints as "[secret]" in every build, cannot be compared with == by accident, and
/// its bytes are overwritten when it goes. Copying is explicit (clone()), so that a secret's copies can be
/// counted by reading the code. Not thread-safe beyond what std::string gives.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(Secret&& other) noexcept { *this = std::move(other); }
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  /// The bytes themselves, borrowed. The one way in, so that a search for `reveal` finds every use.
  std::string_view reveal() const { return value_; }
  Secret clone() const { return Secret(value_); }
  bool empty() const { return value_.empty(); }
  void wipe();

  friend std::ostream& operator<<(std::ostream& os, const Secret&) { return os << "[secret]"; }

 private:
  std::string value_;
};

/// Overwrites the bytes of `text` in a way that the compiler keeps, then empties it.
void wipe(std::string& text);

}  // namespace aoh
