// Which values a template wants: walks the tree with the names that blocks bind.
#include <algorithm>
#include <set>

#include "support/tmpl/ast.hpp"
#include "support/tmpl/filters.hpp"

namespace aoh::tmpl {
namespace {

using Kind = Expr::Kind;

class Collector {
 public:
  explicit Collector(const Program& p) : unit_(&p.main) {}
  std::vector<Variable> variables;

  void body(const std::vector<Node>& list) {
    const std::size_t outer = bound_.size();
    nodes(list);
    bound_.resize(outer);
  }

 private:
  void nodes(const std::vector<Node>& list) {
    for (const Node& n : list) node(n);
  }
  void node(const Node& n) {
    switch (n.kind) {
      case Node::Kind::text:
        break;
      case Node::Kind::print:
        expr(n.expr);
        break;
      case Node::Kind::set:
        expr(n.expr);
        bound_.push_back({n.targets[0], n.expr.kind == Kind::lookup ? full(n.expr) : ""});
        break;
      case Node::Kind::branch:
        for (const Node::Arm& arm : n.arms) {
          const std::size_t outer = guards_.size();
          if (arm.condition) {
            expr(*arm.condition);
            guard(*arm.condition);
          }
          nodes(arm.body);  // what it binds lives on
          guards_.resize(outer);
        }
        break;
      case Node::Kind::loop:
        loop(n);
        break;
      case Node::Kind::include: {
        // A partial counts once in each place's bindings; it cannot come back to itself, and its shown number
        // of places is the template's own size.
        if (++includes_ > kMostIncludes) break;
        const Unit* const outer = std::exchange(unit_, n.partial);
        body(n.partial->body);
        unit_ = outer;
        break;
      }
    }
  }

  void loop(const Node& n) {
    expr(n.expr);
    const Expr* of = &n.expr;
    while (of->kind == Kind::filter &&
           (!of->filter->run || of->filter->name == "sort" || of->filter->name == "unique"))
      of = &of->children[0];
    std::string path = of->kind == Kind::lookup ? full(*of) : "";
    const std::size_t outer = bound_.size();
    bound_.push_back({"loop", ""});
    if (n.targets.size() == 1) {
      bound_.push_back({n.targets[0], path.empty() ? "" : path + "[]"});
    } else {
      if (!n.pairs && path.ends_with(".items")) path.resize(path.size() - 6);
      bound_.push_back({n.targets[0], ""});
      bound_.push_back({n.targets[1], path.empty() ? "" : path + ".*"});
    }
    body(n.arms[0].body);
    bound_.resize(outer);
    if (n.arms.size() > 1) body(n.arms[1].body);
  }

  /// The path from the scope's root, or "" where a block's own value is meant.
  std::string full(const Expr& e) const {
    if (e.name.empty()) return "";
    for (auto b = bound_.rbegin(); b != bound_.rend(); ++b)
      if (b->first == e.name) return b->second.empty() ? "" : b->second + e.path.substr(e.name.size());
    return e.path;
  }

  /// What a condition makes sure of: `x is defined`, alone or joined by and.
  void guard(const Expr& e) {
    if (e.kind == Kind::defined && !e.negated) guards_.push_back(full(e.children[0]));
    if (e.kind == Kind::and_)
      for (const Expr& child : e.children) guard(child);
  }

  void expr(const Expr& e) {
    if (e.kind == Kind::lookup) {
      use(e, false, nullptr);
      for (const Step& s : e.steps)
        for (const Expr& i : s.index) expr(i);
    }
    const bool lenient = e.kind == Kind::defined || (e.kind == Kind::filter && !e.filter->run);
    const std::size_t outer = guards_.size();
    for (std::size_t i = 0; i < e.children.size(); ++i) {
      const Expr& child = e.children[i];
      if (i == 0 && lenient && child.kind == Kind::lookup)
        use(child, true,
            e.kind == Kind::filter ? &e.children[static_cast<std::size_t>(e.arguments[0])] : nullptr);
      else
        expr(child);
      if (e.kind == Kind::and_ || (e.kind == Kind::conditional && i == 0)) guard(child);
      if (e.kind == Kind::conditional && i == 1) guards_.resize(outer);
    }
    guards_.resize(outer);
  }

  void use(const Expr& e, bool lenient, const Expr* fallback) {
    const std::string path = full(e);
    if (path.empty()) {
      for (const Expr& child : e.children) expr(child);
      return;
    }
    const bool optional = lenient || std::find(guards_.begin(), guards_.end(), path) != guards_.end();
    auto v = std::find_if(variables.begin(), variables.end(),
                          [&](const Variable& known) { return known.path == path; });
    if (v == variables.end()) {
      const auto [line, column] = place(unit_->text, e.at);
      variables.push_back({path, optional, {}, unit_->name, line, column});
      v = variables.end() - 1;
    }
    v->optional = v->optional && optional;
    if (fallback && fallback->kind == Kind::literal && v->fallback.is_null()) v->fallback = fallback->literal;
  }

  static constexpr std::size_t kMostIncludes = 256;
  const Unit* unit_;
  std::vector<std::pair<std::string, std::string>> bound_;  // a block's name, the path it stands for or ""
  std::vector<std::string> guards_;
  std::size_t includes_ = 0;
};

}  // namespace

std::vector<Variable> collect_variables(const Program& program) {
  Collector collector(program);
  collector.body(program.main.body);
  std::sort(collector.variables.begin(), collector.variables.end(),
            [](const Variable& a, const Variable& b) { return a.path < b.path; });
  return std::move(collector.variables);
}

}  // namespace aoh::tmpl
