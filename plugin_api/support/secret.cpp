#include "support/secret.hpp"

#include <cstring>
#include <utility>

namespace aoh {

void wipe(std::string& text) {
  text.resize(text.capacity());
  explicit_bzero(text.data(), text.size());
  text.clear();
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    value_ = other.value_;  // a copy, because a moved-from short string keeps its bytes
    other.wipe();
  }
  return *this;
}

void Secret::wipe() { aoh::wipe(value_); }

}  // namespace aoh
