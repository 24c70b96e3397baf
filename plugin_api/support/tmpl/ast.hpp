// What a template is after parsing. Text and names are views into the unit's own text.
#pragma once
#include <map>
#include <memory>

#include "support/template.hpp"

namespace aoh::tmpl {

struct Expr;
struct FilterRule;
struct Unit;

/// .key, ["key"], [0] (then `key` is its digits), or [expression].
struct Step {
  std::string key;
  std::vector<Expr> index;  // none, or the one expression
};

struct Expr {
  enum class Kind { literal, list, lookup, filter, not_, and_, or_, compare, defined, none, conditional };
  Kind kind = Kind::literal;
  std::size_t at = 0;                  // byte offset in the unit's text
  Json literal;                        // literal
  std::string name;                    // lookup: the variable, empty: children[0]; compare: the operator
  bool negated = false;                // defined, none, compare by in
  const FilterRule* filter = nullptr;  // filter: of children[0], with arguments by parameter in `arguments`
  std::vector<int> arguments;          // for each parameter the index in children, or -1
  std::vector<Expr> children;          // conditional: condition, then, else (may be missing)
  std::vector<Step> steps;             // lookup
  std::string path;                    // lookup: as people write it, "email.from.1.address"
};

struct Node {
  enum class Kind { text, print, branch, loop, set, include };
  struct Arm {
    std::optional<Expr> condition;  // none: else
    std::vector<Node> body;
  };
  Kind kind = Kind::text;
  std::size_t at = 0;
  std::string_view text;             // text
  Expr expr;                         // print, loop: over what; set: what
  std::vector<Arm> arms;             // branch; loop: its body, then perhaps its else
  std::vector<std::string> targets;  // loop: one or two names; set: one
  bool pairs = false;                // loop: `.items()` was written
  bool uses_loop = false;            // loop: `loop` may be asked for within
  const Unit* partial = nullptr;     // include
};

/// One text: the template or a partial.
struct Unit {
  std::string name;
  std::string text;
  std::vector<Node> body;
};

struct Program {
  Options options;
  Unit main;
  std::map<std::string, std::unique_ptr<Unit>, std::less<>> partials;  // by the name that the loader gave
};

/// Throws TemplateError with the place of byte `at`.
[[noreturn]] void fail(const Unit& unit, std::size_t at, const std::string& why,
                       const std::string& variable = {});
/// Line and column of byte `at`, from 1, in characters.
std::pair<std::size_t, std::size_t> place(std::string_view text, std::size_t at);
/// The one of `known` that `name` is a likely slip of, or "".
std::string nearest(std::string_view name, const std::vector<std::string_view>& known);
/// What an expression is about, for errors: the path of its innermost lookup, or "".
std::string about(const Expr& e);

/// Fills unit.body and program.partials. Throws TemplateError.
void parse_unit(Program& program, Unit& unit, const Loader& loader);
/// The values that the program wants, by path.
std::vector<Variable> collect_variables(const Program& program);

}  // namespace aoh::tmpl
