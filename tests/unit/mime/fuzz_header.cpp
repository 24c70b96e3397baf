// libFuzzer: the readers of single header values.
#include <cstdint>

#include "mime/headers.hpp"
#include "mime/parse.hpp"
#include "support/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mailroom::mime;
  const std::string value(reinterpret_cast<const char*>(data), size);
  const std::string text = decode_header(value);
  if (aoh::valid_utf8(text) != text || text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
    __builtin_trap();
  for (const auto& a : parse_addresses(value))
    for (const std::string* s : {&a.name, &a.address, &a.group})
      if (aoh::valid_utf8(*s) != *s || s->find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
        __builtin_trap();
  parse_date(value);
  parse_ids(value);
  for (const auto& p : parse_structured(value).parameters)
    if (aoh::valid_utf8(p.value) != p.value) __builtin_trap();
  return 0;
}
