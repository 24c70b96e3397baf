// A guess at the charset of bytes that nobody labelled; never used for a value, only offered in a warning.
#include <unicode/ucsdet.h>

#include <memory>

#include "mime/charset.hpp"

namespace mailroom::mime {

std::string guess_charset(std::string_view bytes, std::string_view hint) {
  constexpr std::size_t kMost = 4096;  // bytes that are looked at
  constexpr std::int32_t kSure = 30;   // of ICU's hundred; below it a short text is anybody's
  bytes = bytes.substr(0, kMost);
  if (!hint.empty() && canonical_charset(hint) != "utf-8") {
    const auto text = convert_from(hint, bytes);
    if (text && text->find("\xEF\xBF\xBD") == text->npos) return std::string(hint);
  }
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UCharsetDetector, decltype(&ucsdet_close)> detector(ucsdet_open(&status),
                                                                            &ucsdet_close);
  if (U_FAILURE(status)) return "windows-1252";
  ucsdet_setText(detector.get(), bytes.data(), static_cast<std::int32_t>(bytes.size()), &status);
  const UCharsetMatch* match = ucsdet_detect(detector.get(), &status);
  if (U_FAILURE(status) || !match || ucsdet_getConfidence(match, &status) < kSure) return "windows-1252";
  const char* name = ucsdet_getName(match, &status);
  if (U_FAILURE(status) || !name) return "windows-1252";
  const std::string guess = canonical_charset(name);
  // ICU also finds charsets that it cannot convert under that name (IBM420).
  return guess.starts_with("utf-") || !convert_from(guess, bytes) ? "windows-1252" : guess;
}

}  // namespace mailroom::mime
