#include "mime/html_frame.hpp"

#include <algorithm>
#include <cmath>

#include "mime/ascii.hpp"

namespace mailroom::mime {
namespace {

constexpr float kFewPixels = 3.5F;  // text, or a window on it, of less is not read
constexpr float kFaint = .1F;       // opacity
constexpr float kBeyond = 4'000;    // nobody scrolls so far past the end
constexpr std::size_t kMaxCounted = 2'000;

bool is_inline(const Style& s, const Style& parent) {
  return s.box.display == Display::in_line && !s.box.floating && s.box.position != Position::absolute &&
         s.box.position != Position::fixed && !parent.box.flexes;
}

bool is_table(Display d) { return d == Display::table || d == Display::row || d == Display::cell; }

// Characters of text below, at most kMaxCounted.
std::size_t text_below(const GumboNode* element) {
  std::size_t count = 0, nodes = 0;
  std::vector<const GumboNode*> open{element};
  while (!open.empty() && count < kMaxCounted && ++nodes < 500) {
    const GumboNode* n = open.back();
    open.pop_back();
    if (n->type == GUMBO_NODE_TEXT) count += std::min(trim(n->v.text.text).size(), kMaxCounted);
    if (n->type != GUMBO_NODE_ELEMENT) continue;
    for (unsigned i = 0; i < std::min(n->v.element.children.length, 500u); ++i)
      open.push_back(static_cast<const GumboNode*>(n->v.element.children.data[i]));
  }
  return count;
}

float text_width(std::size_t characters, float font) { return static_cast<float>(characters) * font * .5F; }

float number_attribute(const GumboNode* element, const char* name, float otherwise) {
  const std::string_view v = trim(attribute(element, name));
  const auto l = parse_length(v, true);
  return l ? l->of(16, 300) : otherwise;
}

void paint(Frame& f, const Style& style, bool drawn) {
  const Background& b = style.box.background;
  if (b.to_text && (b.picture || !b.gradient.empty())) {
    f.text_clip = true;
    return;
  }
  if (!drawn) return;
  Backdrop next = f.behind;
  const auto put = [&](const Color& c) {
    if (c.a * f.opacity >= .99F) {
      next = {};
      next.colors[0] = over(c, f.opacity, next.colors[0]);
      return;
    }
    for (std::size_t i = 0; i < next.count; ++i) next.colors[i] = over(c, f.opacity, next.colors[i]);
  };
  if (b.color) put(*b.color);
  if (b.picture && !b.nothing) {
    next.count = 0;
  } else if (!b.gradient.empty() && !b.nothing && next.count > 0) {
    const Backdrop below = next;
    next.count = 0;
    const std::size_t step = std::max<std::size_t>(1, b.gradient.size() / next.colors.size());
    for (std::size_t i = 0; i < b.gradient.size() && next.count < next.colors.size(); i += step)
      next.colors[next.count++] = over(b.gradient[i], f.opacity, below.colors[0]);
  }
  f.behind = next;
}

// The parts of SVG and MathML that are not drawn, or drawn somewhere else.
const char* foreign_hides(Frame& f, const GumboNode* element, Style const& style) {
  (void)style;
  if (element->v.element.tag != GUMBO_TAG_UNKNOWN && !f.svg) return "";
  const std::string name = to_lower(tag_name(element));
  if (name == "x-svg") {
    f.svg = true;
    f.svg_text = false;
    const std::string_view box = attribute(element, "viewbox");
    const Words units(box.empty() ? attribute(element, "viewBox") : box);
    f.svg_width = number_attribute(element, "width", 300);
    f.svg_height = number_attribute(element, "height", 150);
    if (units.size() == 4 || style.box.width || style.box.height || units.size() > 0) {
      const bool known = units.size() == 4 && parse_number(units[0]) == 0.F && parse_number(units[1]) == 0.F;
      f.svg_width = known ? parse_number(units[2]).value_or(INFINITY) : INFINITY;
      f.svg_height = known ? parse_number(units[3]).value_or(INFINITY) : INFINITY;
    }
    if (number_attribute(element, "width", 300) < 2 || number_attribute(element, "height", 150) < 2)
      return "svg of no size";
    return "";
  }
  if (name == "mphantom") return "MathML phantom";
  if (name == "annotation" || name == "annotation-xml") return "MathML annotation";
  if (!f.svg) return "";
  if (gumbo_get_attribute(&element->v.element.attributes, "transform")) f.svg_width = f.svg_height = INFINITY;
  static constexpr std::array<std::string_view, 12> kNever{
      "defs",   "symbol",  "metadata",       "desc",           "clippath", "mask",
      "marker", "pattern", "lineargradient", "radialgradient", "filter",   "title"};
  if (std::find(kNever.begin(), kNever.end(), name) != kNever.end()) return "svg part that is not drawn";
  if (name == "text" || name == "foreignobject") {
    f.svg_text = true;
    const float x = number_attribute(element, "x", 0), y = number_attribute(element, "y", 0);
    const bool at_all = f.svg_width < 1e9F && f.svg_height < 1e9F;
    if (x < -300 || y < -300 || x > 2 * kPageWidth || y > 2 * kPageWidth ||
        (at_all && name == "text" &&
         (x >= f.svg_width || y >= f.svg_height + style.font_size || y < -.3F * style.font_size)))
      return "svg text outside";
    if (name == "foreignobject") f.svg = false;
  }
  return "";
}

}  // namespace

Frame enter_frame(const Frame& parent, const Style& parent_style, const GumboNode* element,
                  const Style& style, Flow& flow) {
  const auto& b = style.box;
  Frame f = parent;
  f.closed = false;
  if (b.override_rtl) f.reversed = style.rtl;
  f.in_flow = true;
  f.advance_after = 0;
  if (!f.hidden.empty()) return f;
  const bool line = is_inline(style, parent_style);
  const bool table = is_table(b.display);
  const bool absolute = b.position == Position::absolute, fixed = b.position == Position::fixed;
  const float font = style.font_size;
  const auto of = [&](const MaybeLength& l, float base) { return l ? l->of(font, base) : 0.F; };

  if (b.display == Display::none)
    f.hidden = gumbo_get_attribute(&element->v.element.attributes, "hidden") && !b.display_set
                   ? "hidden attribute"
                   : "display: none";
  else if (b.hides)
    f.hidden = b.how;
  else if (b.clipped_away || (b.clip_rect && (absolute || fixed)))
    f.hidden = "clipped away";
  else if (const char* foreign = foreign_hides(f, element, style); *foreign)
    f.hidden = foreign;
  f.opacity *= b.opacity;
  if (f.hidden.empty() && f.opacity < kFaint) f.hidden = "opacity";
  f.scale *= b.zoom;
  if (!line && b.transformed) f.scale *= std::min(std::abs(b.scale_x), std::abs(b.scale_y));
  if (!f.hidden.empty()) return f;

  const bool positioned = b.position != Position::normal;
  if (positioned && b.z_index && *b.z_index < 0 && parent.covers) f.hidden = "behind its background";

  // Sizes.
  const Container& container = fixed ? Container{} : parent.container;
  const float base = absolute || fixed ? container.width : parent.width;
  const float base_height = absolute || fixed ? container.height : parent.height;
  const float pad_left = std::max(0.F, of(b.padding_left, base)),
              pad_right = std::max(0.F, of(b.padding_right, base));
  const float pad_top = std::max(0.F, of(b.padding_top, base)),
              pad_bottom = std::max(0.F, of(b.padding_bottom, base));
  const auto height_of = [&](const MaybeLength& l) {
    if (!l || (l->percent != 0 && std::isnan(base_height))) return static_cast<float>(NAN);
    return std::max(0.F, l->of(font, base_height));
  };
  const bool shrinks = b.display == Display::inline_block || b.floating || absolute || fixed || table;
  float width = NAN, height = NAN, tallest = NAN;
  if (!line) {
    if (b.width) width = std::max(0.F, b.width->of(font, base));
    if (b.max_width && !table)
      width = std::min(std::isnan(width) ? base : width, std::max(0.F, b.max_width->of(font, base)));
    if (b.min_width && !std::isnan(width)) width = std::max(width, b.min_width->of(font, base));
    if (b.border_box && !std::isnan(width)) width = std::max(0.F, width - pad_left - pad_right);
    height = height_of(b.height);
    if (b.border_box && !std::isnan(height)) height = std::max(0.F, height - pad_top - pad_bottom);
    if (b.no_content_size && std::isnan(height)) height = 0;
    tallest = height;
    if (const float most = height_of(b.max_height); !std::isnan(most)) {
      tallest = std::isnan(tallest) ? most : std::min(tallest, most);
      if (most == 0 || !std::isnan(height)) height = tallest;
    }
    if (const float least = height_of(b.min_height); !std::isnan(least) && !std::isnan(tallest)) {
      tallest = std::max(tallest, least);
      height = std::isnan(height) ? height : std::max(height, least);
    }
  }
  if (absolute || fixed) {  // stretched between its sides
    if (std::isnan(width) && b.left && b.right)
      width = std::max(0.F, container.width - of(b.left, base) - of(b.right, base));
    if (std::isnan(height) && b.top && b.bottom && !std::isnan(base_height))
      height = tallest = std::max(0.F, base_height - of(b.top, base_height) - of(b.bottom, base_height));
  }
  const float own =
      !std::isnan(width) ? width
      : shrinks
          ? std::min(base, text_width(text_below(element), font))
          : std::max(0.F, base - of(b.margin_left, base) - of(b.margin_right, base) - pad_left - pad_right);
  f.width = !std::isnan(width) ? width : shrinks ? base : own;
  f.height = height;

  // Place.
  f.x += of(b.margin_left, base) + pad_left;
  if (b.floating || line || b.display == Display::cell || b.display == Display::inline_block)
    f.slack = std::max(f.slack, base);
  if (!line && !b.margin_left && b.margin_right) f.slack = std::max(f.slack, base);
  if (absolute || fixed) {
    f.in_flow = false;
    if (b.left || b.right) {
      f.slack = 0;
      f.x = b.left ? container.x + of(b.left, base) + of(b.margin_left, base)
                   : container.x + container.width - of(b.right, base) - of(b.margin_right, base) - own -
                         pad_right;
      f.x += b.left ? pad_left : 0;
    }
    const float tall = std::isnan(height) ? font * 1.2F : height;
    const float page_height = std::isnan(container.height) ? 0 : container.height;
    if (b.top)
      f.dy = container.y + of(b.top, base_height) + of(b.margin_top, base) - flow;
    else if (b.bottom)
      f.dy = container.y + page_height - of(b.bottom, base_height) - of(b.margin_bottom, base) - tall - flow;
    else
      f.dy += of(b.margin_top, base);
    f.exact_y = container.page && (b.top || b.bottom);
    f.dy += pad_top;
    const float far = std::max(std::abs(of(b.left, base)), std::abs(of(b.top, page_height)));
    if (far > 200) f.behind = container.behind;
    f.window = fixed ? Window{} : parent.absolute_window;
  } else {
    if (!line && b.display != Display::row) {
      flow += of(b.margin_top, base) + pad_top;
      f.advance_after = of(b.margin_bottom, base) + pad_bottom;
    }
    if (b.position == Position::relative && !b.sticks) {
      f.x += b.left ? of(b.left, base) : -of(b.right, base);
      f.dy += b.top ? of(b.top, base_height) : -of(b.bottom, base_height);
    }
    if (b.floating || b.display == Display::cell) f.in_flow = false;
  }
  f.fixed = parent.fixed || fixed;
  if (!line && b.transformed) {
    f.x += b.shift_x.of(font, own + pad_left + pad_right);
    f.dy += b.shift_y.of(font, std::isnan(height) ? font * 1.2F : height);
  }

  if (fixed && b.bottom && !b.top && -of(b.bottom, kPageHeight) > font) f.hidden = "off the page";

  const float y = flow + f.dy;
  // What the box cuts off (not of a cell: it grows with what lies in it).
  if (!line && !table && (b.clip_x || b.clip_y)) {
    Window w;
    w.left = f.x - pad_left;
    w.right =
        w.left + pad_left + pad_right + (std::isnan(width) ? std::max(own, shrinks ? base : own) : width);
    w.top = y - pad_top;
    if (!std::isnan(tallest)) w.bottom = y + tallest + pad_bottom;
    w.scrolls = b.scrolls;
    w.hugs_lines = std::isnan(tallest) && !b.min_height && pad_bottom < kFewPixels;
    if (w.scrolls) {  // what is not seen at once can be reached, unless nothing is seen at all
      const bool none = w.right - w.left < kFewPixels || w.bottom - w.top < kFewPixels;
      if (none) f.hidden = "overflow of a box without size";
    } else {
      f.window.left = std::max(f.window.left, w.left);
      f.window.right = std::min(f.window.right, w.right);
      f.window.top = std::max(f.window.top, w.top);
      f.window.bottom = std::min(f.window.bottom, w.bottom);
      f.window.hugs_lines = f.window.hugs_lines || w.hugs_lines;
    }
  }

  const bool flat = (!std::isnan(height) && height + pad_top + pad_bottom < .5F * font) ||
                    (!std::isnan(width) && width + pad_left + pad_right < .5F * font);
  paint(f, style, table || line || !flat || element->v.element.tag == GUMBO_TAG_BODY);

  if (positioned || b.opacity < 1 || (b.transformed && !line)) f.covered = false;
  if (positioned && b.z_index) f.z = std::max(f.z, *b.z_index);
  const bool context = (positioned && b.z_index) || b.opacity < 1 || (b.transformed && !line) || fixed;
  const GumboTag tag = element->v.element.tag;
  const bool canvas = tag == GUMBO_TAG_HTML || tag == GUMBO_TAG_BODY;
  const bool opaque = b.background.picture || !b.background.gradient.empty() ||
                      (b.background.color && b.background.color->a > .9F);
  if (context || tag == GUMBO_TAG_HTML)
    f.covers = false;
  else if (opaque && !canvas && !flat)
    f.covers = true;

  if (positioned || (b.transformed && !line)) {
    f.container = {f.x - pad_left,
                   y - pad_top,
                   f.width + pad_left + pad_right,
                   std::isnan(height) ? static_cast<float>(NAN) : height + pad_top + pad_bottom,
                   f.behind,
                   false};
    f.absolute_window = f.window;
  }
  if (b.display == Display::cell || line) f.container.behind = f.behind;
  if (tag == GUMBO_TAG_BODY || tag == GUMBO_TAG_HTML) f.container.behind = f.behind;
  if (tag == GUMBO_TAG_DETAILS) f.closed = !gumbo_get_attribute(&element->v.element.attributes, "open");
  return f;
}

bool covers_container(const Frame& f, const Style& s, const Container& container) {
  const auto& b = s.box;
  if ((b.position != Position::absolute && b.position != Position::fixed) || !f.hidden.empty() || !s.visible)
    return false;
  const bool opaque = (b.background.color && b.background.color->a > .9F) ||
                      (!b.background.gradient.empty() &&
                       std::all_of(b.background.gradient.begin(), b.background.gradient.end(),
                                   [](const Color& c) { return c.a > .9F; }));
  if (!opaque || b.background.picture || f.opacity < .9F || f.text_clip || (b.z_index && *b.z_index < 0))
    return false;
  const auto near = [&](const MaybeLength& l, float base) {
    return l && std::abs(l->of(s.font_size, base)) <= 4;
  };
  const auto all = [&](const MaybeLength& l, float base) {
    return l && (l->percent >= .95F || (!std::isnan(base) && l->of(s.font_size, base) >= .95F * base));
  };
  const bool wide = (near(b.left, container.width) || near(b.right, container.width)) &&
                    (all(b.width, container.width) ||
                     (near(b.left, container.width) && near(b.right, container.width) && !b.width));
  const bool high = (near(b.top, 0) || near(b.bottom, 0)) &&
                    (all(b.height, container.height) || (near(b.top, 0) && near(b.bottom, 0) && !b.height));
  return wide && high;
}

std::string why_hidden(const Frame& f, const Style& s, const Spot& at) {
  if (!f.hidden.empty()) return f.hidden;
  if (f.svg && !f.svg_text) return "svg";
  if (!s.visible) return "visibility";
  if (f.covered) return "covered by another element";
  const float font = s.font_size * f.scale;
  if (font < kFewPixels) return f.scale < .5F ? "scaled to nothing" : "font-size";
  if (s.dotted) return "text-security";
  if (s.letter_spacing && s.letter_spacing->of(s.font_size, s.font_size) < -.45F * s.font_size)
    return "letter-spacing";

  const Color black{};
  const Color ink = f.svg ? s.svg_fill.value_or(black) : s.text_fill.value_or(s.color);
  if (!s.shadow && !s.stroke && !f.text_clip) {
    if (ink.a * f.opacity < kFaint) return "transparent text";
    bool same = f.behind.count > 0;
    for (std::size_t i = 0; i < f.behind.count; ++i)
      same = same && nearly_same(over(ink, f.opacity, f.behind.colors[i]), f.behind.colors[i]);
    if (same) return "colour of its background";
  }

  const float indent = at.first_line ? at.indent : 0;
  const float x = f.x + indent + at.advance;
  const float slack = f.slack + (s.to_the_right && !at.first_line ? f.width : 0) +
                      (s.to_the_right && indent > -kPageWidth ? f.width : 0);
  const float wide = s.nowrap ? text_width(at.characters, s.font_size)
                              : std::min(text_width(at.characters, s.font_size), std::max(f.width, 300.F));
  if (x + slack + wide <= 0) return "off the page";
  if (x >= (f.fixed ? kPageWidth : 2 * kPageWidth)) return "off the page";
  const float y = at.flow + f.dy;
  const float line = s.font_size * 1.2F;
  if (y + line + (f.exact_y ? 0 : at.most) <= 0) return "off the page";
  if (y - at.lowest > kBeyond || (f.fixed && y > 2 * kPageHeight)) return "off the page";

  const Window& w = f.window;
  if (w.right - w.left < kFewPixels || w.bottom - w.top < std::min(kFewPixels, .3F * s.font_size))
    return "overflow of a box without size";
  const float line_height = s.line_height ? s.line_height->of(s.font_size, s.font_size) : line;
  if (w.hugs_lines && line_height < .2F * s.font_size) return "lines without height";
  const float half = .25F * s.font_size;
  if (x >= w.right - 1 || (x + slack + wide <= w.left && w.left > -kPageWidth * 100))
    return "outside of its box";
  if (y >= w.bottom - half || y + line <= w.top) return "outside of its box";
  return {};
}

}  // namespace mailroom::mime
