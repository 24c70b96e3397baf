// What transforms and clips leave of an element.
#include "mime/css_shape.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace mailroom::mime {

void apply_transform(std::string_view v, Style::Box& b) {
  b.scale_x = b.scale_y = 1;
  b.shift_x = b.shift_y = {};
  b.transformed = v != "none" && !is_reset(v);
  for (auto word : Words(v)) {
    const std::size_t open = word.find('(');
    if (open == word.npos || word.back() != ')') continue;
    const std::string_view name = word.substr(0, open);
    const std::string_view inside = word.substr(open + 1, word.size() - open - 2);
    const Words args(inside, ',');
    const auto length = [&](std::size_t i) { return parse_length(args[i], true).value_or(Length{}); };
    const auto number = [&](std::size_t i, float otherwise) {
      return parse_number(args[i]).value_or(otherwise);
    };
    const auto add = [](Length& to, const Length& l) {
      to.px += l.px;
      to.em += l.em;
      to.percent += l.percent;
    };
    if (name == "translate" || name == "translate3d") {
      add(b.shift_x, length(0));
      if (args.size() > 1) add(b.shift_y, length(1));
    } else if (name == "translatex") {
      add(b.shift_x, length(0));
    } else if (name == "translatey") {
      add(b.shift_y, length(0));
    } else if (name == "scale" || name == "scale3d") {
      b.scale_x *= number(0, 1);
      b.scale_y *= number(args.size() > 1 ? 1 : 0, 1);
    } else if (name == "scalex") {
      b.scale_x *= number(0, 1);
    } else if (name == "scaley") {
      b.scale_y *= number(0, 1);
    } else if (name == "rotatex" || name == "rotatey") {
      (name == "rotatex" ? b.scale_y : b.scale_x) *= std::cos(parse_angle(args[0]).value_or(0) * .0174533F);
    } else if (name == "rotate3d" && args.size() == 4) {
      // About an axis in the plane of the page: as flat as its cosine.
      const float flat = std::cos(parse_angle(args[3]).value_or(0) * .0174533F);
      if (number(2, 0) == 0) (number(0, 0) != 0 ? b.scale_y : b.scale_x) *= flat;
    } else if (name == "skew" || name == "skewx" || name == "skewy") {
      if (std::abs(std::abs(std::remainder(parse_angle(args[0]).value_or(0), 180.F)) - 90) < 1) b.scale_x = 0;
    } else if (name == "matrix" && args.size() == 6) {
      const float area = std::abs(number(0, 1) * number(3, 1) - number(1, 0) * number(2, 0));
      b.scale_x *= std::sqrt(area);
      b.scale_y *= std::sqrt(area);
      add(b.shift_x, length(4));
      add(b.shift_y, length(5));
    } else if (name == "matrix3d" && args.size() == 16) {
      b.scale_x *= number(0, 1);
      b.scale_y *= number(5, 1);
      add(b.shift_x, length(12));
      add(b.shift_y, length(13));
    }
  }
}

// clip: rect(top, right, bottom, left), which leaves nothing when its sides meet.
bool empty_rect(std::string_view v) {
  const auto inside = function_of(v, "rect");
  if (!inside) return false;
  std::string spaced(*inside);
  std::replace(spaced.begin(), spaced.end(), ',', ' ');
  const Words w(spaced);
  if (w.size() != 4) return false;
  const auto side = [&](std::size_t i, float otherwise) {
    const auto l = parse_length(w[i], true);
    return l ? l->of(16, 0) : otherwise;
  };
  return side(2, 1e6F) - side(0, 0) <= 2 || side(1, 1e6F) - side(3, 0) <= 2;
}

bool clip_path_empty(std::string_view v) {
  if (const auto inset = function_of(v, "inset")) {
    Words w(inset->substr(0, inset->find("round")));
    std::array<float, 4> s{};
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t from = i < w.size() ? i : i == 3 && w.size() > 1 ? 1 : i == 2 || w.size() < 2 ? 0 : 1;
      const auto l = parse_length(w[from], true);
      // Per cents count; pixels only where they are more than any page has.
      s[i] = l ? l->percent + (l->of(16, 0) > 2 * kPageWidth ? 1.F : 0.F) : 0;
    }
    return s[0] + s[2] > .98F || s[1] + s[3] > .98F;
  }
  for (std::string_view name : {"circle", "ellipse"}) {
    if (const auto inside = function_of(v, name)) {
      const std::size_t at = inside->find("at");
      const Words w(inside->substr(0, at));
      if (w.size() && parse_length(w[0], true).value_or(Length{99, 0, 0}).of(16, 1000) < 2) return true;
      if (at == inside->npos) return false;
      for (auto word : Words(inside->substr(at + 2)))
        if (std::abs(parse_length(word, true).value_or(Length{}).of(16, 500)) > 2 * kPageWidth) return true;
      return false;
    }
  }
  if (const auto xywh = function_of(v, "xywh")) {
    const Words w(*xywh);
    return parse_length(w[2], true).value_or(Length{99, 0, 0}).of(16, 1000) < 2 ||
           parse_length(w[3], true).value_or(Length{99, 0, 0}).of(16, 1000) < 2;
  }
  if (v.starts_with("rect(")) return empty_rect(v);
  if (const auto polygon = function_of(v, "polygon")) {
    float least_x = 1e9F, most_x = -1e9F, least_y = 1e9F, most_y = -1e9F;
    for (auto point : Words(*polygon, ',')) {
      const Words xy(point);
      if (xy.size() != 2) continue;
      const float x = parse_length(xy[0], true).value_or(Length{}).of(16, 1000);
      const float y = parse_length(xy[1], true).value_or(Length{}).of(16, 1000);
      least_x = std::min(least_x, x), most_x = std::max(most_x, x);
      least_y = std::min(least_y, y), most_y = std::max(most_y, y);
    }
    return most_x - least_x < 2 || most_y - least_y < 2 || most_x <= 0 || most_y <= 0;
  }
  if (v.starts_with("path(") || v.starts_with("url(")) return v.find_first_of("lhvcqaLHVCQA", 5) == v.npos;
  return false;
}

}  // namespace mailroom::mime
