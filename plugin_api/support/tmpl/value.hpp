// Values while rendering: borrowed from the scope or made on the way, and how they look, compare and count.
#pragma once
#include "support/tmpl/ast.hpp"

namespace aoh::tmpl {

struct Value {
  Value() : Value(borrowed(kNull)) {}
  explicit Value(Json made) : json(std::make_shared<const Json>(std::move(made))) {}
  Value(std::shared_ptr<const Json> j, bool safe_) : json(std::move(j)), safe(safe_) {}
  /// Of what outlives the rendering; allocates nothing.
  static Value borrowed(const Json& j) {
    return {std::shared_ptr<const Json>(std::shared_ptr<void>(), &j), false};
  }
  /// A part of this value, which it keeps alive.
  Value part(const Json& j) const { return {std::shared_ptr<const Json>(json, &j), safe}; }

  const Json& operator*() const { return *json; }
  const Json* operator->() const { return json.get(); }

  std::shared_ptr<const Json> json;  // never empty
  bool safe = false;                 // HTML that somebody vouches for
  const Expr* lookup = nullptr;      // the lookup that found null or nothing
  bool missing = false;              // it found nothing

 private:
  static const Json kNull;
};

/// As printed. Depth is that of the value: at most what JsonLimits let in.
std::string show(const Json& v);
bool truthy(const Json& v);  // Jinja's: not null, false, 0, "", [] or {}
/// 1 equals 1.0; objects without regard to order, n log n.
bool equal(const Json& a, const Json& b);
/// Numbers, or texts by bytes; nothing for other pairs.
std::optional<int> compare(const Json& a, const Json& b);

constexpr std::size_t kMaxValueDepth = 64;
/// About the bytes that copying or printing would handle; stops counting beyond `most`. Nested deeper than
/// kMaxValueDepth counts as beyond.
std::size_t cost(const Json& v, std::size_t most, std::size_t depth = 0);

}  // namespace aoh::tmpl
