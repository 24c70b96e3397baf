// Selectors of CSS over gumbo's tree (Selectors 4; internal to mime/).
//
// What depends on a person or on time (:hover, :focus, :target, :checked by hand) matches as on a page that
// has just been opened. A selector that is not understood makes its whole list invalid, as in a browser.
#pragma once
#include <gumbo.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::mime {

enum class PseudoElement : std::uint8_t { none, generated, first_letter, first_line, other };

struct Selector;

/// One condition on one element.
struct SimpleSelector {
  enum class Kind : std::uint8_t {
    tag,
    id,
    cls,
    attribute,
    nth,
    is,
    not_,
    has,
    root,
    empty,
    link,
    lang,
    never,
    always,
    open,
    checked
  };
  Kind kind = Kind::always;
  char op = 0;                  ///< attribute: 0 is there, '=', '~', '|', '^', '$', '*'
  bool ignore_case = false;     ///< attribute: [a=b i]
  bool of_type = false;         ///< nth
  bool from_end = false;        ///< nth
  int a = 0, b = 0;             ///< nth: a n + b
  std::string name;             ///< lower case for tags and attributes
  std::string value;            ///< attribute
  std::vector<Selector> inner;  ///< is, not_, has
};

struct Compound {
  std::vector<SimpleSelector> simple;
  char combinator = 0;  ///< to what stands left of it: ' ', '>', '+', '~'; 0 for the leftmost
};

struct Selector {
  std::vector<Compound> compounds;  ///< the rightmost first
  std::uint32_t specificity = 0;    ///< ids << 20 | classes << 10 | tags
  PseudoElement pseudo = PseudoElement::none;
};

/// At most 64 selectors of 32 compounds, nested 6 deep; "" or a broken list gives none. `relative`: may begin
/// with a combinator (:has).
std::vector<Selector> parse_selectors(std::string_view list, bool relative = false, int depth = 0);

/// Matches one element, from `work` steps; when they are used up nothing matches any more.
class Matcher {
 public:
  explicit Matcher(std::uint64_t work, bool quirks) : work_(work), quirks_(quirks) {}
  bool matches(const Selector& selector, const GumboNode* element) { return from(selector, 0, element); }
  bool exhausted() const { return work_ == 0; }
  bool spend(std::uint64_t steps = 1) {
    work_ -= std::min(work_, steps);
    return work_ != 0;
  }

 private:
  bool from(const Selector& s, std::size_t i, const GumboNode* element);
  bool compound(const Compound& c, const GumboNode* element);
  bool simple(const SimpleSelector& s, const GumboNode* element);
  bool attribute(const SimpleSelector& s, const GumboNode* element);
  bool nth(const SimpleSelector& s, const GumboNode* element);
  bool has(const SimpleSelector& s, const GumboNode* element);
  const GumboNode* previous(const GumboNode* element);

  std::uint64_t work_;
  bool quirks_;  // classes and ids without case
};

/// Undoes the escape at `at` (a backslash, CSS Syntax 3 §4.3.7), which is moved behind it.
void css_escape(std::string_view s, std::size_t& at, std::string& out);

/// The name of an element, lower case for those that HTML knows; unknown ones as written.
std::string_view tag_name(const GumboNode* element);
/// An attribute's value; empty when absent.
std::string_view attribute(const GumboNode* element, const char* name);

}  // namespace mailroom::mime
