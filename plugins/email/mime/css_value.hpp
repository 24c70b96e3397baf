// Values of CSS as far as they decide whether text is seen: colours and lengths (internal to mime/).
//
// Source: CSS Values 4, CSS Color 4 and 5. All pure; linear in the value; nested functions at most 16 deep.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mailroom::mime {

/// sRGB: r, g, b 0..255, a 0..1.
struct Color {
  float r = 0, g = 0, b = 0, a = 1;
  friend bool operator==(const Color&, const Color&) = default;
};

/// `value` is lower case. `current` stands for currentcolor. `quirks`: "ffffff" without '#' counts, as in
/// documents without a doctype. nullopt: no colour, the declaration does not count.
std::optional<Color> parse_color(std::string_view value, const Color& current, bool quirks);
/// A colour of an HTML attribute (bgcolor, <font color>), which are read without mercy (WHATWG HTML §2.3.6).
std::optional<Color> parse_legacy_color(std::string_view value);

/// `top` with `opacity` as it looks over an opaque colour.
Color over(const Color& top, float opacity, const Color& below);
/// Too near for the eye: contrast (WCAG 2) below 1.17, and no channel further apart than 48 of 255.
bool nearly_same(const Color& a, const Color& b);

/// A length that still waits for its font size and for what its per cents are of.
struct Length {
  float px = 0, em = 0, percent = 0;  // percent: 1 is 100 %
  /// In px; `base` may be NAN where nothing is per cent.
  float of(float font, float base) const { return px + em * font + (percent == 0 ? 0 : percent * base); }
  friend bool operator==(const Length&, const Length&) = default;
};

/// The desktop reader that hidden text is judged for: CSS pixels.
inline constexpr float kPageWidth = 1280, kPageHeight = 800;

/// A length, percentage, calc(), min(), max(), clamp(); `unitless`: a bare number is pixels (quirks). `value`
/// is lower case. nullopt: none of these.
std::optional<Length> parse_length(std::string_view value, bool unitless);
/// A number, "50%" as 0.5; nullopt when it is none.
std::optional<float> parse_number(std::string_view value);
/// Degrees of "90deg", "1turn", "1.57rad", "100grad", "0".
std::optional<float> parse_angle(std::string_view value);

/// The pieces of a value between white space (or `separator`), functions and strings whole; the first 32.
class Words {
 public:
  explicit Words(std::string_view value, char separator = ' ');
  const std::string_view* begin() const { return words_.data(); }
  const std::string_view* end() const { return words_.data() + size_; }
  std::size_t size() const { return size_; }
  std::string_view operator[](std::size_t i) const { return i < size_ ? words_[i] : std::string_view(); }

 private:
  std::array<std::string_view, 32> words_;
  std::size_t size_ = 0;
};

/// What stands within the brackets of "name(...)"; nullopt when `value` is not that function.
std::optional<std::string_view> function_of(std::string_view value, std::string_view name);

/// The words that undo a declaration.
inline bool is_reset(std::string_view v) {
  return v == "initial" || v == "unset" || v == "revert" || v == "revert-layer";
}

}  // namespace mailroom::mime
