// Templates in Jinja's syntax, for blueprints and mail (docs/templates.md is the author's page).
//
// {{ value | filter(arg) }}, {% if %}, {% for %}, {% include %}, {% set %}, {% raw %}, {# comment #}, {%-
// -%}. No template can call code, loop without end, or read a file: loops go over values, includes come from
// a callback and cannot come back to themselves, and every size has a limit in Options. What a value says is
// never read as a template.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/json.hpp"

namespace aoh::tmpl {

/// `what()` names template, line and column, what is wrong, and what to do; never a value's text.
struct TemplateError : std::runtime_error {
  using std::runtime_error::runtime_error;
  TemplateError(std::string file_, std::size_t line_, std::size_t column_, std::string problem_,
                std::string variable_ = {});

  std::string file;                  ///< the template's or partial's name; empty where it has none
  std::size_t line = 0, column = 0;  ///< from 1, in characters; 0: of the template as a whole
  std::string problem;               ///< what is wrong and what to do, without the place
  std::string variable;              ///< path of the value that it is about; may be empty
};

struct Options {
  bool html = false;    ///< values are HTML-escaped, but those marked with `safe` or named in safe_paths
  bool header = false;  ///< one line: a control character in a value or in the text is an error
  bool absent_is_null = false;          ///< a variable that is missing in the scope is null, not an error
  std::vector<std::string> safe_paths;  ///< "agent.output_html": HTML that its maker vouches for

  std::size_t max_template = 256u << 10;  ///< bytes of the template, and of each partial
  std::size_t max_output = 4u << 20;      ///< bytes of the rendered text, and of each text made on the way
  std::size_t max_filters = 8;            ///< filters in one tag
  std::size_t max_depth = 32;             ///< blocks, parentheses and lists within each other
  std::size_t max_nodes = 10'000;         ///< parts of the parsed template, partials included
  std::size_t max_partials = 32;          ///< different partials
  std::size_t max_include_depth = 8;      ///< partials within partials
  std::size_t max_loops = 100'000;        ///< turns of all loops, and partials shown, in one rendering
  std::size_t max_work = 16u << 20;       ///< parts evaluated and bytes handled in one rendering
};

/// A partial as the loader gives it: `name` is what errors call it, "partials/footer.html".
struct Source {
  std::string name;
  std::string text;
};

/// From the name in {% include "name" %} (relative, letters digits _ - . between slashes, no part that
/// begins with a dot, at most 200 bytes) to the partial; nothing: there is none. May throw; called while
/// parsing only.
using Loader = std::function<std::optional<Source>(std::string_view name)>;

/// A value that a template wants.
struct Variable {
  std::string path;       ///< "customer.name"; "items[].price" within a loop over items
  bool optional = false;  ///< every use has a default or stands behind `is defined`
  Json fallback;          ///< what default() gives, where that is a literal
  std::string file;       ///< where it is used first
  std::size_t line = 0, column = 0;
};

struct Program;

/// A parsed template: immutable, cheap to copy, rendered by any number of threads at once.
class Template {
 public:
  /// Throws TemplateError. `name` is what errors call it; without a loader {% include %} is an error.
  explicit Template(std::string_view text, Options options = {}, std::string name = {},
                    const Loader& loader = {});

  /// Throws TemplateError: a variable missing in `scope` (or null) unless the filter `default` stands right
  /// behind it, a value that a filter cannot take, a limit. Values: strings as they are, numbers and booleans
  /// as JSON, lists joined by ", ", an address {name, address} as `name <address>`, other objects as JSON,
  /// null as nothing.
  std::string render_text(const Json& scope) const;
  /// As render_text, but a template that is one lone placeholder keeps its value's JSON type (and is not
  /// escaped).
  Json render(const Json& scope) const;
  /// The values wanted, by path. Walks the tree each time.
  std::vector<Variable> variables() const;

 private:
  std::shared_ptr<const Program> program_;
};

/// Template(text, options), used once.
std::string render_text(std::string_view text, const Json& scope, const Options& options = {});
Json render(std::string_view text, const Json& scope, const Options& options = {});

/// Renders every string inside a value with render(), keys untouched.
Json render_all(const Json& value, const Json& scope, const Options& options = {});

/// Throws TemplateError if `text` is not a valid template; needs no values.
void check(std::string_view text, const Options& options = {});

}  // namespace aoh::tmpl
