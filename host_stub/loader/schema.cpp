#include "loader/schema.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace aoh::host {
namespace {

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxSubschemas = 10'000;
constexpr std::size_t kMaxPattern = 1'000;
constexpr std::size_t kMaxPatternInput = 64u << 10;
constexpr std::size_t kMaxProblems = 20;
constexpr std::size_t kMaxRepeats = 10'000;  // of the whole schema by "$ref" within one instance

const std::vector<std::string> kTypes = {"null", "boolean", "integer", "number", "string", "array", "object"};
const std::vector<std::string> kKeywords = {"type",          "properties",
                                            "required",      "additionalProperties",
                                            "items",         "enum",
                                            "const",         "minimum",
                                            "maximum",       "exclusiveMinimum",
                                            "minLength",     "exclusiveMaximum",
                                            "maxLength",     "minItems",
                                            "maxItems",      "uniqueItems",
                                            "pattern",       "anyOf",
                                            "oneOf",         "allOf",
                                            "not",           "description",
                                            "title",         "default",
                                            "examples",      "format",
                                            "$schema",       "$ref",
                                            "readOnly",      "minProperties",
                                            "maxProperties", "propertyNames"};

/// RFC 6901, section 3.
std::string escaped(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

std::string shown(const Json& v) {
  std::string text = v.dump();
  if (text.size() > 80) text = std::string(utf8_prefix(text, 77)) + "...";
  return text;
}

std::string article(const std::string& type) {
  if (type == "null") return "null";
  return (type == "integer" || type == "array" || type == "object" ? "an " : "a ") + type;
}

std::string came(const Json& v) {
  if (v.is_null()) return "null";
  if (v.is_object() || v.is_array()) return article(v.type_name());
  return std::string("the ") + v.type_name() + " " + shown(v);
}

/// Characters of valid UTF-8: the bytes that do not continue one.
std::size_t characters(std::string_view s) {
  return static_cast<std::size_t>(std::count_if(
      s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

bool is_whole(const Json& v) { return v.is_int() || (v.is_number() && std::floor(v.number()) == v.number()); }

/// A text that is the same for equal values, so that uniqueness costs a sort (1 and 1.0 are equal, members
/// have no order).
std::string canonical(const Json& v) {
  if (v.is_number())
    return is_whole(v) && std::fabs(v.number()) < 9e15 ? Json(v.integer()).dump() : Json(v.number()).dump();
  if (v.is_array()) {
    std::string out = "[";
    for (const Json& item : v.items()) out += canonical(item) + ",";
    return out + "]";
  }
  if (v.is_object()) {
    std::vector<std::string> members;
    members.reserve(v.size());
    for (const auto& m : v.members()) members.push_back(Json(m.key).dump() + ":" + canonical(m.value));
    std::sort(members.begin(), members.end());
    std::string out = "{";
    for (const auto& m : members) out += m + ",";
    return out + "}";
  }
  return v.dump();
}

}  // namespace

struct Property;

/// One schema object, checked. A schema `true` or `false` is a node with `always` set.
struct Node {
  std::optional<bool> always;
  bool whole = false;  // "$ref": "#"
  std::vector<std::string> types;
  std::vector<Property> properties;
  std::vector<std::string> required;
  std::unique_ptr<Node> additional, items, negated, names;
  std::vector<Json> choices;
  bool has_enum = false;
  std::optional<Json> constant;
  std::optional<double> minimum, maximum, above, below;
  std::optional<std::size_t> min_length, max_length, min_items, max_items, min_members, max_members;
  bool unique = false;
  std::shared_ptr<const RE2> pattern;
  bool is_regex = false;  // "format": "regex", the only format that is checked
  std::vector<Node> any_of, one_of, all_of;

  const Node* property(std::string_view key) const;
};

struct Property {
  std::string name;
  Node node;
};

const Node* Node::property(std::string_view key) const {
  for (const auto& [name, node] : properties)
    if (name == key) return &node;
  return nullptr;
}

struct Schema::Compiled {
  Json json;
  Node root;
};

namespace {

class Compiler {
 public:
  Node compile(const Json& s, const std::string& at, int depth) {
    if (depth > kMaxDepth) fail(at, "is nested deeper than " + std::to_string(kMaxDepth) + " levels");
    if (++count_ > kMaxSubschemas)
      fail(at, "makes more than " + std::to_string(kMaxSubschemas) + " subschemas");
    Node n;
    if (s.is_bool()) {
      n.always = s.boolean();
      return n;
    }
    if (!s.is_object())
      fail(at, std::string("must be a schema (an object, true or false), not ") + article(s.type_name()));
    for (const auto& [key, value] : s.members()) keyword(n, key, value, at + "/" + escaped(key), depth);
    return n;
  }

 private:
  [[noreturn]] static void fail(const std::string& at, const std::string& why) {
    throw SchemaError((at.empty() ? "/" : at) + " " + why);
  }
  static void want(bool ok, const std::string& at, const char* what) {
    if (!ok) fail(at, std::string("must be ") + what);
  }
  static std::size_t count(const Json& v, const std::string& at) {
    want(v.is_int() && v.integer() >= 0, at, "a whole number of 0 or more");
    return static_cast<std::size_t>(v.integer());
  }
  static double number(const Json& v, const std::string& at) {
    want(v.is_number(), at, "a number");
    return v.number();
  }
  std::vector<Node> list(const Json& v, const std::string& at, int depth) {
    want(v.is_array() && v.size() > 0, at, "an array of schemas, not empty");
    std::vector<Node> out;
    for (std::size_t i = 0; i < v.size(); ++i)
      out.push_back(compile(v.at(i), at + "/" + std::to_string(i), depth + 1));
    return out;
  }
  std::unique_ptr<Node> one(const Json& v, const std::string& at, int depth) {
    return std::make_unique<Node>(compile(v, at, depth + 1));
  }

  static std::vector<std::string> types(const Json& v, const std::string& at) {
    std::vector<std::string> out;
    if (v.is_string()) out.push_back(v.str());
    for (const Json& item : v.items()) out.push_back(item.str());
    want(!out.empty(), at, "a type name or an array of them");
    for (const auto& t : out)
      if (std::find(kTypes.begin(), kTypes.end(), t) == kTypes.end())
        fail(at, "names the type \"" + t +
                     "\"; the types are null, boolean, integer, number, string, array, object");
    return out;
  }
  static std::shared_ptr<const RE2> regex(const Json& v, const std::string& at) {
    want(v.is_string() && v.str().size() <= kMaxPattern, at, "a regular expression of at most 1000 bytes");
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(8 << 20);
    auto re = std::make_shared<const RE2>(v.str(), options);
    if (!re->ok()) fail(at, "is not a regular expression of RE2: " + re->error());
    return re;
  }

  void keyword(Node& n, const std::string& key, const Json& v, const std::string& at, int depth) {
    if (key == "type") {
      n.types = types(v, at);
    } else if (key == "properties") {
      want(v.is_object(), at, "an object of schemas");
      ++within_;
      for (const auto& [name, sub] : v.members())
        n.properties.emplace_back(name, compile(sub, at + "/" + escaped(name), depth + 1));
      --within_;
    } else if (key == "required") {
      want(v.is_array(), at, "an array of property names");
      for (const Json& item : v.items()) {
        want(item.is_string(), at, "an array of property names");
        n.required.push_back(item.str());
      }
    } else if (key == "additionalProperties") {
      n.additional = within(v, at, depth);
    } else if (key == "items") {
      n.items = within(v, at, depth);
    } else if (key == "not") {
      n.negated = one(v, at, depth);
    } else if (key == "anyOf") {
      n.any_of = list(v, at, depth);
    } else if (key == "oneOf") {
      n.one_of = list(v, at, depth);
    } else if (key == "allOf") {
      n.all_of = list(v, at, depth);
    } else if (key == "enum") {
      want(v.is_array() && v.size() > 0, at, "an array of values, not empty");
      n.choices = v.items();
      n.has_enum = true;
    } else if (key == "const") {
      n.constant = v;
    } else if (key == "minimum") {
      n.minimum = number(v, at);
    } else if (key == "maximum") {
      n.maximum = number(v, at);
    } else if (key == "exclusiveMinimum") {
      n.above = number(v, at);
    } else if (key == "exclusiveMaximum") {
      n.below = number(v, at);
    } else if (key == "minLength") {
      n.min_length = count(v, at);
    } else if (key == "maxLength") {
      n.max_length = count(v, at);
    } else if (key == "minItems") {
      n.min_items = count(v, at);
    } else if (key == "maxItems") {
      n.max_items = count(v, at);
    } else if (key == "minProperties") {
      n.min_members = count(v, at);
    } else if (key == "maxProperties") {
      n.max_members = count(v, at);
    } else if (key == "propertyNames") {
      n.names = one(v, at, depth);
    } else if (key == "uniqueItems") {
      want(v.is_bool(), at, "true or false");
      n.unique = v.boolean();
    } else if (key == "pattern") {
      n.pattern = regex(v, at);
    } else if (key == "$ref") {
      want(v.str() == "#", at, "\"#\", the whole schema: no other reference is known here");
      if (within_ == 0) fail(at, "makes a schema that means itself; it may stand below properties or items");
      n.whole = true;
    } else if (key == "format") {
      n.is_regex = v.str() == "regex";
    } else if (std::find(kKeywords.begin(), kKeywords.end(), key) == kKeywords.end()) {
      const std::string near = nearest(key, kKeywords);
      fail(at, "is not a keyword of the subset of JSON Schema used here" +
                   (near.empty() ? std::string() : "; did you mean \"" + near + "\"?"));
    }
  }

  std::unique_ptr<Node> within(const Json& v, const std::string& at, int depth) {
    ++within_;
    auto n = one(v, at, depth);
    --within_;
    return n;
  }

  std::size_t count_ = 0;
  int within_ = 0;  // how many steps into the instance the present schema stands
};

bool has_type(const Json& v, const std::string& type) {
  if (type == "number") return v.is_number();
  if (type == "integer") return is_whole(v);
  return type == v.type_name();
}

class Validator {
 public:
  Validator(std::vector<Problem>& out, const Node& root, std::size_t& repeats)
      : out_(out), root_(root), repeats_(repeats) {}

  void check(const Node& n, const Json& v, const std::string& at) {
    if (out_.size() >= kMaxProblems) return;
    if (n.always) {
      if (!*n.always) say(at, "nothing here", v);
      return;
    }
    if (n.whole) {
      if (++repeats_ > kMaxRepeats) return put({at, "fewer nested values", "more than 10000", {}});
      check(root_, v, at);
    }
    if (!types(n, v, at)) return;  // the rest would only repeat it
    values(n, v, at);
    if (v.is_number()) numbers(n, v, at);
    if (v.is_string()) strings(n, v, at);
    if (v.is_array()) arrays(n, v, at);
    if (v.is_object()) objects(n, v, at);
    combinations(n, v, at);
  }

 private:
  void say(const std::string& at, std::string expected, const Json& v, std::string hint = {}) {
    put({at, std::move(expected), came(v), std::move(hint)});
  }
  void put(Problem p) {
    if (out_.size() < kMaxProblems) out_.push_back(std::move(p));
  }
  std::vector<Problem> tried(const Node& n, const Json& v, const std::string& at) {
    std::vector<Problem> problems;
    Validator(problems, root_, repeats_).check(n, v, at);
    return problems;
  }

  bool types(const Node& n, const Json& v, const std::string& at) {
    if (n.types.empty()) return true;
    if (std::any_of(n.types.begin(), n.types.end(), [&](const auto& t) { return has_type(v, t); }))
      return true;
    std::string expected;
    for (const auto& t : n.types) expected += (expected.empty() ? "" : " or ") + article(t);
    say(at, expected, v);
    return false;
  }

  void values(const Node& n, const Json& v, const std::string& at) {
    if (n.constant && !(*n.constant == v)) say(at, shown(*n.constant), v);
    if (!n.has_enum || std::find(n.choices.begin(), n.choices.end(), v) != n.choices.end()) return;
    std::string expected;
    std::vector<std::string> words;
    for (const Json& c : n.choices) {
      if (words.size() < 20) expected += (expected.empty() ? "one of " : ", ") + shown(c);
      words.push_back(c.str());
    }
    const std::string near = v.is_string() ? nearest(v.str(), words) : "";
    say(at, expected, v, near.empty() ? "" : "did you mean \"" + near + "\"?");
  }

  // "4294967295", not "4294967295.0".
  static std::string bound(double d) {
    const bool whole = d == std::floor(d) && std::abs(d) < 9e15;
    return whole ? std::to_string(static_cast<std::int64_t>(d)) : Json(d).dump();
  }

  void numbers(const Node& n, const Json& v, const std::string& at) {
    const double d = v.number();
    if (n.minimum && d < *n.minimum) say(at, "at least " + bound(*n.minimum), v);
    if (n.maximum && d > *n.maximum) say(at, "at most " + bound(*n.maximum), v);
    if (n.above && d <= *n.above) say(at, "more than " + bound(*n.above), v);
    if (n.below && d >= *n.below) say(at, "less than " + bound(*n.below), v);
  }

  void strings(const Node& n, const Json& v, const std::string& at) {
    if (n.min_length || n.max_length) {
      const std::size_t length = characters(v.str());
      const std::string of = " characters";
      if (n.min_length && length < *n.min_length)
        put({at, "at least " + std::to_string(*n.min_length) + of, std::to_string(length) + of, {}});
      if (n.max_length && length > *n.max_length)
        put({at, "at most " + std::to_string(*n.max_length) + of, std::to_string(length) + of, {}});
    }
    if (n.is_regex && v.str().size() <= kMaxPatternInput) {
      RE2::Options options(RE2::Quiet);
      options.set_case_sensitive(false);  // takes more room; what a module makes of it must not fail later
      options.set_max_mem(8 << 20);
      if (const RE2 re(v.str(), options); !re.ok())
        put({at, "a regular expression of RE2 (no back-references, no look-around)", re.error(), {}});
    }
    if (!n.pattern) return;
    if (v.str().size() > kMaxPatternInput)
      put({at,
           "at most 65536 bytes, because a pattern applies",
           std::to_string(v.str().size()) + " bytes",
           {}});
    else if (!RE2::PartialMatch(v.str(), *n.pattern))
      say(at, "a text that matches " + n.pattern->pattern(), v);
  }

  void arrays(const Node& n, const Json& v, const std::string& at) {
    if (n.min_items && v.size() < *n.min_items)
      put({at, "at least " + std::to_string(*n.min_items) + " items", std::to_string(v.size()), {}});
    if (n.max_items && v.size() > *n.max_items)
      put({at, "at most " + std::to_string(*n.max_items) + " items", std::to_string(v.size()), {}});
    if (n.unique) {
      std::vector<std::string> seen;
      seen.reserve(v.size());
      for (const Json& item : v.items()) seen.push_back(canonical(item));
      std::sort(seen.begin(), seen.end());
      const auto twin = std::adjacent_find(seen.begin(), seen.end());
      if (twin != seen.end()) put({at, "no item twice", std::string(utf8_prefix(*twin, 80)) + " twice", {}});
    }
    if (!n.items) return;
    for (std::size_t i = 0; i < v.size() && out_.size() < kMaxProblems; ++i)
      check(*n.items, v.at(i), at + "/" + std::to_string(i));
  }

  void objects(const Node& n, const Json& v, const std::string& at) {
    for (const auto& name : n.required)
      if (!v.has(name)) put({at + "/" + escaped(name), "a value, it is required", "nothing", {}});
    if (n.min_members && v.size() < *n.min_members)
      put({at, "at least " + std::to_string(*n.min_members) + " members", std::to_string(v.size()), {}});
    if (n.max_members && v.size() > *n.max_members)
      put({at, "at most " + std::to_string(*n.max_members) + " members", std::to_string(v.size()), {}});
    for (const auto& [key, value] : v.members()) {
      if (out_.size() >= kMaxProblems) return;
      const std::string here = at + "/" + escaped(key);
      if (n.names) check(*n.names, key, here);
      if (const Node* p = n.property(key)) {
        check(*p, value, here);
      } else if (n.additional && n.additional->always == false) {
        std::vector<std::string> names;
        for (const auto& [name, node] : n.properties) names.push_back(name);
        const std::string near = nearest(key, names);
        put({here, known(names), kUnknownProperty, near.empty() ? "" : "did you mean \"" + near + "\"?"});
      } else if (n.additional) {
        check(*n.additional, value, here);
      }
    }
  }
  static std::string known(const std::vector<std::string>& names) {
    if (names.empty()) return "no property at all";
    std::string out = "a known property (";
    for (std::size_t i = 0; i < names.size() && i < 20; ++i) out += (i ? ", " : "") + names[i];
    return out + (names.size() > 20 ? ", ...)" : ")");
  }

  void combinations(const Node& n, const Json& v, const std::string& at) {
    for (const Node& sub : n.all_of) check(sub, v, at);
    if (n.negated && tried(*n.negated, v, at).empty())
      say(at, "something else (a schema under \"not\" matches)", v);
    if (!n.any_of.empty()) alternatives(n.any_of, v, at, false);
    if (!n.one_of.empty()) alternatives(n.one_of, v, at, true);
  }
  /// Says the problems of the alternative that came nearest: one that takes values of this type, then the one
  /// that went deepest, then the one with the fewest.
  void alternatives(const std::vector<Node>& subs, const Json& v, const std::string& at, bool exactly_one) {
    std::size_t matching = 0;
    std::vector<Problem> best;
    bool best_fits = false;
    const auto fits = [&v](const Node& n) {
      return n.types.empty() ||
             std::any_of(n.types.begin(), n.types.end(), [&](const auto& t) { return has_type(v, t); });
    };
    const auto depth = [](const std::vector<Problem>& ps) {
      std::size_t longest = 0;
      for (const Problem& p : ps) longest = std::max(longest, p.pointer.size());
      return longest;
    };
    for (const Node& sub : subs) {
      std::vector<Problem> problems = tried(sub, v, at);
      if (problems.empty()) {
        ++matching;
      } else if (const bool f = fits(sub);
                 best.empty() || f > best_fits ||
                 (f == best_fits && (depth(problems) > depth(best) ||
                                     (depth(problems) == depth(best) && problems.size() < best.size())))) {
        best = std::move(problems);
        best_fits = f;
      }
    }
    if (matching == 1 || (matching > 1 && !exactly_one)) return;
    if (matching > 1) {
      say(at, "exactly one of the alternatives, " + std::to_string(matching) + " match", v);
      return;
    }
    for (Problem& p : best) put(std::move(p));
  }

  std::vector<Problem>& out_;
  const Node& root_;
  std::size_t& repeats_;
};

}  // namespace

std::string Problem::line() const {
  std::string out =
      (pointer.empty() ? std::string("the value") : pointer) + ": expected " + expected + ", came " + came;
  if (!hint.empty()) out += " (" + hint + ")";
  return out;
}

Schema::Schema() : c_(std::make_shared<Compiled>()) {}

Schema Schema::compile(const Json& schema) {
  auto c = std::make_shared<Compiled>();
  c->json = schema;
  c->root = Compiler().compile(schema, "", 0);
  Schema out;
  out.c_ = std::move(c);
  return out;
}

std::vector<Problem> Schema::validate(const Json& instance) const {
  std::vector<Problem> problems;
  std::size_t repeats = 0;
  Validator(problems, c_->root, repeats).check(c_->root, instance, "");
  return problems;
}

const Json& Schema::json() const { return c_->json; }

std::string describe(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& p : problems) out += (out.empty() ? "" : "; ") + p.line();
  return out;
}

std::string nearest(const std::string& name, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = name.size() / 3 + 1;
  if (name.size() > 64) return best;
  for (const std::string& c : candidates) {
    if (c.empty() || c.size() > 64) continue;
    std::vector<std::size_t> row(c.size() + 1);
    for (std::size_t j = 0; j <= c.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= name.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i);
      for (std::size_t j = 1; j <= c.size(); ++j) {
        const std::size_t replace = diagonal + (name[i - 1] == c[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
      }
    }
    if (row[c.size()] < best_distance || (row[c.size()] == best_distance && best.empty())) {
      best_distance = row[c.size()];
      best = c;
    }
  }
  return best;
}

}  // namespace aoh::host
