#include "mime/css_select.hpp"

#include <algorithm>

#include "mime/ascii.hpp"

namespace mailroom::mime {
namespace {

using Kind = SimpleSelector::Kind;

bool is_element(const GumboNode* n) {
  return n && (n->type == GUMBO_NODE_ELEMENT || n->type == GUMBO_NODE_TEMPLATE);
}

bool same_type(const GumboNode* a, const GumboNode* b) {
  if (a->v.element.tag != b->v.element.tag) return false;
  return a->v.element.tag != GUMBO_TAG_UNKNOWN || iequals(tag_name(a), tag_name(b));
}

bool has_word(std::string_view list, std::string_view word, bool ignore_case) {
  for (std::size_t i = 0; i < list.size();) {
    while (i < list.size() && is_space(list[i])) ++i;
    const std::size_t from = i;
    while (i < list.size() && !is_space(list[i])) ++i;
    const std::string_view one = list.substr(from, i - from);
    if (!one.empty() && (ignore_case ? iequals(one, word) : one == word)) return true;
  }
  return false;
}

}  // namespace

std::string_view tag_name(const GumboNode* element) {
  const auto& e = element->v.element;
  if (e.tag != GUMBO_TAG_UNKNOWN) return gumbo_normalized_tagname(e.tag);
  std::string_view s(e.original_tag.data, e.original_tag.length);
  if (s.empty()) return s;
  s.remove_prefix(1);
  std::size_t n = 0;
  s = s.substr(0, 100);
  while (n < s.size() && !is_space(s[n]) && s[n] != '/' && s[n] != '>') ++n;
  return s.substr(0, n);
}

std::string_view attribute(const GumboNode* element, const char* name) {
  const GumboAttribute* a = gumbo_get_attribute(&element->v.element.attributes, name);
  return a ? std::string_view(a->value) : std::string_view();
}

const GumboNode* Matcher::previous(const GumboNode* element) {
  if (!is_element(element->parent)) return nullptr;
  const auto& all = element->parent->v.element.children;
  for (std::size_t i = std::min<std::size_t>(element->index_within_parent, all.length); i > 0 && spend();
       --i) {
    const auto* n = static_cast<const GumboNode*>(all.data[i - 1]);
    if (is_element(n)) return n;
  }
  return nullptr;
}

bool Matcher::from(const Selector& s, std::size_t i, const GumboNode* element) {
  if (!spend() || !compound(s.compounds[i], element)) return false;
  const char how = s.compounds[i].combinator;
  if (i + 1 == s.compounds.size()) return true;
  switch (how) {
    case '>':
      return is_element(element->parent) && from(s, i + 1, element->parent);
    case '+': {
      const GumboNode* before = previous(element);
      return before && from(s, i + 1, before);
    }
    case '~':
      for (const GumboNode* n = previous(element); n && !exhausted(); n = previous(n))
        if (from(s, i + 1, n)) return true;
      return false;
    default:
      for (const GumboNode* n = element->parent; is_element(n) && !exhausted(); n = n->parent)
        if (from(s, i + 1, n)) return true;
      return false;
  }
}

bool Matcher::compound(const Compound& c, const GumboNode* element) {
  return std::all_of(c.simple.begin(), c.simple.end(), [&](const auto& s) { return simple(s, element); });
}

bool Matcher::simple(const SimpleSelector& s, const GumboNode* element) {
  if (!spend()) return false;
  switch (s.kind) {
    case Kind::tag:
      return iequals(tag_name(element), s.name);
    case Kind::id:
      return quirks_ ? iequals(mime::attribute(element, "id"), s.name)
                     : mime::attribute(element, "id") == s.name;
    case Kind::cls:
      spend(element->v.element.attributes.length / 8 + mime::attribute(element, "class").size() / 32);
      return has_word(mime::attribute(element, "class"), s.name, quirks_);
    case Kind::attribute:
      return attribute(s, element);
    case Kind::nth:
      return nth(s, element);
    case Kind::is:
      return std::any_of(s.inner.begin(), s.inner.end(), [&](const auto& i) { return from(i, 0, element); });
    case Kind::not_:
      return std::none_of(s.inner.begin(), s.inner.end(), [&](const auto& i) { return from(i, 0, element); });
    case Kind::has:
      return has(s, element);
    case Kind::root:
      return element->v.element.tag == GUMBO_TAG_HTML;
    case Kind::empty:
      return element->v.element.children.length == 0;
    case Kind::link:
      return element->v.element.tag == GUMBO_TAG_A &&
             gumbo_get_attribute(&element->v.element.attributes, "href") != nullptr;
    case Kind::open:
      return gumbo_get_attribute(&element->v.element.attributes, "open") != nullptr;
    case Kind::checked:
      return gumbo_get_attribute(&element->v.element.attributes, "checked") != nullptr;
    case Kind::lang:
      for (const GumboNode* n = element; is_element(n) && spend(); n = n->parent)
        if (const auto lang = mime::attribute(n, "lang"); !lang.empty()) return istarts_with(lang, s.value);
      return false;
    case Kind::never:
      return false;
    case Kind::always:
      return true;
  }
  return false;
}

bool Matcher::attribute(const SimpleSelector& s, const GumboNode* element) {
  const GumboAttribute* found = gumbo_get_attribute(&element->v.element.attributes, s.name.c_str());
  spend(element->v.element.attributes.length / 8);
  if (!found || s.op == 0) return found != nullptr;
  std::string_view have = found->value, want = s.value;
  std::string folded_have, folded_want;
  if (s.ignore_case) {
    folded_have = to_lower(have);
    folded_want = to_lower(want);
    have = folded_have;
    want = folded_want;
  }
  spend(have.size() / 64);
  switch (s.op) {
    case '=':
      return have == want;
    case '~':
      return has_word(have, want, false);
    case '|':
      return have.starts_with(want) && (have.size() == want.size() || have[want.size()] == '-');
    case '^':
      return !want.empty() && have.starts_with(want);
    case '$':
      return !want.empty() && have.ends_with(want);
    default:
      return !want.empty() && have.find(want) != have.npos;
  }
}

bool Matcher::nth(const SimpleSelector& s, const GumboNode* element) {
  if (!is_element(element->parent)) return s.a * 0 + s.b == 1;
  const auto& all = element->parent->v.element.children;
  int index = 1;
  const std::size_t here = element->index_within_parent;
  const std::size_t from = s.from_end ? here + 1 : 0, to = s.from_end ? all.length : here;
  for (std::size_t i = from; i < to && spend(); ++i) {
    const auto* n = static_cast<const GumboNode*>(all.data[i]);
    if (is_element(n) && (!s.of_type || same_type(n, element))) ++index;
  }
  const int rest = index - s.b;
  return s.a == 0 ? rest == 0 : rest % s.a == 0 && rest / s.a >= 0;
}

// Whether an element below (or beside) answers: looked through in order, without recursion.
bool Matcher::has(const SimpleSelector& s, const GumboNode* element) {
  const GumboNode* top = element;
  const bool beside = std::any_of(s.inner.begin(), s.inner.end(), [](const auto& i) {
    return i.compounds.back().combinator == '+' || i.compounds.back().combinator == '~';
  });
  if (beside && is_element(element->parent)) top = element->parent;
  // The leftmost compound is tied to `element` itself by its combinator.
  const auto answers = [&](const Selector& i, const GumboNode* n) {
    Selector tied = i;
    const char how = tied.compounds.back().combinator;
    if (tied.compounds.size() > 1) return from(i, 0, n);
    tied.compounds.back().combinator = 0;
    if (!from(tied, 0, n)) return false;
    if (how == '>') return n->parent == element;
    if (how == '+') return previous(n) == element;
    if (how == '~')
      return n->parent == element->parent && n->index_within_parent > element->index_within_parent;
    return true;
  };
  std::vector<const GumboNode*> open{top};
  while (!open.empty() && spend()) {
    const GumboNode* n = open.back();
    open.pop_back();
    const auto& children = n->v.element.children;
    for (unsigned c = 0; c < children.length && spend(); ++c) {
      const auto* child = static_cast<const GumboNode*>(children.data[c]);
      if (!is_element(child)) continue;
      for (const auto& i : s.inner)
        if (answers(i, child)) return true;
      open.push_back(child);
    }
  }
  return false;
}

}  // namespace mailroom::mime
