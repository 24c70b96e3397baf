// Rendering: what expressions are worth.
#include <algorithm>
#include <charconv>

#include "support/tmpl/evaluator.hpp"

namespace aoh::tmpl {

using Kind = Expr::Kind;

namespace {
constexpr std::size_t kBytesOfAValue = 32;  // about, of each in a list that is made: work bounds memory, too
}

Value Evaluator::eval(const Expr& e) {
  charge(1, e.at);
  switch (e.kind) {
    case Kind::literal:
      return Value::borrowed(e.literal);
    case Kind::list:
      return list(e);
    case Kind::lookup:
      return lookup(e);
    case Kind::filter:
      return filter(e);
    case Kind::not_:
      return Value(Json(!condition(e.children[0])));
    case Kind::and_:
    case Kind::or_: {  // the operand that decides, as in Jinja: {{ name or "you" }}
      Value v;
      for (const Expr& child : e.children) {
        v = eval(child);
        found(v, false);
        if (truthy(*v) == (e.kind == Kind::or_)) break;
      }
      return v;
    }
    case Kind::compare:
      return Value(Json(compared(e)));
    case Kind::defined:
      return Value(Json(eval(e.children[0]).missing == e.negated));
    case Kind::none: {
      const Value v = eval(e.children[0]);
      return Value(Json(found(v, false)->is_null() != e.negated));
    }
    case Kind::conditional:
      if (condition(e.children[0])) return eval(e.children[1]);
      return e.children.size() > 2 ? eval(e.children[2]) : Value(Json(""));
  }
  return {};
}

bool Evaluator::condition(const Expr& e) {
  const Value v = eval(e);
  return truthy(*found(v, false));
}

Value Evaluator::list(const Expr& e) {
  Json::Array items;
  for (const Expr& child : e.children) {
    const Value v = eval(child);
    found(v, false);
    // A list of lists of lists by {% set %} doubles each time: its memory, and its depth, have the limit.
    charge(kBytesOfAValue * cost(*v, o_.max_work, 1), child.at);
    items.push_back(*v);
  }
  return Value(Json(std::move(items)));
}

const Evaluator::Local* Evaluator::local(std::string_view name) const {
  for (auto l = locals_.rbegin(); l != locals_.rend(); ++l)
    if (l->name == name) return &*l;
  return nullptr;
}

Value Evaluator::lookup(const Expr& e) {
  Value v;
  bool vouched = false;
  charge(locals_.size() / 8, e.at);
  if (e.name.empty()) {
    v = eval(e.children[0]);
  } else if (const Local* l = local(e.name)) {
    v = l->value;
  } else {
    charge(scope_.size() / 8, e.at);
    const Json* j = scope_.find(e.name);
    if (j) v = Value::borrowed(*j);
    v.missing = j == nullptr;
    // Only what comes from the scope itself: a loop's name may be the same and hold anything.
    vouched = std::find(o_.safe_paths.begin(), o_.safe_paths.end(), e.path) != o_.safe_paths.end();
  }
  for (const Step& s : e.steps) v = step(v, s, e);
  v.lookup = v->is_null() ? &e : nullptr;
  v.safe = v.safe || vouched;
  return v;
}

Value Evaluator::step(const Value& from, const Step& s, const Expr& e) {
  std::string key = s.key;
  if (!s.index.empty()) {
    const Value v = eval(s.index[0]);
    const Json& index = *found(v, true);
    if (!index.is_string() && !index.is_int())
      fail(*unit_, s.index[0].at,
           std::string("a key is a text or a whole number, and this is of type ") + index.type_name());
    key = index.is_int() ? std::to_string(index.integer()) : index.str();
  }
  charge(1 + (from->is_object() ? from->size() / 8 : 0), e.at);
  const Json* j = nullptr;
  if (from->is_array()) {
    std::int64_t i = 0;
    const auto [end, ec] = std::from_chars(key.data(), key.data() + key.size(), i);
    const auto size = static_cast<std::int64_t>(from->size());
    if (ec == std::errc{} && end == key.data() + key.size() && i < size && i >= -size)
      j = &from->at(static_cast<std::size_t>(i < 0 ? size + i : i));
  } else {
    j = from->find(key);
  }
  if (j) return from.part(*j);
  Value v;
  v.missing = true;
  v.safe = from.safe;
  return v;
}

Value Evaluator::filter(const Expr& e) {
  Value in = eval(e.children[0]);
  std::vector<std::optional<Value>> arguments(e.arguments.size());
  for (std::size_t i = 0; i < e.arguments.size(); ++i)
    if (e.arguments[i] >= 0) {
      Value v = eval(e.children[static_cast<std::size_t>(e.arguments[i])]);
      arguments[i] = found(v, false);
    }
  if (!e.filter->run) {  // default: null is as good as nothing; with `boolean` so is all that is false
    const bool boolean = arguments[1] && truthy(**arguments[1]);
    if (!in->is_null() && (!boolean || truthy(*in))) return in;
    Value v = *arguments[0];
    v.safe = v.safe || in.safe;
    return v;
  }
  found(in, true);
  if (e.filter->whole) charge(cost(*in, o_.max_work), e.at);
  try {
    Value out = e.filter->run({in, arguments, o_.html, o_.max_output});
    out.safe = out.safe || in.safe;
    out.lookup = nullptr;
    out.missing = false;
    if (e.filter->whole) charge(cost(*out, o_.max_work) * (out->is_array() ? kBytesOfAValue : 1), e.at);
    return out;
  } catch (const FilterProblem& p) {
    const std::string path = about(e);
    fail(*unit_, e.at, std::string(p.what()) + (path.empty() ? "" : " ('" + path + "')"), path);
  }
}

bool Evaluator::compared(const Expr& e) {
  const Value a = eval(e.children[0]), b = eval(e.children[1]);
  found(a, false);
  found(b, false);
  if (e.name == "in") return contains(b, a, e) != e.negated;
  if (e.name == "==" || e.name == "!=") {
    if (!a->is_number() && !a->is_bool())
      charge(std::min(cost(*a, o_.max_work), cost(*b, o_.max_work)), e.at);
    return equal(*a, *b) == (e.name == "==");
  }
  const std::optional<int> order = compare(*a, *b);
  if (!order)
    fail(*unit_, e.at,
         std::string("values of the types ") + a->type_name() + " and " + b->type_name() + " have no order",
         about(e));
  if (e.name == "<") return *order < 0;
  if (e.name == "<=") return *order <= 0;
  if (e.name == ">") return *order > 0;
  return *order >= 0;
}

bool Evaluator::contains(const Value& in, const Value& what, const Expr& e) {
  charge(cost(*in, o_.max_work), e.at);
  if (in->is_array()) {
    charge(std::min(o_.max_work, in->size() * cost(*what, 1'000)), e.at);
    return std::any_of(in->items().begin(), in->items().end(),
                       [&](const Json& j) { return equal(j, *what); });
  }
  if (in->is_object() && what->is_string()) return in->has(what->str());
  if (in->is_string() && what->is_string()) return in->str().find(what->str()) != std::string::npos;
  if (in->is_null() && o_.absent_is_null) return false;
  fail(*unit_, e.at,
       std::string("a value of type ") + what->type_name() + " cannot be in one of type " + in->type_name(),
       about(e));
}

const Value& Evaluator::found(const Value& v, bool needed) {
  if (v.lookup && !o_.absent_is_null && (needed || v.missing)) absent(v);
  return v;
}

void Evaluator::absent(const Value& v) {
  const Expr& e = *v.lookup;
  fail(*unit_, e.at,
       "there is no value '" + e.path + "'" + (v.missing ? suggestion(e) : ": it is null.") +
           " If it may be absent, write {{ " + e.path + " | default(\"\") }}",
       e.path);
}

/// Goes the lookup's way again, to where it ended, and says what is there instead.
std::string Evaluator::suggestion(const Expr& e) {
  std::vector<std::string_view> known;
  const auto keys = [&](const Json& j) {
    for (const auto& m : j.members()) known.push_back(m.key);
  };
  const Local* const l = local(e.name);
  std::string before, slip = e.name, behind = e.path.substr(e.name.size());
  if (e.name.empty() || e.path.find('[') != std::string::npos) return ".";
  if (!l && !scope_.has(e.name)) {
    for (const Local& other : locals_) known.push_back(other.name);
    keys(scope_);
  } else {
    Value at = l ? l->value : Value::borrowed(scope_[e.name]);
    before = e.name;
    for (const Step& s : e.steps) {
      behind.erase(0, s.key.size() + 1);
      if (Value next = step(at, s, e); !next.missing) {
        at = std::move(next);
        before += "." + s.key;
        continue;
      }
      if (at->is_array()) return " ('" + before + "' is a list of " + std::to_string(at->size()) + ").";
      if (!at->is_object()) return " ('" + before + "' is of type " + at->type_name() + ").";
      slip = s.key;
      keys(*at);
      break;
    }
    before += ".";
  }
  if (const std::string meant = nearest(slip, known); !meant.empty())
    return "; did you mean '" + before + meant + behind + "'?";
  std::string names;
  for (std::size_t i = 0; i < known.size() && i < 8; ++i)
    if (!nearest(known[i], {known[i]}).empty()) names += (names.empty() ? "" : ", ") + std::string(known[i]);
  return names.empty() ? "." : " (known here: " + names + (known.size() > 8 ? ", …)." : ").");
}

}  // namespace aoh::tmpl
