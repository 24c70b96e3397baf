#include "support/tmpl/value.hpp"

#include <algorithm>

namespace aoh::tmpl {

const Json Value::kNull;

std::string show(const Json& v) {
  if (v.is_null()) return {};
  if (v.is_string()) return v.str();
  if (v.is_array()) {
    std::string out;
    for (const Json& item : v.items()) out += (out.empty() ? "" : ", ") + show(item);
    return out;
  }
  if (v.is_object() && v["address"].is_string())
    return v["name"].str().empty() ? v["address"].str() : v["name"].str() + " <" + v["address"].str() + ">";
  return v.dump();
}

bool truthy(const Json& v) {
  if (v.is_bool()) return v.boolean();
  if (v.is_number()) return v.number() != 0;
  if (v.is_string()) return !v.str().empty();
  return v.size() > 0;
}

bool equal(const Json& a, const Json& b) {
  if (a.is_array() && b.is_array())
    return std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(), equal);
  if (!a.is_object() || !b.is_object()) return a == b;
  if (a.size() != b.size()) return false;
  const auto sorted = [](const Json& o) {
    std::vector<const Json::Member*> out;
    for (const auto& m : o.members()) out.push_back(&m);
    std::sort(out.begin(), out.end(), [](const auto* x, const auto* y) { return x->key < y->key; });
    return out;
  };
  const auto x = sorted(a), y = sorted(b);
  return std::equal(x.begin(), x.end(), y.begin(), [](const auto* m, const auto* n) {
    return m->key == n->key && equal(m->value, n->value);
  });
}

std::optional<int> compare(const Json& a, const Json& b) {
  if (a.is_string() && b.is_string()) return a.str().compare(b.str());
  if (a.is_int() && b.is_int()) return (a.integer() > b.integer()) - (a.integer() < b.integer());
  if (a.is_number() && b.is_number()) return (a.number() > b.number()) - (a.number() < b.number());
  return {};
}

std::size_t cost(const Json& v, std::size_t most, std::size_t depth) {
  if (depth > kMaxValueDepth) return most + 1;
  std::size_t sum = 1 + v.str().size();
  for (auto i = v.items().begin(); i != v.items().end() && sum <= most; ++i)
    sum += cost(*i, most - sum, depth + 1);
  for (auto m = v.members().begin(); m != v.members().end() && sum <= most; ++m)
    sum += m->key.size() + cost(m->value, most - std::min(most, sum), depth + 1);
  return sum;
}

}  // namespace aoh::tmpl
