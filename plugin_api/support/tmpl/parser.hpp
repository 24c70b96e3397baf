// From tokens to the tree. Recursive descent; every recursion passes through Depth, so that a hostile
// template ends at a limit and not at the stack's.
#pragma once
#include "support/tmpl/lexer.hpp"

namespace aoh::tmpl {

/// What the parsers of one program share.
struct ParseState {
  Program& program;
  const Loader& loader;
  std::size_t nodes = 0;
  std::vector<std::string> open;  // units being parsed, outermost first: a partial among them is a cycle
};

class Parser {
 public:
  Parser(ParseState& state, Unit& unit) : state_(state), unit_(unit), lexer_(unit) { advance(); }
  void run();

 private:
  struct Depth {
    Depth(Parser& p, std::size_t at);
    ~Depth() { --parser.depth_; }
    Parser& parser;
  };

  // parser.cpp: text and blocks
  std::vector<Node> body(std::string_view opener, std::size_t at,
                         std::initializer_list<std::string_view> ends);
  Node block(std::size_t at);
  Node branch(std::size_t at);
  Node loop(std::size_t at);
  Node set(std::size_t at);
  Node include(std::size_t at);
  const Unit& partial(const std::string& name, std::size_t at);

  // expression.cpp
  Expr expression();
  Expr alternative();
  Expr conjunction();
  Expr negation();
  Expr comparison();
  Expr postfix();
  Expr primary();
  Expr lookup();
  void step(Expr& e);
  Expr filter(Expr in);
  Expr test(Expr of);
  Expr make(Expr::Kind kind, std::size_t at);

  void advance() { token_ = lexer_.next(); }
  bool is_op(std::string_view op) const { return token_.kind == Tok::op && token_.text == op; }
  bool is_word(std::string_view word) const { return token_.kind == Tok::name && token_.text == word; }
  bool take_op(std::string_view op);
  bool take_word(std::string_view word);
  void need_op(std::string_view op);
  std::string need_name(const std::string& what);
  void end_block();
  void count(std::size_t at);
  [[noreturn]] void fail_here(const std::string& why) { fail(unit_, token_.at, why); }

  ParseState& state_;
  Unit& unit_;
  Lexer lexer_;
  Token token_;
  std::string ended_by_;  // the word of the block that ended the last body()
  std::size_t depth_ = 0;
  std::size_t filters_ = 0;  // in the tag at hand
  std::size_t loop_uses_ = 0;
};

}  // namespace aoh::tmpl
