#include "mime/html_style.hpp"

#include <algorithm>

#include "mime/ascii.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMaxCustom = 200;          // custom properties an element has
constexpr std::size_t kMaxInlineStyles = 2'000;  // kept for the next element that has the same
constexpr int kMaxVarDepth = 8;
constexpr int kMaxVars = 200;  // put into one declaration, one within the other counted

// `value` with every var() replaced; nullopt when one has neither a value nor a fallback.
std::optional<std::string> with_variables(std::string_view value, const CustomProperties* custom, int depth,
                                          int& left) {
  std::string out;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t var = value.find("var(", at);
    out += value.substr(at, var - at);
    if (var == value.npos) break;
    std::size_t end = var + 4;
    for (int open = 1; end < value.size(); ++end) {
      if (value[end] == '(') ++open;
      if (value[end] == ')' && --open == 0) break;
    }
    const std::string_view inside = value.substr(var + 4, end - var - 4);
    const std::size_t comma = std::min(inside.find(','), inside.size());
    std::optional<std::string> put;
    if (--left < 0) return {};
    if (depth < kMaxVarDepth && custom) {
      const auto it = custom->find(std::string(trim(inside.substr(0, comma))));
      if (it != custom->end()) put = with_variables(it->second, custom, depth + 1, left);
    }
    if (!put && comma < inside.size() && depth < kMaxVarDepth)
      put = with_variables(inside.substr(comma + 1), custom, depth + 1, left);
    if (!put) return {};
    out += *put;
    if (out.size() > kMaxValueBytes) return {};
    at = end + 1;
  }
  return out;
}

// "2rem" in px, where <html> has another font size than 16 px.
std::string without_rem(std::string_view value, float root) {
  std::string out;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t unit = std::min(value.find("rem", at), value.size());
    std::size_t from = unit;
    while (from > at && (is_digit(value[from - 1]) || value[from - 1] == '.')) --from;
    out += value.substr(at, from - at);
    if (unit == value.size()) break;
    const auto n = parse_number(value.substr(from, unit - from));
    out += n ? std::to_string(*n * root) + "px" : std::string(value.substr(from, unit + 3 - from));
    at = unit + 3;
  }
  return out;
}

}  // namespace

Styler::Styler(Sheet sheet, bool quirks, std::uint64_t work)
    : sheet_(std::move(sheet)), quirks_(quirks), matcher_(work, quirks) {
  index();
}

// A rule is looked at only where its rightmost id, class or tag stands.
void Styler::index() {
  using Kind = SimpleSelector::Kind;
  for (std::uint32_t r = 0; r < sheet_.rules.size(); ++r) {
    for (std::uint32_t s = 0; s < sheet_.rules[r].selectors.size(); ++s) {
      const Selector& selector = sheet_.rules[r].selectors[s];
      // Where the first line ends is not known here: what hides it hides its block.
      if (selector.pseudo == PseudoElement::first_letter || selector.pseudo == PseudoElement::other) continue;
      std::string key;
      for (const auto& simple : selector.compounds.front().simple) {
        if (simple.kind == Kind::id)
          key = "#" + to_lower(simple.name);
        else if (simple.kind == Kind::cls && !key.starts_with('#'))
          key = "." + to_lower(simple.name);
        else if (simple.kind == Kind::tag && key.empty())
          key = simple.name;
      }
      (key.empty() ? everywhere_ : by_name_[key]).push_back({r, s});
    }
  }
}

void Styler::look(const std::vector<Place>& places, const GumboNode* element) {
  for (const auto& p : places) {
    const Rule& rule = sheet_.rules[p.rule];
    const Selector& s = rule.selectors[p.selector];
    if (!matcher_.spend()) return;
    if (!matcher_.matches(s, element)) continue;
    if (!matcher_.spend(rule.cost)) return;
    matches_.push_back({rule.layer, s.specificity, p.rule, s.pseudo == PseudoElement::generated});
  }
}

void Styler::collect(const GumboNode* element) {
  matches_.clear();
  if (sheet_.rules.empty() || matcher_.exhausted()) return;
  const auto by = [&](std::string key) {
    if (const auto it = by_name_.find(key); it != by_name_.end()) look(it->second, element);
  };
  look(everywhere_, element);
  by(to_lower(tag_name(element)));
  if (const auto id = attribute(element, "id"); !id.empty()) by("#" + to_lower(id));
  const std::string_view classes = attribute(element, "class");
  std::size_t seen = 0;
  for (std::size_t i = 0; i < classes.size() && seen < 200;) {
    while (i < classes.size() && is_space(classes[i])) ++i;
    const std::size_t from = i;
    while (i < classes.size() && !is_space(classes[i])) ++i;
    if (i > from) by("." + to_lower(classes.substr(from, i - from)));
    ++seen;
  }
  std::stable_sort(matches_.begin(), matches_.end(), [](const Match& a, const Match& b) {
    const int la = a.layer ? a.layer : 1 << 30, lb = b.layer ? b.layer : 1 << 30;
    if (la != lb) return la < lb;
    return a.specificity != b.specificity ? a.specificity < b.specificity : a.rule < b.rule;
  });
}

Style Styler::style(const GumboNode* element, const Style& parent) {
  Style out = parent;
  out.box = {};
  generated_.clear();
  apply_defaults(element, out, parent);
  collect(element);
  const GumboAttribute* attr = gumbo_get_attribute(&element->v.element.attributes, "style");
  const std::vector<Declaration>* own = nullptr;
  if (attr) {
    std::string text = std::string(std::string_view(attr->value).substr(0, 32'768));
    auto it = inline_.find(text);
    if (it == inline_.end()) {
      if (inline_.size() >= kMaxInlineStyles) inline_.clear();
      auto parsed = parse_declarations(text);
      it = inline_.emplace(std::move(text), std::move(parsed)).first;
    }
    own = &it->second;
  }
  if (matches_.empty() && !own) return out;

  // Custom properties first: they may be used by any other, wherever they stand.
  std::shared_ptr<CustomProperties> custom;
  const auto define = [&](const std::vector<Declaration>& list, bool important) {
    for (const auto& d : list) {
      if (d.prop != Prop::custom || d.important != important) continue;
      if (!custom && !matcher_.spend(out.custom ? out.custom->size() * 4 : 1)) return;
      if (!custom)
        custom = out.custom ? std::make_shared<CustomProperties>(*out.custom)
                            : std::make_shared<CustomProperties>();
      if (custom->size() < kMaxCustom) (*custom)[d.name] = d.value;
    }
  };
  const auto each = [&](auto&& what, bool important) {
    for (const auto& m : matches_)
      if (!m.generated) what(sheet_.rules[m.rule].declarations, important);
    if (own) what(*own, important);
  };
  each(define, false);
  each(define, true);
  if (custom) out.custom = std::move(custom);

  const auto apply_one = [&](const Declaration& d) {
    if (d.prop == Prop::custom) return;
    if (d.value.find("var(") == d.value.npos) {
      const bool roots = parent.root_size != 16 && d.value.find("rem") != d.value.npos;
      apply(d, roots ? without_rem(d.value, parent.root_size) : d.value, out, parent, quirks_);
    } else if (matcher_.spend(10)) {
      int left = kMaxVars;
      if (const auto value = with_variables(d.value, out.custom.get(), 0, left))
        apply(d, trim(without_rem(*value, parent.root_size)), out, parent, quirks_);
      matcher_.spend(static_cast<std::uint64_t>(kMaxVars - left) * 4);
    }
  };
  // The font's size first: others are measured in it.
  for (const bool sizes : {true, false}) {
    const auto run = [&](const std::vector<Declaration>& list, bool important) {
      for (const auto& d : list)
        if (d.important == important && (d.prop == Prop::font || d.prop == Prop::font_size) == sizes)
          apply_one(d);
    };
    each(run, false);
    // What an animation ends with stands above plain declarations, below important ones.
    if (!sizes && !sheet_.keyframes.empty()) {
      const auto animate = [&](const std::vector<Declaration>& list, bool) {
        for (const auto& d : list) {
          if (d.prop != Prop::animation) continue;
          for (auto word : Words(d.value))
            for (const auto& frames : sheet_.keyframes)
              if (frames.name == word && matcher_.spend(frames.last.size()))
                for (const auto& f : frames.last) apply_one(f);
        }
      };
      each(animate, false);
    }
    each(run, true);
  }

  if (element->v.element.tag == GUMBO_TAG_HTML) out.root_size = out.font_size;

  for (const auto& m : matches_) {
    if (!m.generated) continue;
    for (const auto& d : sheet_.rules[m.rule].declarations) {
      if (d.prop != Prop::content) continue;
      const bool none = d.value == "none" || d.value == "normal";
      int left = kMaxVars;
      generated_ = none ? std::string() : with_variables(d.value, out.custom.get(), 0, left).value_or("");
    }
  }
  return out;
}

}  // namespace mailroom::mime
