// Rendering: walks the tree of a Program over one scope. One Evaluator renders once, on one thread.
#pragma once
#include "support/tmpl/filters.hpp"

namespace aoh::tmpl {

class Evaluator {
 public:
  Evaluator(const Program& program, const Json& scope)
      : program_(program), o_(program.options), scope_(scope) {}
  /// Throw TemplateError.
  std::string text();
  Json value(const Expr& e);  // of the main unit, as a filter would see it

 private:
  struct Local {
    std::string_view name;
    Value value;
  };

  // evaluator.cpp: nodes
  void run(const std::vector<Node>& body);
  void print(const Node& n);
  void branch(const Node& n);
  void loop(const Node& n);
  void turn(const Node& n, const std::vector<Local>& bound, std::size_t index, std::size_t length);
  void include(const Node& n);
  void emit(std::string_view text, const Node& n);
  void charge(std::size_t units, std::size_t at);
  void count_turn(std::size_t at);

  // evaluate_expr.cpp
  Value eval(const Expr& e);
  Value lookup(const Expr& e);
  Value step(const Value& from, const Step& s, const Expr& e);
  Value filter(const Expr& e);
  Value list(const Expr& e);
  bool condition(const Expr& e);
  bool compared(const Expr& e);
  bool contains(const Value& in, const Value& what, const Expr& e);
  const Local* local(std::string_view name) const;
  /// The value, or an error if a lookup found nothing (or, for `needed`, null).
  const Value& found(const Value& v, bool needed);
  [[noreturn]] void absent(const Value& v);
  std::string suggestion(const Expr& e);

  const Program& program_;
  const Options& o_;
  const Json& scope_;
  const Unit* unit_ = &program_.main;
  std::vector<Local> locals_;
  std::string out_;
  std::size_t work_ = 0, turns_ = 0;
};

}  // namespace aoh::tmpl
