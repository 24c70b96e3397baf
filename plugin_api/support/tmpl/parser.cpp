#include "support/tmpl/parser.hpp"

#include <algorithm>

namespace aoh::tmpl {
namespace {

constexpr std::string_view kWords[] = {"and",  "else", "false", "if",   "in",  "is",
                                       "none", "not",  "or",    "null", "true"};

/// Why a partial's name is refused; "" if it is none of that.
std::string bad_name(std::string_view name) {
  if (name.empty() || name.size() > 200) return "has 1 to 200 bytes";
  if (name.front() == '/') return "does not begin with '/'";
  bool begins = true;
  for (const char c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!plain && c != '.' && c != '/') return "has only letters, digits, '_', '-', '.' and '/'";
    if (begins && !plain) return "has no part that is empty or begins with a dot";
    begins = c == '/';
  }
  return begins ? "does not end with '/'" : "";
}

}  // namespace

Parser::Depth::Depth(Parser& p, std::size_t at) : parser(p) {
  if (++p.depth_ > p.state_.program.options.max_depth) {
    --p.depth_;
    fail(p.unit_, at, "nested deeper than " + std::to_string(p.state_.program.options.max_depth) + " levels");
  }
}

bool Parser::take_op(std::string_view op) {
  if (!is_op(op)) return false;
  advance();
  return true;
}
bool Parser::take_word(std::string_view word) {
  if (!is_word(word)) return false;
  advance();
  return true;
}
void Parser::need_op(std::string_view op) {
  if (!take_op(op)) fail_here("'" + std::string(op) + "' is expected");
}
std::string Parser::need_name(const std::string& what) {
  if (token_.kind != Tok::name) fail_here(what + " is expected");
  if (std::find(std::begin(kWords), std::end(kWords), token_.text) != std::end(kWords))
    fail_here("'" + std::string(token_.text) + "' is a word of the language, not a name");
  std::string name(token_.text);
  advance();
  return name;
}
void Parser::end_block() {
  if (token_.kind != Tok::block_close) fail_here("'%}' is expected");
  advance();
}
void Parser::count(std::size_t at) {
  if (++state_.nodes > state_.program.options.max_nodes)
    fail(unit_, at,
         "the template has more than " + std::to_string(state_.program.options.max_nodes) + " parts");
}

void Parser::run() { unit_.body = body("", 0, {}); }

/// Nodes up to a block whose word is among `ends` (its word goes to ended_by_ and is consumed), or the end.
std::vector<Node> Parser::body(std::string_view opener, std::size_t at,
                               std::initializer_list<std::string_view> ends) {
  const Depth depth(*this, at);
  std::vector<Node> out;
  while (token_.kind != Tok::end) {
    filters_ = 0;
    count(token_.at);
    Node n;
    n.at = token_.at;
    if (token_.kind == Tok::text) {
      n.text = token_.text;
      advance();
    } else if (token_.kind == Tok::print_open) {
      advance();
      n.kind = Node::Kind::print;
      n.expr = expression();
      if (token_.kind != Tok::print_close) fail_here("'|' or '}}' is expected");
      advance();
    } else {
      advance();
      for (const std::string_view end : ends)
        if (is_word(end)) {
          ended_by_ = end;
          advance();
          return out;
        }
      n = block(n.at);
    }
    out.push_back(std::move(n));
  }
  if (!opener.empty())
    fail(unit_, at,
         "{% " + std::string(opener) + " %} that begins here has no {% end" + std::string(opener) + " %}");
  return out;
}

Node Parser::block(std::size_t at) {
  if (take_word("if")) return branch(at);
  if (take_word("for")) return loop(at);
  if (take_word("set")) return set(at);
  if (take_word("include")) return include(at);
  if (token_.kind != Tok::name) fail_here("a block's word is expected: if, for, set, include or raw");
  const std::string word(token_.text);
  if (word.starts_with("el") || word.starts_with("end"))
    fail_here("{% " + word + " %} has no block that it belongs to");
  const std::string meant = nearest(word, {"if", "for", "set", "include", "raw"});
  fail_here("there is no block '" + word + "'" + "; " +
            (meant.empty() ? "" : "did you mean '" + meant + "'? ") + "known: if, for, set, include, raw");
}

Node Parser::branch(std::size_t at) {
  Node n;
  n.kind = Node::Kind::branch;
  n.at = at;
  for (bool more = true; more;) {
    Node::Arm arm;
    more = n.arms.empty() || ended_by_ == "elif";
    if (more) arm.condition = expression();
    end_block();
    const bool last = !more;
    arm.body = last ? body("if", at, {"endif"}) : body("if", at, {"elif", "else", "endif"});
    n.arms.push_back(std::move(arm));
    if (last || ended_by_ == "endif") break;
  }
  end_block();
  return n;
}

Node Parser::loop(std::size_t at) {
  Node n;
  n.kind = Node::Kind::loop;
  n.at = at;
  n.targets.push_back(need_name("a name for each element"));
  if (take_op(",")) n.targets.push_back(need_name("a second name"));
  if (!take_word("in")) fail_here("'in' is expected: {% for x in list %}");
  n.expr = alternative();
  if (n.targets.size() == 2 && is_op("(")) {  // .items(): what Jinja's authors write; nothing is called
    if (n.expr.kind != Expr::Kind::lookup || n.expr.steps.empty() || n.expr.steps.back().key != "items")
      fail_here("templates call no code");
    advance();
    need_op(")");
    n.expr.steps.pop_back();
    n.expr.path.resize(n.expr.path.size() - 6);
    n.pairs = true;
  }
  end_block();
  const std::size_t before = loop_uses_;
  n.arms.push_back({{}, body("for", at, {"else", "endfor"})});
  n.uses_loop = loop_uses_ != before;
  if (ended_by_ == "else") {
    end_block();
    n.arms.push_back({{}, body("for", at, {"endfor"})});
  }
  end_block();
  return n;
}

Node Parser::set(std::size_t at) {
  Node n;
  n.kind = Node::Kind::set;
  n.at = at;
  n.targets.push_back(need_name("a name"));
  if (!take_op("=")) fail_here("'=' is expected: {% set name = value %}");
  n.expr = expression();
  end_block();
  return n;
}

Node Parser::include(std::size_t at) {
  Node n;
  n.kind = Node::Kind::include;
  n.at = at;
  if (token_.kind != Tok::literal || !token_.value.is_string())
    fail_here("a partial's name in quotes is expected: {% include \"footer.html\" %}");
  n.partial = &partial(token_.value.str(), token_.at);
  ++loop_uses_;  // the partial may use it
  advance();
  end_block();
  return n;
}

const Unit& Parser::partial(const std::string& name, std::size_t at) {
  const Options& o = state_.program.options;
  const auto refuse = [&](const std::string& why) { fail(unit_, at, why); };
  if (const std::string why = bad_name(name); !why.empty()) refuse("a partial's name " + why);
  if (!state_.loader) refuse("there are no partials here, so nothing can be included");
  std::optional<Source> source = state_.loader(name);
  if (!source) refuse("there is no partial '" + name + "'");
  if (std::find(state_.open.begin(), state_.open.end(), source->name) != state_.open.end())
    refuse("the partial '" + name + "' includes itself in the end");
  if (const auto known = state_.program.partials.find(source->name); known != state_.program.partials.end())
    return *known->second;
  if (state_.program.partials.size() >= o.max_partials)
    refuse("more than " + std::to_string(o.max_partials) + " partials");
  if (state_.open.size() > o.max_include_depth)
    refuse("partials within partials, more than " + std::to_string(o.max_include_depth) + " deep");
  if (source->text.size() > o.max_template)
    refuse("the partial '" + name + "' has more than " + std::to_string(o.max_template) + " bytes");
  auto unit = std::make_unique<Unit>(Unit{std::move(source->name), std::move(source->text), {}});
  Unit& fresh = *unit;
  state_.open.push_back(fresh.name);
  Parser(state_, fresh).run();
  state_.open.pop_back();
  state_.program.partials.emplace(fresh.name, std::move(unit));
  return fresh;
}

void parse_unit(Program& program, Unit& unit, const Loader& loader) {
  ParseState state{program, loader, 0, {unit.name}};
  Parser(state, unit).run();
}

}  // namespace aoh::tmpl
