// What a browser does with an element before any style: its own sheet (WHATWG HTML §15) and the attributes of
// old.
#include <algorithm>
#include <array>
#include <utility>

#include "mime/ascii.hpp"
#include "mime/html_style.hpp"

namespace mailroom::mime {
namespace {

Display display_of(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_HTML:
    case GUMBO_TAG_BODY:
    case GUMBO_TAG_P:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_HGROUP:
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_CENTER:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_FIELDSET:
    case GUMBO_TAG_LEGEND:
    case GUMBO_TAG_FIGURE:
    case GUMBO_TAG_FIGCAPTION:
    case GUMBO_TAG_DETAILS:
    case GUMBO_TAG_SUMMARY:
    case GUMBO_TAG_HR:
    case GUMBO_TAG_MENU:
    case GUMBO_TAG_DIR:
      return Display::block;
    case GUMBO_TAG_TABLE:
      return Display::table;
    case GUMBO_TAG_THEAD:
    case GUMBO_TAG_TBODY:
    case GUMBO_TAG_TFOOT:
    case GUMBO_TAG_TR:
      return Display::row;
    case GUMBO_TAG_TD:
    case GUMBO_TAG_TH:
      return Display::cell;
    case GUMBO_TAG_IMG:
    case GUMBO_TAG_BUTTON:
    case GUMBO_TAG_MARQUEE:
    case GUMBO_TAG_METER:
    case GUMBO_TAG_PROGRESS:
      return Display::inline_block;
    case GUMBO_TAG_DATALIST:
    case GUMBO_TAG_RP:
    case GUMBO_TAG_COL:
    case GUMBO_TAG_COLGROUP:
    case GUMBO_TAG_AREA:
    case GUMBO_TAG_PARAM:
      return Display::none;
    default:
      return Display::in_line;
  }
}

// "100", "100px", "50%" (WHATWG HTML §2.3.4.4); "0" counts.
MaybeLength dimension(std::string_view v) {
  v = trim(v);
  std::size_t n = 0;
  while (n < v.size() && (is_digit(v[n]) || v[n] == '.')) ++n;
  const auto number = parse_number(v.substr(0, n));
  if (!number) return {};
  return v.substr(n).starts_with('%') ? Length{0, 0, *number / 100} : Length{*number, 0, 0};
}

void font_attribute(std::string_view size, Style& s) {
  size = trim(size);
  if (size.empty()) return;
  static constexpr std::array<float, 8> kSizes{10, 10, 13, 16, 18, 24, 32, 48};
  const bool relative = size.front() == '+' || size.front() == '-';
  const auto n = parse_number(size.substr(0, std::min(size.find_first_not_of("+-0123456789"), size.size())));
  if (!n) return;
  const float at = std::clamp(relative ? *n + 3 : *n, 1.F, 7.F);
  s.font_size = kSizes[static_cast<std::size_t>(at)];
}

// Attributes of SVG that are declarations (SVG 2 §6.6).
bool drawing(std::string_view name, std::string_view value, Style& s, const Style& parent) {
  static constexpr std::array<std::pair<std::string_view, Prop>, 7> kAttributes{
      {{"fill", Prop::fill},
       {"opacity", Prop::opacity},
       {"fill-opacity", Prop::opacity},
       {"visibility", Prop::visibility},
       {"display", Prop::display},
       {"font-size", Prop::font_size},
       {"transform", Prop::transform}}};
  for (const auto& [known, prop] : kAttributes) {
    if (known != name) continue;
    apply({prop, false, {}, {}}, to_lower(trim(value.substr(0, 200))), s, parent, true);
    return true;
  }
  return false;
}

}  // namespace

std::optional<Display> display_of(std::string_view v) {
  if (v == "none") return Display::none;
  if (v == "inline" || v == "ruby" || v == "ruby-base") return Display::in_line;
  if (v == "inline-block" || v == "inline-flex" || v == "inline-grid" || v == "inline-table" ||
      v == "-webkit-inline-box")
    return Display::inline_block;
  if (v == "contents") return Display::contents;
  if (v == "table") return Display::table;
  if (v == "table-cell") return Display::cell;
  if (v.starts_with("table-row") || v == "table-header-group" || v == "table-footer-group")
    return Display::row;
  if (v == "table-column" || v == "table-column-group") return Display::none;
  if (v == "block" || v == "flex" || v == "grid" || v == "list-item" || v == "flow-root" ||
      v == "table-caption" || v == "-webkit-box" || v == "-webkit-flex" || v == "block flow" ||
      v == "inline-list-item")
    return Display::block;
  return {};
}

void apply_defaults(const GumboNode* element, Style& s, const Style& parent) {
  const GumboTag tag = element->v.element.tag;
  auto& b = s.box;
  b.display = display_of(tag);
  const auto heading = [&](float em) { s.font_size = parent.font_size * em; };
  switch (tag) {
    case GUMBO_TAG_BODY:
      b.margin_left = b.margin_right = b.margin_top = Length{8, 0, 0};
      break;
    case GUMBO_TAG_H1:
      heading(2);
      break;
    case GUMBO_TAG_H2:
      heading(1.5F);
      break;
    case GUMBO_TAG_H3:
      heading(1.17F);
      break;
    case GUMBO_TAG_H5:
      heading(.83F);
      break;
    case GUMBO_TAG_H6:
      heading(.67F);
      break;
    case GUMBO_TAG_SMALL:
    case GUMBO_TAG_SUB:
    case GUMBO_TAG_SUP:
      heading(1 / 1.2F);
      break;
    case GUMBO_TAG_BIG:
      heading(1.2F);
      break;
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_LISTING:
      s.pre = s.nowrap = true;
      break;
    case GUMBO_TAG_NOBR:
      s.nowrap = true;
      break;
    case GUMBO_TAG_CENTER:
    case GUMBO_TAG_TH:
      s.to_the_right = true;
      break;
    case GUMBO_TAG_TABLE:
      s.text_indent = Length{};
      break;
    case GUMBO_TAG_A:
      if (gumbo_get_attribute(&element->v.element.attributes, "href")) s.color = s.link;
      break;
    case GUMBO_TAG_MARK:
      b.background.color = Color{255, 255, 0, 1};
      s.color = Color{};
      break;
    case GUMBO_TAG_BUTTON:
      b.background.color = Color{240, 240, 240, 1};
      s.color = Color{};
      s.font_size = 13.33F;
      break;
    default:
      break;
  }
  const auto& attributes = element->v.element.attributes;
  for (unsigned i = 0; i < attributes.length; ++i) {
    const auto* a = static_cast<const GumboAttribute*>(attributes.data[i]);
    const std::string_view name = a->name, value = a->value;
    if (name == "bgcolor") {
      if (const auto c = parse_legacy_color(value)) b.background.color = c;
    } else if (name == "background") {
      b.background.picture = value.find(':') != value.npos;
    } else if (name == "hidden") {
      b.display = Display::none;
    } else if (name == "color" && tag == GUMBO_TAG_FONT) {
      if (const auto c = parse_legacy_color(value)) s.color = *c;
    } else if (name == "size" && tag == GUMBO_TAG_FONT) {
      font_attribute(value, s);
    } else if (name == "text" && tag == GUMBO_TAG_BODY) {
      if (const auto c = parse_legacy_color(value)) s.color = *c;
    } else if (name == "link" && tag == GUMBO_TAG_BODY) {
      if (const auto c = parse_legacy_color(value)) s.link = *c;
    } else if (name == "width" || name == "height") {
      const bool sized = tag == GUMBO_TAG_IMG || tag == GUMBO_TAG_TABLE || tag == GUMBO_TAG_TD ||
                         tag == GUMBO_TAG_TH || tag == GUMBO_TAG_TR || tag == GUMBO_TAG_MARQUEE;
      if (sized) (name == "width" ? b.width : b.height) = dimension(value);
    } else if (name == "align") {
      s.to_the_right = iequals(value, "right") || iequals(value, "center");
    } else if (name == "nowrap") {
      s.nowrap = true;
    } else if (name == "dir") {
      s.rtl = iequals(value, "rtl");
    } else if (tag == GUMBO_TAG_UNKNOWN && drawing(name, value, s, parent)) {
      continue;
    } else if (name == "popover") {
      b.display = Display::none;
    }
  }
  if (tag == GUMBO_TAG_BDO) b.override_rtl = true;
}

}  // namespace mailroom::mime
