#include "host/random.hpp"

#include <openssl/rand.h>

#include "base/error.hpp"

namespace mailroom::host {

std::string random_token(std::size_t chars) {
  static constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::string out(chars, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(chars)) != 1)
    throw Failure(Errc::internal, "the operating system gave no random numbers");
  for (char& c : out) c = kLetters[static_cast<unsigned char>(c) & 31u];
  return out;
}

std::uint64_t random_number() {
  std::uint64_t n = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&n), sizeof n) != 1)
    throw Failure(Errc::internal, "the operating system gave no random numbers");
  return n;
}

}  // namespace mailroom::host
