// JSON as a value: what tools, manifests, events and records are made of on both sides of the interface.
//
// Parsing is RapidJSON's (iterative, UTF-8 validated), with a handler of ours that refuses duplicate keys and
// enforces limits. RapidJSON's own DOM is not used: its accessors assert on a missing member, which on
// hostile input is a crash.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace aoh {

/// Limits of Json::parse. All finite; a document beyond one is an error that names the limit.
struct JsonLimits {
  std::size_t max_bytes = 16u << 20;   ///< length of the text, bytes
  std::size_t max_depth = 64;          ///< nested arrays and objects
  std::size_t max_values = 1'000'000;  ///< values in all, keys not counted
};

/// What Json::parse throws: `what()` says where (byte offset) and why.
struct JsonError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A JSON value with value semantics. Objects keep the order of insertion. Reading never throws and never
/// asserts: a missing member or a wrong type reads as null, "" , 0, false. Not thread-safe when written to.
class Json {
 public:
  struct Member;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;

  Json();
  Json(std::nullptr_t);
  Json(bool b);
  Json(int n);
  Json(unsigned n);
  Json(long n);
  Json(long long n);
  Json(unsigned long n);
  Json(unsigned long long n);
  Json(double d);
  Json(const char* s);
  Json(std::string s);
  Json(std::string_view s);
  Json(Array a);
  Json(Object o);
  /// An object: Json{{"celsius", 21.5}, {"city", "Bern"}}. Arrays are made with Json::array({...}).
  Json(std::initializer_list<Member> members);
  static Json object();
  static Json array(std::initializer_list<Json> items = {});

  /// Parses one document and nothing after it. Throws JsonError.
  static Json parse(std::string_view text, const JsonLimits& limits = {});
  /// Compact text, or indented by two spaces. Invalid UTF-8 in a string is written as U+FFFD: output is
  /// always valid.
  std::string dump(bool pretty = false) const;

  bool is_null() const { return v_.index() == 0; }
  bool is_bool() const { return v_.index() == 1; }
  bool is_int() const { return v_.index() == 2; }
  bool is_number() const { return v_.index() == 2 || v_.index() == 3; }
  bool is_string() const { return v_.index() == 4; }
  bool is_array() const { return v_.index() == 5; }
  bool is_object() const { return v_.index() == 6; }
  const char* type_name() const;  ///< "null", "boolean", "integer", "number", "string", "array", "object"

  bool boolean(bool fallback = false) const;
  std::int64_t integer(std::int64_t fallback =
                           0) const;  ///< a number with a fraction is cut, beyond the range is the fallback
  double number(double fallback = 0) const;
  const std::string& str() const;  ///< "" unless a string
  std::string str_or(std::string_view fallback) const;
  const Array& items() const;     ///< empty unless an array
  const Object& members() const;  ///< empty unless an object
  std::size_t size() const;       ///< of an array or object, else 0
  bool empty() const { return size() == 0; }

  const Json* find(std::string_view key) const;  ///< nullptr when absent; borrowed until the object changes
  bool has(std::string_view key) const { return find(key) != nullptr; }
  const Json& operator[](std::string_view key) const;  ///< null when absent
  const Json& operator[](const char* key) const { return (*this)[std::string_view(key)]; }
  const Json& at(std::size_t index) const;  ///< null when out of range
  /// A value by dotted path, "email.from.address"; array elements by number. Null when absent.
  const Json& path(std::string_view dotted) const;

  /// Writes: the value becomes an object (or array) when it was null; anything else throws std::logic_error.
  Json& set(std::string_view key, Json value);  ///< replaces or appends; returns *this for chaining
  Json& set_if(bool condition, std::string_view key, Json value);
  Json& slot(std::string_view key);  ///< the member, made null if absent
  bool erase(std::string_view key);
  Json& push(Json value);  ///< appends to an array; returns *this

  /// Equality of values: objects compare without regard to order, 1 equals 1.0.
  friend bool operator==(const Json& a, const Json& b);

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> v_;
};

struct Json::Member {
  std::string key;
  Json value;
  Member(std::string k, Json v);
};

// Defined here, where Member is complete: Clang instantiates the variant's destructor with the first
// constructor it sees.
inline Json::Json() = default;
inline Json::Json(std::nullptr_t) {}
inline Json::Json(bool b) : v_(b) {}
inline Json::Json(int n) : v_(static_cast<std::int64_t>(n)) {}
inline Json::Json(unsigned n) : v_(static_cast<std::int64_t>(n)) {}
inline Json::Json(long n) : v_(static_cast<std::int64_t>(n)) {}
inline Json::Json(long long n) : v_(static_cast<std::int64_t>(n)) {}
inline Json::Json(unsigned long n) : v_(static_cast<std::int64_t>(n)) {}
inline Json::Json(unsigned long long n) : v_(static_cast<std::int64_t>(n)) {}
inline Json::Json(double d) : v_(d) {}
inline Json::Json(const char* s) : v_(std::string(s)) {}
inline Json::Json(std::string s) : v_(std::move(s)) {}
inline Json::Json(std::string_view s) : v_(std::string(s)) {}
inline Json::Json(Array a) : v_(std::move(a)) {}
inline Json::Json(Object o) : v_(std::move(o)) {}
inline Json& Json::set_if(bool condition, std::string_view key, Json value) {
  return condition ? set(key, std::move(value)) : *this;
}
inline Json::Member::Member(std::string k, Json v) : key(std::move(k)), value(std::move(v)) {}

/// Valid UTF-8 of `text`: each invalid byte becomes U+FFFD; NUL stays.
std::string valid_utf8(std::string_view text);
/// The first `max_bytes` bytes at most, never cut inside a character.
std::string_view utf8_prefix(std::string_view text, std::size_t max_bytes);

}  // namespace aoh
