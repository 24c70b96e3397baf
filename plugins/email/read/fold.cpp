#include "read/fold.hpp"

#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include <algorithm>

#include "base/error.hpp"

namespace mailroom::read {
namespace {

using Units = std::basic_string<UChar>;

Units normalized(const UNormalizer2* form, const Units& in) {
  UErrorCode status = U_ZERO_ERROR;
  Units out(in.size() + 16, u'\0');
  for (int attempt = 0; attempt < 2; ++attempt) {
    status = U_ZERO_ERROR;
    const std::int32_t n = unorm2_normalize(form, in.data(), static_cast<std::int32_t>(in.size()), out.data(),
                                            static_cast<std::int32_t>(out.size()), &status);
    out.resize(static_cast<std::size_t>(std::max(n, 0)));
    if (status != U_BUFFER_OVERFLOW_ERROR) break;
  }
  if (U_FAILURE(status)) throw Failure(Errc::internal, "Unicode normalization is not available");
  return out;
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

std::string folded(std::string_view text) {
  if (is_plain(text)) {
    std::string out(text);
    for (char& c : out)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
  }
  if (text.size() > 64u << 20) throw Failure(Errc::limit, "a text is too long to be searched");
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* fold = unorm2_getNFKCCasefoldInstance(&status);
  const UNormalizer2* decompose = unorm2_getNFDInstance(&status);
  if (U_FAILURE(status)) throw Failure(Errc::internal, "Unicode normalization is not available");
  Units units(text.size(), u'\0');
  std::int32_t n = 0;
  u_strFromUTF8WithSub(units.data(), static_cast<std::int32_t>(units.size()), &n, text.data(),
                       static_cast<std::int32_t>(text.size()), 0xFFFD, nullptr, &status);
  units.resize(U_FAILURE(status) ? 0 : static_cast<std::size_t>(n));
  units = normalized(decompose, normalized(fold, units));
  std::string out(units.size() * 3, '\0');
  status = U_ZERO_ERROR;
  u_strToUTF8(out.data(), static_cast<std::int32_t>(out.size()), &n, units.data(),
              static_cast<std::int32_t>(units.size()), &status);
  out.resize(U_FAILURE(status) ? 0 : static_cast<std::size_t>(n));
  return out;
}

bool holds(std::string_view text, const std::string& folded_needle) {
  return folded_needle.empty() || folded(text).find(folded_needle) != std::string::npos;
}

}  // namespace mailroom::read
