// Sizes of letters: font-size and the font shorthand (CSS Fonts 4).
#include <algorithm>
#include <array>

#include "mime/html_style.hpp"

namespace mailroom::mime {

std::optional<float> font_size(std::string_view v, const Style& parent, bool quirks) {
  struct Row {
    std::string_view name;
    float px;
  };
  static constexpr std::array<Row, 8> kSizes{{{"xx-small", 9},
                                              {"x-small", 10},
                                              {"small", 13},
                                              {"medium", 16},
                                              {"large", 18},
                                              {"x-large", 24},
                                              {"xx-large", 32},
                                              {"xxx-large", 48}}};
  for (const auto& row : kSizes)
    if (row.name == v) return row.px;
  if (v == "smaller") return parent.font_size / 1.2F;
  if (v == "larger") return parent.font_size * 1.2F;
  if (v == "inherit" || v == "unset") return parent.font_size;
  if (v == "initial" || v == "revert") return 16.F;
  const auto l = parse_length(v, quirks);
  if (!l) return {};
  const float px = l->of(parent.font_size, parent.font_size);
  return px < 0 ? std::nullopt : std::optional(std::min(px, 10'000.F));
}

void apply_font(std::string_view v, Style& style, const Style& parent, bool quirks) {
  if (v == "inherit") {
    style.font_size = parent.font_size;
    style.line_height = parent.line_height;
    return;
  }
  const Words words(v);
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i], height;
    if (const auto n = parse_number(word); n && *n >= 100 && *n <= 1000 && !word.ends_with('%'))
      continue;  // weight
    if (const std::size_t slash = word.find('/'); slash != word.npos && word.find('(') == word.npos) {
      height = word.substr(slash + 1);
      word = word.substr(0, slash);
      if (height.empty()) height = words[i + 1];
    } else if (words[i + 1].starts_with('/')) {
      height = words[i + 1].size() > 1 ? words[i + 1].substr(1) : words[i + 2];
    }
    if (word.empty()) continue;
    const auto size = font_size(word, parent, quirks);
    if (!size) continue;
    // The family must follow, or the whole declaration is none.
    if (i + 1 >= words.size()) return;
    style.font_size = *size;
    style.line_height.reset();
    if (!height.empty()) apply({Prop::line_height, false, {}, {}}, height, style, parent, quirks);
    return;
  }
}

}  // namespace mailroom::mime
