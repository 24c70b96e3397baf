// Filters on lists and numbers.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "support/markup.hpp"
#include "support/tmpl/filters.hpp"

namespace aoh::tmpl {
namespace {

/// What an element is compared by: itself or its attribute ("price", "a.b"), texts without case unless asked.
Json key_of(const Json& item, const std::string& attribute, bool case_sensitive) {
  Json key = attribute.empty() ? item : item.path(attribute);
  return key.is_string() && !case_sensitive ? Json(ascii_lower(key.str())) : key;
}

const Json::Array& list_of(const FilterCall& c, const char* filter) {
  if (!c.in->is_array() && !c.in->is_null())
    throw FilterProblem(std::string(filter) + " needs a list, and this is of type " + c.in->type_name());
  return c.in->items();
}

double number_of(const FilterCall& c, const char* filter) {
  if (c.in->is_number()) return c.in->number();
  double d = 0;
  const std::string& s = c.in->str();
  const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), d, std::chars_format::general);
  if (!c.in->is_string() || ec != std::errc{} || end != s.data() + s.size() || !std::isfinite(d))
    throw FilterProblem(
        std::string(filter) + " needs a number, and this is " +
        (c.in->is_string() ? "a text that is none" : std::string("of type ") + c.in->type_name()));
  return d;
}

/// Correctly rounded, halves (of the binary value) to even, as Python has it.
std::string fixed(double d, int decimals) {
  char text[512];  // 309 digits, the point, decimals
  const auto [end, ec] = std::to_chars(text, text + sizeof text, d, std::chars_format::fixed, decimals);
  if (ec != std::errc{}) throw FilterProblem("the number has too many digits");
  return {text, end};
}

}  // namespace

Value filter_join(const FilterCall& c) {
  const std::string attribute = c.text(1, "");
  std::string separator = c.text(0, "");
  if (c.html && c.in.safe && c.given(0) && !c.arguments[0]->safe) {
    std::string escaped;
    escape_markup(escaped, separator);
    separator = std::move(escaped);
  }
  std::string out;
  bool first = true;
  for (const Json& item : c.in->items()) {
    if (!std::exchange(first, false)) grow(out, separator, c.max_bytes);
    grow(out, show(attribute.empty() ? item : item.path(attribute)), c.max_bytes);
  }
  return Value(Json(std::move(out)));
}

Value filter_first(const FilterCall& c) { return c.in.part(c.in->at(0)); }
Value filter_last(const FilterCall& c) {
  return c.in.part(c.in->at(c.in->is_array() ? c.in->size() - 1 : 0));
}
Value filter_length(const FilterCall& c) {
  return Value(Json(c.in->is_string() ? c.in->str().size() : c.in->size()));
}

Value filter_sort(const FilterCall& c) {
  const bool reverse = c.flag(0), case_sensitive = c.flag(1);
  const std::string attribute = c.text(2, "");
  std::vector<std::pair<Json, const Json*>> rows;
  for (const Json& item : list_of(c, "sort"))
    rows.emplace_back(key_of(item, attribute, case_sensitive), &item);
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!compare(rows.front().first, rows[i].first))
      throw FilterProblem("sort needs numbers or texts, all of one kind; element " + std::to_string(i) +
                          (attribute.empty() ? "" : "'s " + attribute) + " is of type " +
                          rows[i].first.type_name());
  std::stable_sort(rows.begin(), rows.end(), [reverse](const auto& a, const auto& b) {
    return (reverse ? compare(b.first, a.first) : compare(a.first, b.first)).value_or(0) < 0;
  });
  Json::Array out;
  for (const auto& [key, item] : rows) out.push_back(*item);
  return {std::make_shared<const Json>(std::move(out)), c.in.safe};
}

Value filter_unique(const FilterCall& c) {
  const bool case_sensitive = c.flag(0);
  const std::string attribute = c.text(1, "");
  std::set<std::string> seen;
  Json::Array out;
  for (const Json& item : list_of(c, "unique"))
    if (seen.insert(key_of(item, attribute, case_sensitive).dump()).second) out.push_back(item);
  return {std::make_shared<const Json>(std::move(out)), c.in.safe};
}

Value filter_round(const FilterCall& c) {
  const double d = number_of(c, "round");
  const int precision = static_cast<int>(c.whole(0, 0, 0, 10));
  const std::string method = c.text(1, "common");
  double out = 0;
  if (method == "common") {
    const std::string text = fixed(d, precision);
    std::from_chars(text.data(), text.data() + text.size(), out);
  } else if (method == "ceil" || method == "floor") {
    const double scale = std::pow(10.0, precision);
    out = (method == "ceil" ? std::ceil(d * scale) : std::floor(d * scale)) / scale;
  } else {
    throw FilterProblem("round's method is \"common\", \"ceil\" or \"floor\"");
  }
  return Value(Json(out));
}

Value filter_int(const FilterCall& c) {
  if (c.in->is_int()) return c.in;
  const double d = number_of(c, "int");
  if (std::abs(d) >= 9.2e18) throw FilterProblem("the number is too large for int");
  return Value(Json(static_cast<std::int64_t>(d)));
}

/// 1234567.5 | number(2, ".", ",") is 1.234.567,50.
Value filter_number(const FilterCall& c) {
  const int decimals = static_cast<int>(c.whole(0, 0, 0, 10));
  const std::string group = c.text(1, ","), point = c.text(2, ".");
  if (group.size() > 8 || point.size() > 8) throw FilterProblem("number's separators have at most 8 bytes");
  const std::string digits =
      c.in->is_int() ? std::to_string(c.in->integer()) +
                           (decimals ? "." + std::string(static_cast<std::size_t>(decimals), '0') : "")
                     : fixed(number_of(c, "number"), decimals);
  const std::size_t sign = digits[0] == '-' ? 1 : 0, dot = std::min(digits.find('.'), digits.size());
  std::string out = digits.find_first_of("123456789") == std::string::npos ? "" : digits.substr(0, sign);
  for (std::size_t i = sign; i < dot; ++i) {
    if (i > sign && (dot - i) % 3 == 0) out += group;
    out += digits[i];
  }
  if (dot < digits.size()) out += point + digits.substr(dot + 1);
  return Value(Json(std::move(out)));
}

}  // namespace aoh::tmpl
