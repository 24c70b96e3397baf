// Filters: what each takes, and what it does. Pure: no clock, no locale; case is ASCII's.
#pragma once
#include <span>

#include "support/tmpl/value.hpp"

namespace aoh::tmpl {

/// One use of a filter while rendering.
struct FilterCall {
  const Value& in;
  std::span<const std::optional<Value>> arguments;  // by parameter
  bool html;
  std::size_t max_bytes;  // of the result

  bool given(std::size_t i) const { return i < arguments.size() && arguments[i].has_value(); }
  /// Of an argument, or the fallback. Throw FilterProblem on another type.
  std::string text(std::size_t i, std::string_view fallback) const;
  std::int64_t whole(std::size_t i, std::int64_t fallback, std::int64_t low, std::int64_t high) const;
  bool flag(std::size_t i) const;
};

/// What is wrong with a value or an argument; the evaluator adds the place.
struct FilterProblem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct FilterRule {
  std::string_view name;
  std::size_t required;                      // of the parameters
  std::vector<std::string_view> parameters;  // names, as in Jinja where it has them
  bool whole;                                // looks at the whole value: costs its size
  Value (*run)(const FilterCall&);           // nullptr: the evaluator does it (default)
};

/// All filters by name. filters.cpp: text; filters_list.cpp: lists and numbers; date.cpp.
std::span<const FilterRule> filter_rules();
const FilterRule* find_filter(std::string_view name);

Value filter_join(const FilterCall& c);
Value filter_first(const FilterCall& c);
Value filter_last(const FilterCall& c);
Value filter_length(const FilterCall& c);
Value filter_sort(const FilterCall& c);
Value filter_unique(const FilterCall& c);
Value filter_round(const FilterCall& c);
Value filter_int(const FilterCall& c);
Value filter_number(const FilterCall& c);
Value filter_date(const FilterCall& c);

/// A part of a text being made: throws FilterProblem beyond `max` bytes.
void grow(std::string& out, std::string_view more, std::size_t max);
std::string ascii_lower(std::string text);

}  // namespace aoh::tmpl
