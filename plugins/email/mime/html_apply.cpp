// One declaration to a style. What is not valid changes nothing, as in a browser.
#include <algorithm>
#include <cmath>

#include "mime/ascii.hpp"
#include "mime/css_paint.hpp"
#include "mime/css_shape.hpp"
#include "mime/html_style.hpp"

namespace mailroom::mime {
namespace {

MaybeLength line_height(std::string_view v) {
  if (const auto n = parse_number(v); n && !v.ends_with('%')) return Length{0, *n, 0};
  auto l = parse_length(v, false);
  if (l) {
    l->em += l->percent;
    l->percent = 0;
  }
  return l;
}

void set_length(std::string_view v, MaybeLength& to, const MaybeLength& inherited, bool quirks) {
  if (v == "inherit") {
    to = inherited;
  } else if (v == "auto" || v == "none" || v == "normal" || v.ends_with("-content") || v == "stretch" ||
             v.starts_with("fit-content(") || is_reset(v)) {
    to.reset();
  } else if (const auto l = parse_length(v, quirks)) {
    to = l;
  }
}

// margin, padding, inset: one to four values.
void four(std::string_view v, MaybeLength& top, MaybeLength& right, MaybeLength& bottom, MaybeLength& left,
          bool quirks) {
  const Words w(v);
  if (w.size() == 0 || w.size() > 4) return;
  std::array<std::string_view, 4> side{w[0], w.size() > 1 ? w[1] : w[0], w.size() > 2 ? w[2] : w[0],
                                       w.size() > 3   ? w[3]
                                       : w.size() > 1 ? w[1]
                                                      : w[0]};
  for (auto s : side)
    if (s != "auto" && !is_reset(s) && s != "inherit" && !parse_length(s, quirks)) return;
  set_length(side[0], top, {}, quirks);
  set_length(side[1], right, {}, quirks);
  set_length(side[2], bottom, {}, quirks);
  set_length(side[3], left, {}, quirks);
}

}  // namespace

void apply(const Declaration& d, std::string_view v, Style& s, const Style& parent, bool quirks) {
  auto& b = s.box;
  const auto& pb = parent.box;
  const bool inherit = v == "inherit", reset = is_reset(v);
  const auto length = [&](MaybeLength& to, const MaybeLength& from) { set_length(v, to, from, quirks); };
  const auto color = [&]() { return parse_color(v, s.color, quirks); };
  switch (d.prop) {
    case Prop::color:
      if (inherit || v == "unset" || v == "currentcolor")
        s.color = parent.color;
      else if (reset)
        s.color = Color{};
      else if (const auto c = parse_color(v, parent.color, quirks))
        s.color = *c;
      break;
    case Prop::text_fill:
      if (inherit || v == "unset")
        s.text_fill = parent.text_fill;
      else if (v == "currentcolor" || reset)
        s.text_fill.reset();
      else if (const auto c = color())
        s.text_fill = c;
      break;
    case Prop::fill:
      if (v == "none")
        s.svg_fill = Color{0, 0, 0, 0};
      else if (const auto c = color())
        s.svg_fill = c;
      break;
    case Prop::background_color:
      if (inherit)
        b.background.color = pb.background.color;
      else if (reset)
        b.background.color.reset();
      else if (const auto c = color())
        b.background.color = c;
      break;
    case Prop::background:
      if (inherit)
        b.background = pb.background;
      else if (reset)
        b.background = {};
      else
        apply_background(v, s, quirks);
      break;
    case Prop::background_image: {
      Background next;
      for (auto layer : Words(v, ',')) read_image(layer, next, s.color, quirks);
      b.background.gradient = std::move(next.gradient);
      b.background.picture = next.picture;
      break;
    }
    case Prop::background_size:
      b.background.nothing = false;
      for (auto w : Words(v))
        if (const auto l = parse_length(w, false); l && *l == Length{}) b.background.nothing = true;
      break;
    case Prop::background_clip:
      b.background.to_text = v == "text";
      break;
    case Prop::font:
      apply_font(v, s, parent, quirks);
      break;
    case Prop::font_size:
      if (const auto px = font_size(v, parent, quirks)) s.font_size = *px;
      break;
    case Prop::line_height:
      if (inherit || v == "unset")
        s.line_height = parent.line_height;
      else if (v == "normal" || reset)
        s.line_height.reset();
      else if (const auto l = line_height(v))
        s.line_height = l;
      break;
    case Prop::display:
      if (inherit || reset) {
        b.display = inherit ? pb.display : Display::in_line;
      } else if (const auto shown = display_of(v)) {
        b.display = *shown;
        b.flexes = v.find("flex") != v.npos || v.find("grid") != v.npos;
        b.display_set = true;
      }
      break;
    case Prop::visibility:
      if (inherit || v == "unset")
        s.visible = parent.visible;
      else if (v == "visible" || reset)
        s.visible = true;
      else if (v == "hidden" || v == "collapse")
        s.visible = false;
      break;
    case Prop::opacity:
      if (inherit)
        b.opacity = pb.opacity;
      else if (reset)
        b.opacity = 1;
      else if (const auto n = parse_number(v))
        b.opacity = std::clamp(*n, 0.F, 1.F);
      break;
    case Prop::position:
      b.sticks = v.ends_with("sticky");
      if (v == "absolute")
        b.position = Position::absolute;
      else if (v == "fixed")
        b.position = Position::fixed;
      else if (v == "relative" || v == "sticky" || v == "-webkit-sticky")
        b.position = Position::relative;
      else if (v == "static" || reset)
        b.position = Position::normal;
      break;
    case Prop::flt:
      b.floating = v == "left" || v == "right" || v.starts_with("inline-");
      break;
    case Prop::overflow:
    case Prop::overflow_x:
    case Prop::overflow_y: {
      const Words w(v);
      const auto clips = [](std::string_view o) {
        return o == "hidden" || o == "clip" || o == "scroll" || o == "auto" || o == "overlay";
      };
      if (!clips(w[0]) && w[0] != "visible" && !reset) break;
      b.scrolls = w[0] == "auto" || w[0] == "scroll" || w[0] == "overlay";
      if (d.prop != Prop::overflow_y) b.clip_x = clips(w[0]);
      if (d.prop != Prop::overflow_x) b.clip_y = clips(w.size() > 1 ? w[1] : w[0]);
      break;
    }
    case Prop::clip:
      b.clip_rect = empty_rect(v);
      break;
    case Prop::clip_path:
      b.clipped_away = clip_path_empty(v);
      break;
    case Prop::contain:
      if (v.find("paint") != v.npos || v == "strict" || v == "content") b.clip_x = b.clip_y = true;
      b.no_content_size = v == "strict" || v == "size" || v.starts_with("size ") || v.ends_with(" size");
      break;
    case Prop::box_sizing:
      b.border_box = v == "border-box";
      break;
    case Prop::grid_rows:
      if (const auto l = parse_length(Words(v)[0], false); Words(v).size() == 1 && (l || v == "0fr"))
        b.no_content_size = !l || *l == Length{};
      break;
    case Prop::content_visibility:
      if (v == "hidden") {
        b.hides = true;
        b.how = "content-visibility";
      }
      break;
    case Prop::transform:
      apply_transform(v, s.box);
      break;
    case Prop::translate: {
      const Words w(v);
      if (const auto x = parse_length(w[0], quirks)) {
        b.shift_x = *x;
        b.shift_y = parse_length(w[1], quirks).value_or(Length{});
        b.transformed = true;
      }
      break;
    }
    case Prop::scale: {
      const Words w(v);
      if (const auto x = parse_number(w[0])) {
        b.scale_x *= *x;
        b.scale_y *= parse_number(w[1]).value_or(*x);
        b.transformed = true;
      }
      break;
    }
    case Prop::rotate:
      b.transformed = true;
      if (Words w(v); w.size() == 2 && (w[0] == "x" || w[0] == "y"))
        (w[0] == "x" ? b.scale_y : b.scale_x) *= std::cos(parse_angle(w[1]).value_or(0) * .0174533F);
      break;
    case Prop::zoom:
      if (const auto n = parse_number(v); n && *n > 0) {
        b.zoom = *n;
      }
      break;
    case Prop::filter:
      apply_filter(v, s);
      break;
    case Prop::mask:
      apply_mask(v, s);
      break;
    case Prop::mask_size:
      for (auto w : Words(v))
        if (const auto l = parse_length(w, false); l && *l == Length{}) {
          b.hides = true;
          b.how = "mask-size";
        }
      break;
    case Prop::box_shadow:
      apply_inner_shadow(v, s, quirks);
      break;
    case Prop::font_size_adjust:
      if (const auto n = parse_number(v); n && *n == 0) s.font_size = 0;
      break;
    case Prop::text_indent:
      if (inherit || v == "unset")
        s.text_indent = parent.text_indent;
      else if (const auto l = parse_length(Words(v)[0], quirks))
        s.text_indent = l;
      break;
    case Prop::letter_spacing:
      length(s.letter_spacing, parent.letter_spacing);
      break;
    case Prop::text_align:
      if (v != "inherit")
        s.to_the_right = v == "right" || v == "center" || v == "end" || v == "-webkit-center";
      break;
    case Prop::direction:
      s.rtl = v == "rtl";
      break;
    case Prop::unicode_bidi:
      b.override_rtl = v == "bidi-override" || v == "isolate-override";
      break;
    case Prop::white_space:
      s.pre =
          v == "pre" || v == "pre-wrap" || v == "pre-line" || v == "break-spaces" || (inherit && parent.pre);
      s.nowrap = v == "nowrap" || v == "pre" || (inherit && parent.nowrap);
      break;
    case Prop::text_shadow: {
      s.shadow = false;
      for (auto word : Words(v == "none" || reset ? std::string_view() : Words(v, ',')[0]))
        if (const auto c = parse_color(word, s.color, quirks))
          s.shadow = c->a > .1F && !nearly_same(*c, {255, 255, 255, 1});
      break;
    }
    case Prop::text_stroke: {
      s.stroke = false;
      for (auto word : Words(v))
        if (const auto l = parse_length(word, quirks); l && l->of(s.font_size, 0) > 0) s.stroke = true;
      break;
    }
    case Prop::text_security:
      s.dotted = v != "none" && !reset;
      break;
    case Prop::z_index:
      b.z_index.reset();
      if (const auto n = parse_number(v)) b.z_index = static_cast<int>(std::clamp(*n, -1e6F, 1e6F));
      break;
    case Prop::inset:
      four(v, b.top, b.right, b.bottom, b.left, quirks);
      break;
    case Prop::margin:
      four(v, b.margin_top, b.margin_right, b.margin_bottom, b.margin_left, quirks);
      break;
    case Prop::padding:
      four(v, b.padding_top, b.padding_right, b.padding_bottom, b.padding_left, quirks);
      break;
    case Prop::left:
      length(b.left, pb.left);
      break;
    case Prop::right:
      length(b.right, pb.right);
      break;
    case Prop::top:
      length(b.top, pb.top);
      break;
    case Prop::bottom:
      length(b.bottom, pb.bottom);
      break;
    case Prop::width:
      length(b.width, pb.width);
      break;
    case Prop::height:
      length(b.height, pb.height);
      break;
    case Prop::max_width:
      length(b.max_width, pb.max_width);
      break;
    case Prop::max_height:
      length(b.max_height, pb.max_height);
      break;
    case Prop::min_width:
      length(b.min_width, pb.min_width);
      break;
    case Prop::min_height:
      length(b.min_height, pb.min_height);
      break;
    case Prop::margin_left:
      length(b.margin_left, pb.margin_left);
      break;
    case Prop::margin_right:
      length(b.margin_right, pb.margin_right);
      break;
    case Prop::margin_top:
      length(b.margin_top, pb.margin_top);
      break;
    case Prop::margin_bottom:
      length(b.margin_bottom, pb.margin_bottom);
      break;
    case Prop::padding_left:
      length(b.padding_left, pb.padding_left);
      break;
    case Prop::padding_right:
      length(b.padding_right, pb.padding_right);
      break;
    case Prop::padding_top:
      length(b.padding_top, pb.padding_top);
      break;
    case Prop::padding_bottom:
      length(b.padding_bottom, pb.padding_bottom);
      break;
    case Prop::mso_hide:
      s.outlook_hides = v == "all";
      break;
    case Prop::content:  // of ::before and ::after: see Styler
    case Prop::custom:
    case Prop::animation:
      break;
  }
}

}  // namespace mailroom::mime
