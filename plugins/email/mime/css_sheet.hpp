// Style sheets and style attributes as rules and declarations (CSS Syntax 3, Cascade 5, Nesting 1, Media
// Queries 5; internal to mime/). Only what can decide whether text is seen is kept.
//
// Limits: below; what lies beyond is left out and `Sheet::cut` says so. Linear in the text, save nested rules
// (8 deep).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mime/css_select.hpp"

namespace mailroom::mime {

inline constexpr std::size_t kMaxSheetBytes = 256u << 10;     ///< of all <style> elements
inline constexpr std::size_t kMaxSelectorBytes = 512u << 10;  ///< with what nesting repeats
inline constexpr std::size_t kMaxRules = 8'000;               ///< rules of all sheets
inline constexpr std::size_t kMaxDeclarations = 400;          ///< of one rule or style attribute
inline constexpr std::size_t kMaxValueBytes = 4'096;          ///< longer declarations do not count

enum class Prop : std::uint8_t {
  background,
  background_clip,
  background_color,
  background_image,
  background_size,
  bottom,
  clip,
  clip_path,
  color,
  contain,
  content,
  content_visibility,
  custom,
  direction,
  display,
  fill,
  filter,
  flt,
  font,
  font_size,
  height,
  inset,
  left,
  letter_spacing,
  line_height,
  margin,
  margin_bottom,
  margin_left,
  margin_right,
  margin_top,
  mask,
  mask_size,
  box_shadow,
  font_size_adjust,
  max_height,
  max_width,
  min_height,
  min_width,
  mso_hide,
  opacity,
  overflow,
  overflow_x,
  overflow_y,
  padding,
  padding_bottom,
  padding_left,
  padding_right,
  padding_top,
  position,
  right,
  rotate,
  scale,
  text_align,
  text_fill,
  text_indent,
  text_security,
  text_shadow,
  text_stroke,
  top,
  transform,
  translate,
  unicode_bidi,
  visibility,
  white_space,
  width,
  z_index,
  zoom,
  animation,
  box_sizing,
  grid_rows
};

/// By its name in lower case; false for one that hides nothing.
bool find_prop(std::string_view name, Prop& prop);

struct Declaration {
  Prop prop = Prop::color;
  bool important = false;
  std::string value;  ///< trimmed, lower case, escapes undone
  std::string name;   ///< of a custom property, "--x"
};

struct Rule {
  std::vector<Selector> selectors;
  std::vector<Declaration> declarations;
  std::size_t cost = 1;  ///< of applying it, in steps
  int layer = 0;  ///< 0: in no @layer, which wins; else the number of its layer, the later the stronger
};

/// Frames of an animation that stay: the last frame of each @keyframes.
struct Keyframes {
  std::string name;
  std::vector<Declaration> last;
};

struct Sheet {
  std::vector<Rule> rules;
  std::vector<Keyframes> keyframes;
  std::vector<std::string> asides;  ///< words that no browser shows: comments, text that is no rule
  bool embedded_font = false;       ///< @font-face from a data: URL may draw letters as other letters
  bool cut = false;                 ///< a limit left something out
  std::size_t selector_bytes = 0;
  std::size_t bytes = 0;                 ///< read so far
  std::vector<std::string> layer_names;  ///< at most 200, in their order: layer i is number i + 1
};

/// Adds what `css` says to `sheet`.
void parse_sheet(std::string_view css, Sheet& sheet);
/// A style attribute, or the inside of a rule.
std::vector<Declaration> parse_declarations(std::string_view css);
/// Whether a media query list holds for a light desktop screen of 1280 by 800 pixels.
bool media_applies(std::string_view query);
/// Whether a browser of today has what @supports asks for.
bool supports_applies(std::string_view condition, int depth = 0);

}  // namespace mailroom::mime
