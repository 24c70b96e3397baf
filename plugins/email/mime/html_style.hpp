// The computed style of an element, as far as it decides whether its text is seen (internal to mime/).
//
// Sources, weakest first: what browsers do by themselves (WHATWG HTML §15), attributes (bgcolor, width ...),
// <style> sheets by specificity, style attributes, !important. Nothing is fetched: @import and <link> count
// for nothing.
#pragma once
#include <gumbo.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mime/css_sheet.hpp"
#include "mime/css_value.hpp"

namespace mailroom::mime {

enum class Display : std::uint8_t { none, in_line, inline_block, block, table, row, cell, contents };
enum class Position : std::uint8_t { normal, relative, absolute, fixed };

using MaybeLength = std::optional<Length>;  // nullopt: auto, none, normal
using CustomProperties = std::map<std::string, std::string>;

/// What lies behind: the colours of a gradient, a picture that is not known, or one colour.
struct Background {
  std::optional<Color> color;
  std::vector<Color> gradient;
  bool picture = false;  ///< one that a reader may load: nothing can be said of colours
  bool nothing = false;  ///< background-size 0
  bool to_text = false;  ///< background-clip: text
};

struct Style {
  // inherited
  Color color;
  std::optional<Color> text_fill;
  std::optional<Color> svg_fill;
  float font_size = 16;     // px
  MaybeLength line_height;  // px, or em of each font
  MaybeLength text_indent = Length{};
  MaybeLength letter_spacing;
  bool visible = true;                                  // visibility
  bool pre = false, nowrap = false;                     // white-space
  bool to_the_right = false;                            // text-align: right, center, or direction: rtl
  bool shadow = false, stroke = false, dotted = false;  // text-shadow, -stroke, -security
  bool rtl = false;
  bool outlook_hides = false;        // mso-hide: all
  float root_size = 16;              // px: of <html>, what "rem" counts
  Color link = Color{0, 0, 238, 1};  // of <a href>
  std::shared_ptr<const CustomProperties> custom;

  // own
  struct Box {
    Display display = Display::in_line;
    bool display_set = false;  // by an author: decides line ends
    Position position = Position::normal;
    bool sticks = false;  // position: sticky, which never leaves its place by itself
    bool floating = false;
    bool clip_x = false, clip_y = false;  // overflow other than visible
    bool hides = false;                   // content-visibility, mask, blur: nothing of it is drawn
    const char* how = "";                 // the declaration that says so
    float opacity = 1;
    float scale_x = 1, scale_y = 1;
    float zoom = 1;
    bool border_box = false;       // box-sizing
    bool no_content_size = false;  // as if empty: contain: size, grid rows of 0
    bool flexes = false;           // display: flex or grid: what lies within is no longer inline
    bool scrolls = false;          // overflow: auto, scroll
    Length shift_x, shift_y;
    MaybeLength left, right, top, bottom, width, height, max_width, max_height, min_width, min_height;
    MaybeLength margin_left, margin_right, margin_top, margin_bottom;
    MaybeLength padding_left, padding_right, padding_top, padding_bottom;
    bool clipped_away = false;  // clip, clip-path leave nothing
    bool clip_rect = false;     // clip: counts where positioned absolutely only
    std::optional<int> z_index;
    bool override_rtl = false;  // unicode-bidi: bidi-override with direction: rtl
    bool transformed = false;
    Background background;
  } box;
};

class Styler {
 public:
  /// `work`: steps of matching, all elements together.
  Styler(Sheet sheet, bool quirks, std::uint64_t work);

  /// The style of `element` whose parent has `parent`. Borrows nothing.
  Style style(const GumboNode* element, const Style& parent);
  /// Text that ::before, ::after or ::marker would draw: the last element's; empty for none.
  const std::string& generated() const { return generated_; }
  /// Work ran out: what came after was looked at without sheets.
  bool exhausted() const { return matcher_.exhausted(); }
  const Sheet& sheet() const { return sheet_; }

 private:
  struct Place {
    std::uint32_t rule, selector;
  };
  struct Match {
    int layer;
    std::uint32_t specificity, rule;
    bool generated;
  };
  void index();
  void collect(const GumboNode* element);
  void look(const std::vector<Place>& places, const GumboNode* element);

  Sheet sheet_;
  bool quirks_;
  Matcher matcher_;
  std::unordered_map<std::string, std::vector<Place>> by_name_;  // "#id", ".class", "tag"
  std::vector<Place> everywhere_;
  std::vector<Match> matches_;
  std::unordered_map<std::string, std::vector<Declaration>> inline_;  // style attributes come again and again
  std::string generated_;
};

/// Applies one declaration (var() already put in). `parent` for inherit and relative sizes.
void apply(const Declaration& d, std::string_view value, Style& style, const Style& parent, bool quirks);
/// The font shorthand: its size and line height.
void apply_font(std::string_view value, Style& style, const Style& parent, bool quirks);
/// A font-size in px; nullopt when it is none.
std::optional<float> font_size(std::string_view value, const Style& parent, bool quirks);
/// A value of `display`; nullopt when it is none.
std::optional<Display> display_of(std::string_view value);
/// What the browser and the attributes say.
void apply_defaults(const GumboNode* element, Style& style, const Style& parent);

}  // namespace mailroom::mime
