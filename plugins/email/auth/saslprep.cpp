#include "auth/saslprep.hpp"

#include <unicode/usprep.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace mailroom::auth {

aoh::Secret saslprep(std::string_view utf8, Prepared how) {
  const auto printable_ascii = [](char c) { return c >= 0x20 && c < 0x7F; };
  // ASCII is what it was; the tables are loaded for those who need them.
  if (std::all_of(utf8.begin(), utf8.end(), printable_ascii)) return aoh::Secret(std::string(utf8));
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UStringPrepProfile, decltype(&usprep_close)> profile(
      usprep_openByType(USPREP_RFC4013_SASLPREP, &status), usprep_close);
  std::vector<UChar> in(utf8.size() + 1);
  int32_t units = 0;
  u_strFromUTF8(in.data(), static_cast<int32_t>(in.size()), &units, utf8.data(),
                static_cast<int32_t>(utf8.size()), &status);
  // NFKC makes at most 18 of one code point (U+FDFA).
  std::vector<UChar> out(static_cast<std::size_t>(units) * 18 + 1);
  const int32_t options = how == Prepared::query ? USPREP_ALLOW_UNASSIGNED : USPREP_DEFAULT;
  const int32_t n = usprep_prepare(profile.get(), in.data(), units, out.data(),
                                   static_cast<int32_t>(out.size()), options, nullptr, &status);
  std::string text;
  if (U_SUCCESS(status)) {
    text.resize(static_cast<std::size_t>(n) * 3);
    int32_t bytes = 0;
    u_strToUTF8(text.data(), static_cast<int32_t>(text.size()), &bytes, out.data(), n, &status);
    if (U_SUCCESS(status)) text.resize(static_cast<std::size_t>(bytes));
  }
  const bool done = U_SUCCESS(status) && !text.empty();
  std::fill(in.begin(), in.end(), UChar{0});
  std::fill(out.begin(), out.end(), UChar{0});
  if (!done) {
    aoh::wipe(text);
    return aoh::Secret(std::string(utf8));
  }
  return aoh::Secret(std::move(text));
}

}  // namespace mailroom::auth
