#include "support/json.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace aoh {
namespace {

namespace rj = rapidjson;

const Json kNull;
const std::string kEmptyString;
const Json::Array kEmptyArray;
const Json::Object kEmptyObject;

/// Receives RapidJSON's events and builds the value; refuses what the limits or the rules forbid.
struct Builder : rj::BaseReaderHandler<rj::UTF8<>, Builder> {
  struct Frame {
    bool is_object;
    Json::Array items;
    Json::Object members;
    std::string key;  // waits for its value
  };

  explicit Builder(const JsonLimits& l) : limits(l) {}

  const JsonLimits& limits;
  std::vector<Frame> open;
  std::size_t values = 0;
  Json root;
  std::string error;

  bool fail(std::string why) {
    error = std::move(why);
    return false;
  }
  bool put(Json value) {
    if (++values > limits.max_values)
      return fail("more than " + std::to_string(limits.max_values) + " values");
    if (open.empty())
      root = std::move(value);
    else if (open.back().is_object)
      open.back().members.emplace_back(std::move(open.back().key), std::move(value));
    else
      open.back().items.push_back(std::move(value));
    return true;
  }
  bool start(bool is_object) {
    if (open.size() >= limits.max_depth)
      return fail("nested deeper than " + std::to_string(limits.max_depth) + " levels");
    open.push_back({is_object, {}, {}, {}});
    return true;
  }

  bool Null() { return put({}); }
  bool Bool(bool b) { return put(b); }
  bool Int(int n) { return put(n); }
  bool Uint(unsigned n) { return put(n); }
  bool Int64(std::int64_t n) { return put(n); }
  bool Uint64(std::uint64_t n) {
    return n <= static_cast<std::uint64_t>(INT64_MAX) ? put(static_cast<std::int64_t>(n))
                                                      : put(static_cast<double>(n));
  }
  bool Double(double d) { return put(d); }
  bool String(const char* s, rj::SizeType n, bool) { return put(std::string(s, n)); }
  bool Key(const char* s, rj::SizeType n, bool) {
    open.back().key.assign(s, n);
    return true;
  }
  bool StartObject() { return start(true); }
  bool StartArray() { return start(false); }
  bool EndArray(rj::SizeType) {
    Json value(std::move(open.back().items));
    open.pop_back();
    return put(std::move(value));
  }
  bool EndObject(rj::SizeType) {
    Json::Object members = std::move(open.back().members);
    open.pop_back();
    std::vector<std::string_view> keys;  // sorted, so that an object of n keys costs n log n
    keys.reserve(members.size());
    for (const auto& m : members) keys.push_back(m.key);
    std::sort(keys.begin(), keys.end());
    const auto twin = std::adjacent_find(keys.begin(), keys.end());
    if (twin != keys.end())
      return fail("the key \"" + std::string(utf8_prefix(*twin, 80)) + "\" stands twice");
    return put(Json(std::move(members)));
  }
};

template <class Writer>
void write(Writer& w, const Json& v) {
  const auto text = [](const std::string& s) { return valid_utf8(s); };
  if (v.is_null())
    w.Null();
  else if (v.is_bool())
    w.Bool(v.boolean());
  else if (v.is_int())
    w.Int64(v.integer());
  else if (v.is_number())
    std::isfinite(v.number()) ? w.Double(v.number()) : w.Null();
  else if (v.is_string()) {
    const std::string s = text(v.str());
    w.String(s.data(), static_cast<rj::SizeType>(s.size()));
  } else if (v.is_array()) {
    w.StartArray();
    for (const Json& item : v.items()) write(w, item);
    w.EndArray();
  } else {
    w.StartObject();
    for (const auto& m : v.members()) {
      const std::string key = text(m.key);
      w.Key(key.data(), static_cast<rj::SizeType>(key.size()));
      write(w, m.value);
    }
    w.EndObject();
  }
}

// Length of the UTF-8 character at s[i], or 0 if the bytes there are not one (RFC 3629, section 4).
std::size_t character_length(std::string_view s, std::size_t i) {
  const auto byte = [&](std::size_t k) {
    return i + k < s.size() ? static_cast<unsigned char>(s[i + k]) : 0u;
  };
  const unsigned b0 = byte(0);
  const auto tail = [&](std::size_t k) { return (byte(k) & 0xC0u) == 0x80u; };
  if (b0 < 0x80) return 1;
  if (b0 >= 0xC2 && b0 <= 0xDF) return tail(1) ? 2 : 0;
  if (b0 >= 0xE0 && b0 <= 0xEF) {
    if (b0 == 0xE0 && byte(1) < 0xA0) return 0;
    if (b0 == 0xED && byte(1) > 0x9F) return 0;  // surrogates
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (b0 >= 0xF0 && b0 <= 0xF4) {
    if (b0 == 0xF0 && byte(1) < 0x90) return 0;
    if (b0 == 0xF4 && byte(1) > 0x8F) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

Json::Json(std::initializer_list<Member> members) : v_(Object(members)) {}

Json Json::object() { return Json(Object{}); }
Json Json::array(std::initializer_list<Json> items) { return Json(Array(items)); }

Json Json::parse(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes)
    throw JsonError("JSON of " + std::to_string(text.size()) + " bytes: at most " +
                    std::to_string(limits.max_bytes) + " are read");
  // RapidJSON takes a NUL for the end of the text, and would not see what stands behind it.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)
    throw JsonError("JSON at byte " + std::to_string(nul) + ": a NUL byte");
  Builder builder(limits);
  rj::MemoryStream bytes(text.data(), text.size());
  rj::EncodedInputStream<rj::UTF8<>, rj::MemoryStream> in(bytes);
  rj::Reader reader;
  constexpr unsigned kFlags =
      rj::kParseIterativeFlag | rj::kParseValidateEncodingFlag | rj::kParseFullPrecisionFlag;
  const rj::ParseResult result = reader.Parse<kFlags>(in, builder);
  if (result.IsError()) {
    const std::string why = builder.error.empty() ? rj::GetParseError_En(result.Code()) : builder.error;
    throw JsonError("JSON at byte " + std::to_string(result.Offset()) + ": " + why);
  }
  return std::move(builder.root);
}

std::string Json::dump(bool pretty) const {
  rj::StringBuffer out;
  if (pretty) {
    rj::PrettyWriter<rj::StringBuffer> w(out);
    w.SetIndent(' ', 2);
    write(w, *this);
  } else {
    rj::Writer<rj::StringBuffer> w(out);
    write(w, *this);
  }
  return {out.GetString(), out.GetSize()};
}

const char* Json::type_name() const {
  static constexpr const char* kNames[] = {"null",   "boolean", "integer", "number",
                                           "string", "array",   "object"};
  return kNames[v_.index()];
}

bool Json::boolean(bool fallback) const {
  const auto* b = std::get_if<bool>(&v_);
  return b ? *b : fallback;
}
std::int64_t Json::integer(std::int64_t fallback) const {
  if (const auto* n = std::get_if<std::int64_t>(&v_)) return *n;
  if (const auto* d = std::get_if<double>(&v_))
    if (*d > -9.2e18 && *d < 9.2e18) return static_cast<std::int64_t>(*d);
  return fallback;
}
double Json::number(double fallback) const {
  if (const auto* n = std::get_if<std::int64_t>(&v_)) return static_cast<double>(*n);
  const auto* d = std::get_if<double>(&v_);
  return d ? *d : fallback;
}
const std::string& Json::str() const {
  const auto* s = std::get_if<std::string>(&v_);
  return s ? *s : kEmptyString;
}
std::string Json::str_or(std::string_view fallback) const {
  return is_string() ? str() : std::string(fallback);
}
const Json::Array& Json::items() const {
  const auto* a = std::get_if<Array>(&v_);
  return a ? *a : kEmptyArray;
}
const Json::Object& Json::members() const {
  const auto* o = std::get_if<Object>(&v_);
  return o ? *o : kEmptyObject;
}
std::size_t Json::size() const { return is_array() ? items().size() : members().size(); }

const Json* Json::find(std::string_view key) const {
  for (const auto& m : members())
    if (m.key == key) return &m.value;
  return nullptr;
}
const Json& Json::operator[](std::string_view key) const {
  const Json* v = find(key);
  return v ? *v : kNull;
}
const Json& Json::at(std::size_t index) const { return index < items().size() ? items()[index] : kNull; }

const Json& Json::path(std::string_view dotted) const {
  const Json* at_now = this;
  while (!dotted.empty()) {
    const std::size_t dot = dotted.find('.');
    const std::string_view key = dotted.substr(0, dot);
    dotted = dot == std::string_view::npos ? std::string_view{} : dotted.substr(dot + 1);
    if (at_now->is_array()) {
      std::size_t index = 0;
      const auto [end, ec] = std::from_chars(key.data(), key.data() + key.size(), index);
      if (ec != std::errc{} || end != key.data() + key.size()) return kNull;
      at_now = &at_now->at(index);
    } else {
      at_now = &(*at_now)[key];
    }
  }
  return *at_now;
}

Json& Json::slot(std::string_view key) {
  if (is_null()) v_ = Object{};
  auto* o = std::get_if<Object>(&v_);
  if (!o) throw std::logic_error(std::string("a member was set on a JSON ") + type_name());
  for (auto& m : *o)
    if (m.key == key) return m.value;
  o->emplace_back(std::string(key), Json());
  return o->back().value;
}
Json& Json::set(std::string_view key, Json value) {
  slot(key) = std::move(value);
  return *this;
}
bool Json::erase(std::string_view key) {
  auto* o = std::get_if<Object>(&v_);
  return o && std::erase_if(*o, [&](const Member& m) { return m.key == key; }) > 0;
}
Json& Json::push(Json value) {
  if (is_null()) v_ = Array{};
  auto* a = std::get_if<Array>(&v_);
  if (!a) throw std::logic_error(std::string("an item was appended to a JSON ") + type_name());
  a->push_back(std::move(value));
  return *this;
}

bool operator==(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number())
    return a.is_int() && b.is_int() ? a.integer() == b.integer() : a.number() == b.number();
  if (a.v_.index() != b.v_.index()) return false;
  if (a.is_bool()) return a.boolean() == b.boolean();
  if (a.is_string()) return a.str() == b.str();
  if (a.is_array()) return a.items() == b.items();
  if (a.is_object()) {
    if (a.size() != b.size()) return false;
    return std::all_of(a.members().begin(), a.members().end(), [&](const Json::Member& m) {
      const Json* other = b.find(m.key);
      return other && *other == m.value;
    });
  }
  return true;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = character_length(text, i);
    if (n)
      out.append(text.substr(i, n));
    else
      out.append("\xEF\xBF\xBD");
    i += n ? n : 1;
  }
  return out;
}

std::string_view utf8_prefix(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
  return text.substr(0, end);
}

}  // namespace aoh
