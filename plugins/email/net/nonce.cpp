#include "net/nonce.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/error.hpp"

namespace mailroom::net {

std::string nonce() {
  unsigned char random[24];
  if (RAND_bytes(random, sizeof random) != 1)
    throw Failure(Errc::internal, "this machine gives no random numbers");
  unsigned char text[33];
  EVP_EncodeBlock(text, random, sizeof random);
  return {reinterpret_cast<const char*>(text), 32};
}

}  // namespace mailroom::net
