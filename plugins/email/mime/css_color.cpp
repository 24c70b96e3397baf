// Colours of CSS and of HTML's attributes.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "mime/ascii.hpp"
#include "mime/css_named.hpp"
#include "mime/css_value.hpp"

namespace mailroom::mime {
namespace {

constexpr int kMaxNesting = 8;

Color of_rgb(std::uint32_t rgb) {
  return {static_cast<float>(rgb >> 16 & 255), static_cast<float>(rgb >> 8 & 255),
          static_cast<float>(rgb & 255), 1};
}

std::optional<Color> named(std::string_view name) {
  const auto* it = std::lower_bound(kNamedColors.begin(), kNamedColors.end(), name,
                                    [](const NamedColor& n, std::string_view s) { return n.name < s; });
  if (it == kNamedColors.end() || it->name != name) return {};
  return of_rgb(it->rgb);
}

std::optional<Color> hex(std::string_view digits) {
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return hex_value(c) >= 0; })) return {};
  const auto digit = [&](std::size_t i) { return static_cast<float>(hex_value(digits[i])); };
  switch (digits.size()) {
    case 3:
    case 4:
      return Color{digit(0) * 17, digit(1) * 17, digit(2) * 17, digits.size() == 4 ? digit(3) / 15 : 1};
    case 6:
    case 8:
      return Color{digit(0) * 16 + digit(1), digit(2) * 16 + digit(3), digit(4) * 16 + digit(5),
                   digits.size() == 8 ? (digit(6) * 16 + digit(7)) / 255 : 1};
    default:
      return {};
  }
}

Color of_hue(float hue, float s, float l, float a) {
  const float chroma = (1 - std::abs(2 * l - 1)) * s;
  const auto channel = [&](float n) {
    float k = std::fmod(n + hue / 30, 12.F);
    if (k < 0) k += 12;
    return 255 * (l - chroma / 2 * std::clamp(std::min(k - 3, 9 - k), -1.F, 1.F));
  };
  return {channel(0), channel(8), channel(4), a};
}

float gamma(float linear) {
  linear = std::clamp(linear, 0.F, 1.F);
  return 255 * (linear <= .0031308F ? 12.92F * linear : 1.055F * std::pow(linear, 1 / 2.4F) - .055F);
}

Color of_oklab(float l, float a, float b, float alpha) {
  const auto cube = [](float v) { return v * v * v; };
  const float x = cube(l + .3963378F * a + .2158038F * b);
  const float y = cube(l - .1055613F * a - .0638542F * b);
  const float z = cube(l - .0894842F * a - 1.2914855F * b);
  return {gamma(4.0767417F * x - 3.3077116F * y + .2309699F * z),
          gamma(-1.2684380F * x + 2.6097574F * y - .3413194F * z),
          gamma(-.0041961F * x - .7034186F * y + 1.7076147F * z), alpha};
}

// CIE Lab by its lightness alone when it has little colour, else near enough: through D65 without adaptation.
Color of_lab(float l, float a, float b, float alpha) {
  const auto inverse = [](float t) { return t > 6.F / 29 ? t * t * t : 3 * 36.F / 841 * (t - 4.F / 29); };
  const float fy = (l + 16) / 116;
  const float x = .9505F * inverse(fy + a / 500), y = inverse(fy), z = 1.089F * inverse(fy - b / 200);
  return {gamma(3.2406F * x - 1.5372F * y - .4986F * z), gamma(-.9689F * x + 1.8758F * y + .0415F * z),
          gamma(.0557F * x - .2040F * y + 1.0570F * z), alpha};
}

std::optional<Color> color_at(std::string_view v, const Color& current, bool quirks, int depth);

std::optional<Color> mix(std::string_view arguments, const Color& current, int depth) {
  const Words parts(arguments, ',');
  std::array<Color, 2> colors;
  std::array<float, 2> share{-1, -1};
  for (std::size_t i = 0; i < 2; ++i) {
    bool found = false;
    for (auto word : Words(parts[i + 1])) {
      if (const auto c = color_at(word, current, false, depth + 1)) {
        colors[i] = *c;
        found = true;
      } else if (const auto n = parse_number(word)) {
        share[i] = std::clamp(*n, 0.F, 1.F);
      }
    }
    if (!found) return {};
  }
  if (share[0] < 0 && share[1] < 0) share = {.5F, .5F};
  if (share[0] < 0) share[0] = 1 - share[1];
  if (share[1] < 0) share[1] = 1 - share[0];
  const float sum = share[0] + share[1];
  if (sum <= 0) return {};
  const float t = share[1] / sum;
  const auto between = [t](float a, float b) { return a + (b - a) * t; };
  return Color{between(colors[0].r, colors[1].r), between(colors[0].g, colors[1].g),
               between(colors[0].b, colors[1].b), between(colors[0].a, colors[1].a) * std::min(sum, 1.F)};
}

// "1 2 3 / 4" and "1, 2, 3, 4".
struct Channels {
  std::array<std::string_view, 4> text;
  std::size_t count = 0;
  float number(std::size_t i, float of_percent, float plain = 1) const {
    if (text[i] == "none") return 0;
    const auto n = parse_number(text[i]);
    if (!n) return parse_angle(text[i]).value_or(NAN);
    return text[i].ends_with('%') ? *n * of_percent : *n * plain;
  }
};

// "from white r g b / 50%": the colour itself where its channels are named as they are; with others it is not
// computed, and none is taken for none.
std::optional<Color> relative(std::string_view arguments, const Color& current, int depth) {
  const std::size_t slash = std::min(arguments.find('/'), arguments.size());
  const Words words(arguments.substr(0, slash));
  std::optional<Color> from = color_at(words[1], current, false, depth + 1);
  for (std::size_t i = 2; i < words.size(); ++i)
    if (!words[i].empty() && (words[i].size() > 1 || !is_alpha(words[i][0]))) return {};
  if (from && slash < arguments.size())
    from->a = std::clamp(parse_number(trim(arguments.substr(slash + 1))).value_or(from->a), 0.F, 1.F);
  return from;
}

std::optional<Color> function(std::string_view name, std::string_view arguments, const Color& current,
                              int depth) {
  if (name == "color-mix") return mix(arguments, current, depth);
  if (name == "light-dark") return color_at(Words(arguments, ',')[0], current, false, depth + 1);
  std::string spaced(arguments.substr(0, 200));
  for (char& c : spaced)
    if (c == ',' || c == '/') c = ' ';
  Words words(spaced);
  Channels c;
  std::size_t first = 0;
  if (name == "color") first = 1;
  if (words[0] == "from") return relative(arguments, current, depth);
  for (std::size_t i = first; i < words.size() && c.count < 4; ++i) c.text[c.count++] = words[i];
  if (c.count < 3) return {};
  const float alpha = c.count == 4 ? std::clamp(c.number(3, 1), 0.F, 1.F) : 1;
  Color out;
  if (name == "rgb" || name == "rgba") {
    out = {c.number(0, 255), c.number(1, 255), c.number(2, 255), alpha};
  } else if (name == "hsl" || name == "hsla") {
    const float s = c.number(1, 1, .01F), l = c.number(2, 1, .01F);
    out = of_hue(c.number(0, 360), std::clamp(s, 0.F, 1.F), std::clamp(l, 0.F, 1.F), alpha);
  } else if (name == "hwb") {
    const float w = c.number(1, 1, .01F), b = c.number(2, 1, .01F);
    if (w + b >= 1) {
      out = {255 * w / (w + b), 255 * w / (w + b), 255 * w / (w + b), alpha};
    } else {
      out = of_hue(c.number(0, 360), 1, .5F, alpha);
      for (float* v : {&out.r, &out.g, &out.b}) *v = *v * (1 - w - b) + 255 * w;
    }
  } else if (name == "oklab") {
    out = of_oklab(c.number(0, 1), c.number(1, .4F), c.number(2, .4F), alpha);
  } else if (name == "oklch") {
    const float chroma = c.number(1, .4F), hue = c.number(2, 360) * .0174533F;
    out = of_oklab(c.number(0, 1), chroma * std::cos(hue), chroma * std::sin(hue), alpha);
  } else if (name == "lab") {
    out = of_lab(c.number(0, 100), c.number(1, 125), c.number(2, 125), alpha);
  } else if (name == "lch") {
    const float chroma = c.number(1, 150), hue = c.number(2, 360) * .0174533F;
    out = of_lab(c.number(0, 100), chroma * std::cos(hue), chroma * std::sin(hue), alpha);
  } else if (name == "color") {
    out = {255 * c.number(0, 1), 255 * c.number(1, 1), 255 * c.number(2, 1), alpha};
  } else {
    return {};
  }
  if (std::isnan(out.r) || std::isnan(out.g) || std::isnan(out.b) || std::isnan(out.a)) return {};
  for (float* v : {&out.r, &out.g, &out.b}) *v = std::clamp(*v, 0.F, 255.F);
  return out;
}

std::optional<Color> color_at(std::string_view v, const Color& current, bool quirks, int depth) {
  if (depth > kMaxNesting || v.empty()) return {};
  if (v.front() == '#') return hex(v.substr(1));
  if (v == "transparent") return Color{0, 0, 0, 0};
  if (v == "currentcolor") return current;
  if (v.back() == ')') {
    const std::size_t open = v.find('(');
    if (open == v.npos) return {};
    return function(v.substr(0, open), v.substr(open + 1, v.size() - open - 2), current, depth);
  }
  if (const auto c = named(v)) return c;
  if (quirks && (v.size() == 3 || v.size() == 6)) return hex(v);
  return {};
}

float luminance(const Color& c) {
  const auto linear = [](float v) {
    v /= 255;
    return v <= .04045F ? v / 12.92F : std::pow((v + .055F) / 1.055F, 2.4F);
  };
  return .2126F * linear(c.r) + .7152F * linear(c.g) + .0722F * linear(c.b);
}

}  // namespace

std::optional<Color> parse_color(std::string_view value, const Color& current, bool quirks) {
  return color_at(trim(value), current, quirks, 0);
}

std::optional<Color> parse_legacy_color(std::string_view value) {
  value = trim(value);
  if (value.empty() || iequals(value, "transparent")) return {};
  std::string s = to_lower(value.substr(0, 128));
  if (const auto c = named(s)) return c;
  if (s.size() == 4 && s[0] == '#')
    if (const auto c = hex(std::string_view(s).substr(1))) return c;
  if (s[0] == '#') s.erase(0, 1);
  for (char& c : s)
    if (hex_value(c) < 0) c = '0';
  while (s.empty() || s.size() % 3 != 0) s += '0';
  std::size_t length = s.size() / 3, from = 0;
  if (length > 8) {
    from = length - 8;
    length = 8;
  }
  const std::size_t third = s.size() / 3;
  while (length > 2 && s[from] == '0' && s[third + from] == '0' && s[2 * third + from] == '0') {
    ++from;
    --length;
  }
  const auto channel = [&](std::size_t i) {
    const std::string_view digits =
        std::string_view(s).substr(i * third + from, std::min<std::size_t>(length, 2));
    float v = 0;
    for (char d : digits) v = v * 16 + static_cast<float>(hex_value(d));
    return v;
  };
  return Color{channel(0), channel(1), channel(2), 1};
}

Color over(const Color& top, float opacity, const Color& below) {
  const float a = std::clamp(top.a * opacity, 0.F, 1.F);
  return {below.r + (top.r - below.r) * a, below.g + (top.g - below.g) * a, below.b + (top.b - below.b) * a,
          1};
}

bool nearly_same(const Color& a, const Color& b) {
  const float apart = std::max({std::abs(a.r - b.r), std::abs(a.g - b.g), std::abs(a.b - b.b)});
  if (apart > 48) return false;
  const float x = luminance(a) + .05F, y = luminance(b) + .05F;
  return std::max(x, y) / std::min(x, y) < 1.17F;
}

}  // namespace mailroom::mime
