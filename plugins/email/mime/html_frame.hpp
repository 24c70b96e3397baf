// Where an element stands and what is left of it: enough of a layout to tell text that nobody sees (internal
// to mime/).
//
// One column of a page that is kPageWidth wide, from the declared sizes and offsets alone; what is not
// declared is taken in favour of being seen. Not known here: the true height of text, floats beside each
// other, fonts, pictures, what lies over the text by chance of the layout (docs/hidden-text.md says which).
#pragma once
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "mime/html_style.hpp"

namespace mailroom::mime {

/// Colours that text may stand on; none when a picture is behind it.
struct Backdrop {
  std::array<Color, 4> colors{Color{255, 255, 255, 1}};
  std::size_t count = 1;
  friend bool operator==(const Backdrop&, const Backdrop&) = default;
};

/// What is left by overflow, page coordinates in px.
struct Window {
  float left = -std::numeric_limits<float>::infinity(), right = std::numeric_limits<float>::infinity();
  float top = left, bottom = right;
  bool scrolls = false;     ///< its sides can be reached
  bool hugs_lines = false;  ///< as high as its lines: nothing, when line-height is 0
};

/// The box that absolute positions are measured from.
struct Container {
  float x = 0, y = 0, width = kPageWidth, height = kPageHeight;
  Backdrop behind;
  bool page = true;
};

struct Frame {
  float x = 0;      ///< left edge of the content
  float slack = 0;  ///< or up to so much further right
  float width = kPageWidth;
  float height = NAN;  ///< NAN: as high as what lies in it
  float dy = 0;        ///< drawn so far below its place in the flow
  float scale = 1, opacity = 1;
  Backdrop behind;
  Window window, absolute_window;
  Container container;
  std::string hidden;   ///< why all in it is hidden; empty when it is not
  bool covers = false;  ///< something opaque between it and its stacking context: z-index below 0 hides
  bool closed = false;  ///< a <details> that is not open
  bool svg = false, svg_text = false;
  float svg_width = 300,
        svg_height = 150;  ///< in its own units; INFINITY where a transform makes them unknown
  bool covered = false;    ///< something opaque lies over what is not positioned itself
  int z = 0;               ///< the highest z-index around
  bool fixed = false;
  bool exact_y = false;     ///< measured from the page, not from the flow
  bool text_clip = false;   ///< a background drawn through letters
  bool reversed = false;    ///< unicode-bidi turns its letters round
  bool in_flow = true;      ///< moves what comes after
  float advance_after = 0;  ///< of the flow, when the element ends
};

/// Below the page's top, in px, of what comes next in the flow: a lower bound.
using Flow = float;

/// Where text comes to stand.
struct Spot {
  std::size_t characters = 0;
  Flow flow = 0;
  float indent = 0;         ///< text-indent of its block, px: counts on the first line
  float advance = 0;        ///< px already written on its line
  bool first_line = false;  ///< of its block: text-indent counts
  Flow lowest = 0;          ///< of the flow so far
  Flow most = 0;            ///< an upper bound of what stands above
};

/// The frame of `element` within `parent`; `flow` moves by margins and paddings above.
Frame enter_frame(const Frame& parent, const Style& parent_style, const GumboNode* element,
                  const Style& style, Flow& flow);

/// Whether the element, which has that frame, lies over all of what its container held so far.
bool covers_container(const Frame& frame, const Style& style, const Container& container);

/// Why text in that style is not seen there; "" when it is seen.
std::string why_hidden(const Frame& frame, const Style& style, const Spot& spot);

}  // namespace mailroom::mime
