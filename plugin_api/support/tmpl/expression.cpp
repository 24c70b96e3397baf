// Expressions, by falling width: a if b else c, or, and, not, comparison, then filters and tests behind a
// value.
#include "support/tmpl/filters.hpp"
#include "support/tmpl/parser.hpp"

namespace aoh::tmpl {

using Kind = Expr::Kind;

Expr Parser::make(Kind kind, std::size_t at) {
  count(at);
  Expr e;
  e.kind = kind;
  e.at = at;
  return e;
}

Expr Parser::expression() {
  const Depth depth(*this, token_.at);
  Expr then = alternative();
  if (!is_word("if")) return then;
  Expr e = make(Kind::conditional, then.at);
  advance();
  e.children.push_back(alternative());
  e.children.push_back(std::move(then));
  if (take_word("else")) e.children.push_back(expression());
  return e;
}

Expr Parser::alternative() {
  Expr left = conjunction();
  if (!is_word("or")) return left;
  Expr e = make(Kind::or_, left.at);
  e.children.push_back(std::move(left));
  while (take_word("or")) e.children.push_back(conjunction());
  return e;
}

Expr Parser::conjunction() {
  Expr left = negation();
  if (!is_word("and")) return left;
  Expr e = make(Kind::and_, left.at);
  e.children.push_back(std::move(left));
  while (take_word("and")) e.children.push_back(negation());
  return e;
}

Expr Parser::negation() {
  if (!is_word("not")) return comparison();
  const Depth depth(*this, token_.at);
  Expr e = make(Kind::not_, token_.at);
  advance();
  e.children.push_back(negation());
  return e;
}

Expr Parser::comparison() {
  Expr left = postfix();
  const auto operator_here = [&]() -> std::string {
    if (token_.kind == Tok::op)
      for (const std::string_view op : {"==", "!=", "<", "<=", ">", ">="})
        if (token_.text == op) return std::string(op);
    return is_word("in") || is_word("not") ? "in" : "";
  };
  std::string op = operator_here();
  if (op.empty()) return left;
  Expr e = make(Kind::compare, left.at);
  e.name = std::move(op);
  e.negated = take_word("not");
  if (e.negated && !is_word("in")) fail_here("'in' is expected behind 'not'");
  advance();
  e.children.push_back(std::move(left));
  e.children.push_back(postfix());
  if (!operator_here().empty()) fail_here("comparisons are not chained: write a < b and b < c");
  return e;
}

Expr Parser::postfix() {
  Expr e = primary();
  for (;;) {
    if (is_op(".") || is_op("[")) {
      if (e.kind != Kind::lookup) {
        Expr outer = make(Kind::lookup, e.at);
        outer.children.push_back(std::move(e));
        e = std::move(outer);
      }
      step(e);
    } else if (is_op("|")) {
      e = filter(std::move(e));
    } else if (is_word("is")) {
      return test(std::move(e));  // tests behind tests would nest without a limit
    } else if (is_op("(") && e.kind == Kind::lookup && (e.steps.empty() || e.steps.back().key != "items")) {
      fail_here("templates call no code");
    } else {
      return e;
    }
  }
}

Expr Parser::primary() {
  const std::size_t at = token_.at;
  if (token_.kind == Tok::literal) {
    Expr e = make(Kind::literal, at);
    e.literal = token_.value;
    advance();
    return e;
  }
  if (take_op("(")) {
    Expr e = expression();
    need_op(")");
    return e;
  }
  if (is_op("[")) {
    const Depth depth(*this, at);
    Expr e = make(Kind::list, at);
    advance();
    while (!is_op("]")) {
      e.children.push_back(expression());
      if (!take_op(",")) break;
    }
    need_op("]");
    return e;
  }
  if (token_.kind != Tok::name) fail_here("a variable's name is expected, for example {{ email.subject }}");
  const std::string_view word = token_.text;
  const bool yes = word == "true" || word == "True";
  if (yes || word == "false" || word == "False" || word == "none" || word == "None" || word == "null") {
    Expr e = make(Kind::literal, at);
    if (word[0] != 'n' && word[0] != 'N') e.literal = Json(yes);
    advance();
    return e;
  }
  return lookup();
}

Expr Parser::lookup() {
  Expr e = make(Kind::lookup, token_.at);
  e.name = need_name("a variable's name");
  e.path = e.name;
  if (e.name == "loop") ++loop_uses_;
  return e;
}

void Parser::step(Expr& e) {
  count(token_.at);
  Step s;
  if (take_op(".")) {
    if (token_.kind != Tok::name) fail_here("a name is expected behind the dot");
    s.key = token_.text;
    advance();
    e.path += "." + s.key;
  } else {
    const Depth depth(*this, token_.at);
    advance();
    Expr index = expression();
    need_op("]");
    if (index.kind == Kind::literal && index.literal.is_string()) {
      s.key = index.literal.str();
      // A key with a dot must not look like two steps: safe_paths and variables() go by the path.
      e.path += s.key.find('.') == std::string::npos ? "." + s.key : "[" + index.literal.dump() + "]";
    } else if (index.kind == Kind::literal && index.literal.is_int()) {
      s.key = std::to_string(index.literal.integer());
      e.path += "." + s.key;
    } else {
      s.index.push_back(std::move(index));
      e.path += "[]";
    }
  }
  e.steps.push_back(std::move(s));
}

Expr Parser::filter(Expr in) {
  advance();  // the bar
  const Options& o = state_.program.options;
  if (++filters_ > o.max_filters) fail_here("more than " + std::to_string(o.max_filters) + " filters");
  Expr e = make(Kind::filter, token_.at);
  if (token_.kind != Tok::name) fail_here("a filter's name is expected");
  const std::string name(token_.text);
  e.filter = find_filter(name);
  if (!e.filter) {
    std::string known;
    std::vector<std::string_view> names;
    for (const FilterRule& r : filter_rules()) names.push_back(r.name);
    for (const std::string_view n : names) known += (known.empty() ? "" : ", ") + std::string(n);
    const std::string meant = nearest(name, names);
    fail_here("there is no filter '" + name + "'; " +
              (meant.empty() ? "" : "did you mean '" + meant + "'? ") + "known: " + known);
  }
  advance();
  const FilterRule& rule = *e.filter;
  e.arguments.assign(rule.parameters.size(), -1);
  e.children.push_back(std::move(in));
  std::size_t position = 0;
  if (take_op("("))
    while (!take_op(")")) {
      if (rule.parameters.empty()) fail(unit_, e.at, "the filter '" + name + "' takes no argument");
      Expr argument = expression();
      std::size_t parameter = position++;
      if (take_op("=")) {
        parameter = 0;
        while (parameter < rule.parameters.size() && rule.parameters[parameter] != argument.path) ++parameter;
        if (parameter == rule.parameters.size())
          fail(unit_, argument.at, "the filter '" + name + "' has no argument '" + argument.path + "'");
        argument = expression();
      }
      if (parameter >= rule.parameters.size() || e.arguments[parameter] >= 0)
        fail(unit_, argument.at, "too many arguments for the filter '" + name + "'");
      e.arguments[parameter] = static_cast<int>(e.children.size());
      e.children.push_back(std::move(argument));
      if (!take_op(",") && !is_op(")")) fail_here("')' is expected");
    }
  for (std::size_t i = 0; i < rule.required; ++i)
    if (e.arguments[i] < 0)
      fail(unit_, e.at,
           "the filter '" + name + "' needs " +
               (rule.required == 1 ? "an argument" : std::to_string(rule.required) + " arguments"));
  return e;
}

Expr Parser::test(Expr of) {
  advance();  // is
  Expr e = make(Kind::none, of.at);
  e.negated = take_word("not");
  if (is_word("defined") || is_word("undefined")) {
    e.kind = Kind::defined;
    e.negated = e.negated != is_word("undefined");
    if (of.kind != Kind::lookup) fail_here("'is defined' asks for a variable");
  } else if (!is_word("none") && !is_word("null")) {
    fail_here("there is no test of that name; known: defined, undefined, none");
  }
  advance();
  e.children.push_back(std::move(of));
  return e;
}

}  // namespace aoh::tmpl
