// Messages by the thousand, each with what was put into it; the same seed gives the same messages.
#pragma once
#include <cstdint>
#include <random>
#include <string>

#include "mime/compose.hpp"
#include "support/json.hpp"

namespace mailroom::interop {

struct Generated {
  mime::Draft draft;
  mime::ComposeContext context;
  aoh::Json expected;  ///< what every reader must see (interop_test.py says in which form)
};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}
  Generated next();

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  bool chance(unsigned percent) { return below(100) < percent; }
  std::string_view pick(const auto& list) { return list[below(list.size())]; }

  std::string phrase(std::size_t words);
  std::string subject();
  std::string body();
  std::string page(mime::Draft& draft);
  std::string bytes();
  mime::Address address();
  std::vector<mime::Address> addresses(std::size_t most);
  void attach(mime::Draft& draft);

  std::mt19937_64 random_;
  std::size_t count_ = 0;
};

}  // namespace mailroom::interop
