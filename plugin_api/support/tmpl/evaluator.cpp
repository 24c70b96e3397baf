#include "support/tmpl/evaluator.hpp"
#include "support/markup.hpp"

namespace aoh::tmpl {
namespace {

/// The first control character of a header's text: C0, DEL, C1, and the line and paragraph separators that
/// some readers break a line at. npos: none.
std::size_t control(std::string_view s) {
  for (std::size_t i = 0; i < s.size(); ++i) {
    const auto byte = [&](std::size_t k) {
      return i + k < s.size() ? static_cast<unsigned char>(s[i + k]) : 0u;
    };
    if (byte(0) < 0x20 || byte(0) == 0x7F || (byte(0) == 0xC2 && byte(1) < 0xA0) ||
        (byte(0) == 0xE2 && byte(1) == 0x80 && (byte(2) == 0xA8 || byte(2) == 0xA9)))
      return i;
  }
  return std::string_view::npos;
}

}  // namespace

std::string Evaluator::text() {
  run(program_.main.body);
  return std::move(out_);
}

Json Evaluator::value(const Expr& e) {
  const Value v = eval(e);
  return *found(v, true);
}

void Evaluator::charge(std::size_t units, std::size_t at) {
  work_ += std::min(units, o_.max_work + 1);
  if (work_ > o_.max_work)
    fail(*unit_, at,
         "rendering is more work than the limit of " + std::to_string(o_.max_work) + " steps and bytes");
}

void Evaluator::count_turn(std::size_t at) {
  if (++turns_ > o_.max_loops)
    fail(*unit_, at,
         "more than " + std::to_string(o_.max_loops) + " turns of loops and partials in one rendering");
}

void Evaluator::emit(std::string_view text, const Node& n) {
  if (text.size() > o_.max_output || out_.size() > o_.max_output - text.size())
    fail(*unit_, n.at, "the rendered text is longer than " + std::to_string(o_.max_output) + " bytes");
  out_ += text;
}

/// What {% set %} binds lives on behind an if, as in Jinja; a turn of a loop and a partial end it.
void Evaluator::run(const std::vector<Node>& body) {
  for (const Node& n : body) {
    charge(1, n.at);
    switch (n.kind) {
      case Node::Kind::text:
        if (const std::size_t i = o_.header ? control(n.text) : std::string_view::npos;
            i != std::string_view::npos)
          fail(*unit_, n.at + i,
               "a header is one line, and here is a line break or another control character. Join the lines "
               "with "
               "{%- and -%}");
        emit(n.text, n);
        break;
      case Node::Kind::print:
        print(n);
        break;
      case Node::Kind::branch:
        branch(n);
        break;
      case Node::Kind::loop:
        loop(n);
        break;
      case Node::Kind::set: {
        Value v = eval(n.expr);
        found(v, false);
        locals_.push_back({n.targets.front(), std::move(v)});
        break;
      }
      case Node::Kind::include:
        include(n);
        break;
    }
  }
}

void Evaluator::print(const Node& n) {
  const Value v = eval(n.expr);
  found(v, true);
  charge(cost(*v, o_.max_work), n.at);
  const std::string text = show(*v);
  if (o_.header && control(text) != std::string_view::npos) {
    const std::string path = about(n.expr);
    fail(*unit_, n.expr.at,
         "the value '" + path + "' has a line break or another control character, and a header is one line",
         path);
  }
  if (!o_.html || v.safe) return emit(text, n);
  std::string escaped;
  escape_markup(escaped, text);
  emit(escaped, n);
}

void Evaluator::branch(const Node& n) {
  for (const Node::Arm& arm : n.arms)
    if (!arm.condition || condition(*arm.condition)) return run(arm.body);
}

void Evaluator::include(const Node& n) {
  count_turn(n.at);
  const Unit* const outer = std::exchange(unit_, n.partial);
  const std::size_t locals = locals_.size();
  run(n.partial->body);
  locals_.resize(locals);
  unit_ = outer;
}

void Evaluator::loop(const Node& n) {
  const bool two = n.targets.size() == 2;
  Value over = eval(n.expr);
  // {% for k, v in order.items %}: of the object itself where it has no member of that name.
  if (two && !n.pairs && over.missing && over.lookup == &n.expr && n.expr.steps.size() &&
      n.expr.steps.back().key == "items") {
    Expr parent = n.expr;
    parent.steps.pop_back();
    if (Value p = eval(parent); p->is_object()) over = std::move(p);
  }
  found(over, true);
  if (!over->is_array() && !over->is_object() && !over->is_null())
    fail(*unit_, n.expr.at,
         std::string("a list or an object is needed for a loop, and this is of type ") + over->type_name(),
         about(n.expr));
  if (n.pairs && !over->is_object() && !over->is_null())
    fail(*unit_, n.expr.at, std::string(".items() needs an object, and this is of type ") + over->type_name(),
         about(n.expr));
  const std::size_t length = over->size();
  for (std::size_t i = 0; i < length; ++i) {
    std::vector<Local> bound;
    if (over->is_object()) {
      const auto& m = over->members()[i];
      bound.push_back({n.targets[0], Value(Json(m.key))});
      if (two) bound.push_back({n.targets[1], over.part(m.value)});
    } else if (const Json& item = over->at(i); !two) {
      bound.push_back({n.targets[0], over.part(item)});
    } else if (item.is_array() && item.size() == 2) {
      bound.push_back({n.targets[0], over.part(item.at(0))});
      bound.push_back({n.targets[1], over.part(item.at(1))});
    } else {
      fail(*unit_, n.expr.at,
           "two names need an object, or a list of pairs; element " + std::to_string(i) + " is none");
    }
    turn(n, bound, i, length);
  }
  if (length == 0 && n.arms.size() > 1) run(n.arms[1].body);
}

void Evaluator::turn(const Node& n, const std::vector<Local>& bound, std::size_t index, std::size_t length) {
  count_turn(n.at);
  const std::size_t outer = locals_.size();
  if (n.uses_loop)
    locals_.push_back({"loop", Value(Json{{"index", index + 1},
                                          {"index0", index},
                                          {"first", index == 0},
                                          {"last", index + 1 == length},
                                          {"length", length}})});
  locals_.insert(locals_.end(), bound.begin(), bound.end());
  run(n.arms[0].body);
  locals_.resize(outer);
}

}  // namespace aoh::tmpl
