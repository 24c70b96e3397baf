#include "base/idna.hpp"

#include <unicode/idna.h>
#include <unicode/stringpiece.h>

#include <algorithm>
#include <memory>

namespace mailroom {

std::optional<std::string> ascii_domain(std::string_view name) {
  if (std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
    return std::string(name);
  if (name.size() > 1024) return std::nullopt;
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::IDNA> idna(icu::IDNA::createUTS46Instance(
      UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_NONTRANSITIONAL_TO_ASCII,
      status));
  std::string out;
  icu::IDNAInfo info;
  icu::StringByteSink<std::string> sink(&out);
  if (U_SUCCESS(status))
    idna->nameToASCII_UTF8(icu::StringPiece(name.data(), static_cast<std::int32_t>(name.size())), sink, info,
                           status);
  if (U_FAILURE(status) || info.hasErrors()) return std::nullopt;
  return out;
}

}  // namespace mailroom
