#include "parser/names.hpp"

#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>

#include "support/json.hpp"

namespace mailroom::documents {
namespace {

using namespace std::string_view_literals;

// Bidirectional controls (UAX #9 §2), and zero-width characters that hide what a name is.
constexpr std::array kTurning{"\u202a"sv, "\u202b"sv, "\u202c"sv, "\u202d"sv, "\u202e"sv,
                              "\u2066"sv, "\u2067"sv, "\u2068"sv, "\u2069"sv, "\u200e"sv,
                              "\u200f"sv, "\u200b"sv, "\u2060"sv, "\ufeff"sv};

bool reserved(std::string_view step) {
  std::string base;
  for (const char c : step.substr(0, step.find('.')))
    base += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  while (base.ends_with(' ')) base.pop_back();
  for (const std::string_view port :
       {"COM\u00b9"sv, "COM\u00b2"sv, "COM\u00b3"sv, "LPT\u00b9"sv, "LPT\u00b2"sv, "LPT\u00b3"sv})
    if (base == port) return true;
  for (const std::string_view name : {"CON"sv, "PRN"sv, "AUX"sv, "NUL"sv, "CONIN$"sv, "CONOUT$"sv})
    if (base == name) return true;
  return base.size() == 4 && (base.starts_with("COM") || base.starts_with("LPT")) && base[3] >= '0' &&
         base[3] <= '9';
}

}  // namespace

std::string shown_name(std::string_view name) {
  std::string out = aoh::valid_utf8(name);
  for (const std::string_view turning : kTurning)
    for (std::size_t at = out.find(turning); at != out.npos; at = out.find(turning, at + 1))
      out.replace(at, turning.size(), "?");
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  // C1 controls, two bytes each.
  for (std::size_t at = 0; (at = out.find('\xc2', at)) != out.npos && at + 1 < out.size(); ++at)
    if (static_cast<unsigned char>(out[at + 1]) < 0xa0) out.replace(at, 2, "?");
  if (out.size() > kMaxNameShown) out = std::string(aoh::utf8_prefix(out, kMaxNameShown - 3)) + "...";
  return out;
}

std::vector<std::string> name_faults(std::string_view name) {
  std::vector<std::string> out;
  const auto fault = [&](bool is, const char* what) {
    if (is) out.emplace_back(what);
  };
  bool leads_out = false, is_reserved = false;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find_first_of("/\\", at), name.size());
    const std::string_view step = name.substr(at, end - at);
    leads_out |= step == "..";
    is_reserved |= reserved(step);
    at = end + 1;
  }
  const bool drive = name.size() >= 2 && name[1] == ':' && ((name[0] | 32) >= 'a' && (name[0] | 32) <= 'z');
  fault(name.empty(), "is empty");
  fault(leads_out, "leads out of its folder");
  fault(name.starts_with('/') || name.starts_with('\\') || drive, "is absolute");
  fault(name.find('\\') != name.npos, "has backslashes");
  fault(name.find('\0') != name.npos, "has a NUL");
  fault(std::any_of(name.begin(), name.end(),
                    [](char c) { return static_cast<unsigned char>(c) < 32 && c != 0; }),
        "has control characters");
  fault(std::any_of(kTurning.begin(), kTurning.end(),
                    [&](std::string_view t) { return name.find(t) != name.npos; }),
        "turns the direction of writing or hides characters");
  fault(is_reserved, "is a reserved name");
  fault(name.size() > kMaxNameShown, "is longer than a file's name may be");
  fault(aoh::valid_utf8(name) != name, "is not UTF-8");
  return out;
}

bool Twins::first(std::string_view name) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* folding = icu::Normalizer2::getNFKCCasefoldInstance(status);
  std::string key;
  if (U_SUCCESS(status))
    folding->normalize(icu::UnicodeString::fromUTF8({name.data(), static_cast<int32_t>(name.size())}), status)
        .toUTF8String(key);
  if (U_FAILURE(status)) key = name;
  std::replace(key.begin(), key.end(), '\\', '/');
  return seen_.insert(std::move(key)).second;
}

}  // namespace mailroom::documents
