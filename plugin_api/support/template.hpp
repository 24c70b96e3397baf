// Templates in Jinja's syntax, as far as blueprints need them: {{ path | filter(arg) | filter }}.
//
// No template can call code or loop; blocks ({% %}) are refused with a clear error until they exist.
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/json.hpp"

namespace aoh::tmpl {

/// `what()` names line and column in the template, what is wrong, and what to do.
struct TemplateError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Options {
  bool html = false;  ///< values are HTML-escaped, but those marked with `safe` or named in safe_paths
  bool absent_is_null = false;            ///< a variable that is missing in the scope is null, not an error
  std::vector<std::string> safe_paths;    ///< "agent.output_html": HTML that its maker vouches for
  std::size_t max_template = 256u << 10;  ///< bytes of the template
  std::size_t max_output = 4u << 20;      ///< bytes of the rendered text
  std::size_t max_filters = 8;            ///< filters in one placeholder
};

/// Renders `text` to a string. A variable that is missing in `scope` is an error unless the filter `default`
/// stands right behind it. Values: strings as they are, numbers and booleans as JSON, lists joined by ", ",
/// an address {name, address} as `name <address>`, other objects as JSON, null as nothing. Filters:
/// default(x), join(sep), upper, lower, trim, truncate(n), first, length, json, safe.
std::string render_text(std::string_view text, const Json& scope, const Options& options = {});

/// As render_text, but a template that is one lone placeholder keeps its value's JSON type (and is not
/// escaped).
Json render(std::string_view text, const Json& scope, const Options& options = {});

/// Renders every string inside a value with render(), keys untouched.
Json render_all(const Json& value, const Json& scope, const Options& options = {});

/// Throws TemplateError if `text` is not a valid template; needs no values.
void check(std::string_view text, const Options& options = {});

}  // namespace aoh::tmpl
