// Lengths, numbers and the pieces of a value.
#include "mime/css_value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "mime/ascii.hpp"

namespace mailroom::mime {
namespace {

constexpr int kMaxNesting = 16;
constexpr float kFar = 1e7F;

struct Number {
  float value = 0;
  std::string_view unit;
};

std::optional<Number> number_and_unit(std::string_view s) {
  s = trim(s);
  const bool plus = s.starts_with('+');
  if (plus) s.remove_prefix(1);
  const std::size_t digit = !plus && s.starts_with('-');
  if (digit >= s.size() || !(is_digit(s[digit]) || s[digit] == '.')) return {};
  Number n;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n.value);
  if (error == std::errc::result_out_of_range) {
    n.value = s.starts_with('-') ? -kFar : kFar;
    std::size_t i = digit;
    while (i < s.size() && (is_digit(s[i]) || s[i] == '.')) ++i;
    n.unit = s.substr(i);
    return n;
  }
  if (error != std::errc()) return {};
  n.value = std::clamp(n.value, -kFar, kFar);
  n.unit = s.substr(static_cast<std::size_t>(end - s.data()));
  return n;
}

std::optional<Length> plain_length(std::string_view s, bool unitless) {
  const auto n = number_and_unit(s);
  if (!n) return {};
  const float v = n->value;
  const std::string_view u = n->unit;
  if (u.empty()) return v == 0 || unitless ? std::optional(Length{v, 0, 0}) : std::nullopt;
  if (u == "px") return Length{v, 0, 0};
  if (u == "em") return Length{0, v, 0};
  if (u == "%") return Length{0, 0, v / 100};
  struct Unit {
    std::string_view name;
    float px, em;
  };
  static constexpr std::array<Unit, 26> kUnits{{{"pt", 4.F / 3, 0},
                                                {"pc", 16, 0},
                                                {"in", 96, 0},
                                                {"cm", 96 / 2.54F, 0},
                                                {"mm", 9.6F / 2.54F, 0},
                                                {"q", 2.4F / 2.54F, 0},
                                                {"rem", 16, 0},
                                                {"rlh", 18, 0},
                                                {"ex", 0, .5F},
                                                {"ch", 0, .5F},
                                                {"cap", 0, .7F},
                                                {"ic", 0, 1},
                                                {"lh", 0, 1.2F},
                                                {"vw", kPageWidth / 100, 0},
                                                {"vi", kPageWidth / 100, 0},
                                                {"vh", kPageHeight / 100, 0},
                                                {"vb", kPageHeight / 100, 0},
                                                {"vmin", kPageHeight / 100, 0},
                                                {"vmax", kPageWidth / 100, 0},
                                                {"svw", kPageWidth / 100, 0},
                                                {"dvw", kPageWidth / 100, 0},
                                                {"lvw", kPageWidth / 100, 0},
                                                {"svh", kPageHeight / 100, 0},
                                                {"dvh", kPageHeight / 100, 0},
                                                {"lvh", kPageHeight / 100, 0},
                                                {"cqw", kPageWidth / 100, 0}}};
  for (const auto& unit : kUnits)
    if (unit.name == u) return Length{v * unit.px, v * unit.em, 0};
  return {};
}

// calc() and its relatives. A number is a Length in px until it is multiplied.
class Calc {
 public:
  explicit Calc(std::string_view s) : s_(s) {}

  std::optional<Length> all() {
    const auto value = sum(0);
    skip();
    return at_ == s_.size() ? value : std::nullopt;
  }

 private:
  void skip() {
    while (at_ < s_.size() && is_space(s_[at_])) ++at_;
  }
  bool eat(char c) {
    skip();
    if (at_ >= s_.size() || s_[at_] != c) return false;
    ++at_;
    return true;
  }
  static Length times(const Length& a, float f) { return {a.px * f, a.em * f, a.percent * f}; }

  std::optional<Length> sum(int depth) {
    auto left = product(depth);
    while (left) {
      const bool plus = eat('+');
      if (!plus && !eat('-')) break;
      const auto right = product(depth);
      if (!right) return {};
      const float sign = plus ? 1.F : -1.F;
      left = Length{left->px + sign * right->px, left->em + sign * right->em,
                    left->percent + sign * right->percent};
    }
    return left;
  }

  std::optional<Length> product(int depth) {
    auto left = atom(depth);
    while (left) {
      const bool multiply = eat('*');
      if (!multiply && !eat('/')) break;
      const auto right = atom(depth);
      if (!right) return {};
      const bool scalar = right->em == 0 && right->percent == 0;
      if (multiply)
        left = scalar ? times(*left, right->px) : times(*right, left->px);
      else
        left = times(*left, right->px == 0 ? kFar : 1 / right->px);
    }
    return left;
  }

  std::optional<Length> atom(int depth) {
    skip();
    if (depth > kMaxNesting || at_ >= s_.size()) return {};
    if (eat('(')) return closed(sum(depth + 1));
    std::size_t end = at_;
    while (end < s_.size() && (is_alpha(s_[end]) || s_[end] == '-')) ++end;
    const std::string_view name = s_.substr(at_, end - at_);
    if (end < s_.size() && s_[end] == '(' && !name.empty()) {
      at_ = end + 1;
      return call(name, depth);
    }
    end = at_ + (s_[at_] == '-' || s_[at_] == '+');
    while (end < s_.size() && (is_digit(s_[end]) || is_alpha(s_[end]) || s_[end] == '.' || s_[end] == '%'))
      ++end;
    const auto value = plain_length(s_.substr(at_, end - at_), true);
    at_ = end;
    return value;
  }

  std::optional<Length> closed(std::optional<Length> value) { return eat(')') ? value : std::nullopt; }

  std::optional<Length> call(std::string_view name, int depth) {
    const auto size = [](const Length& l) { return l.of(16, kPageWidth); };
    auto value = sum(depth + 1);
    if (name == "calc") return closed(value);
    if (name != "min" && name != "max" && name != "clamp") return {};
    for (int n = 1; value && eat(','); ++n) {
      const auto next = sum(depth + 1);
      if (!next) return {};
      const bool smaller = size(*next) < size(*value);
      const bool want_smaller = name == "min" || (name == "clamp" && n == 2);
      if (smaller == want_smaller) value = next;
    }
    return closed(value);
  }

  std::string_view s_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<Length> parse_length(std::string_view value, bool unitless) {
  value = trim(value);
  if (value.ends_with(')')) return Calc(value).all();
  return plain_length(value, unitless);
}

std::optional<float> parse_number(std::string_view value) {
  value = trim(value);
  if (value.ends_with(')')) {
    const auto l = Calc(value).all();
    return l && l->em == 0 ? std::optional(l->px + l->percent) : std::nullopt;
  }
  const auto n = number_and_unit(value);
  if (!n) return {};
  if (n->unit == "%") return n->value / 100;
  return n->unit.empty() ? std::optional(n->value) : std::nullopt;
}

std::optional<float> parse_angle(std::string_view value) {
  const auto n = number_and_unit(value);
  if (!n) return {};
  if (n->unit == "deg") return n->value;
  if (n->unit == "turn") return n->value * 360;
  if (n->unit == "rad") return n->value * 57.29578F;
  if (n->unit == "grad") return n->value * .9F;
  return n->unit.empty() ? std::optional(n->value) : std::nullopt;
}

Words::Words(std::string_view value, char separator) {
  int depth = 0;
  std::size_t from = 0;
  const auto add = [&](std::size_t to) {
    const std::string_view word = trim(value.substr(from, to - from));
    if (!word.empty() && size_ < words_.size()) words_[size_++] = word;
  };
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '"' || c == '\'') {
      i = std::min(value.find(c, i + 1), value.size());
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      depth -= depth > 0;
    } else if (depth == 0 && (separator == ' ' ? is_space(c) : c == separator)) {
      add(i);
      from = i + 1;
    }
  }
  add(value.size());
}

std::optional<std::string_view> function_of(std::string_view value, std::string_view name) {
  if (value.size() < name.size() + 2 || !value.starts_with(name) || value[name.size()] != '(' ||
      value.back() != ')')
    return {};
  return value.substr(name.size() + 1, value.size() - name.size() - 2);
}

}  // namespace mailroom::mime
