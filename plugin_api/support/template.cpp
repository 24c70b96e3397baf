#include "support/template.hpp"

#include "support/tmpl/evaluator.hpp"

namespace aoh::tmpl {

Template::Template(std::string_view text, Options options, std::string name, const Loader& loader) {
  auto program = std::make_shared<Program>();
  program->options = std::move(options);
  // An oversized text is refused before it is copied.
  if (text.size() > program->options.max_template)
    throw TemplateError(std::move(name), 0, 0,
                        "a template of " + std::to_string(text.size()) + " bytes: at most " +
                            std::to_string(program->options.max_template));
  program->main.name = std::move(name);
  program->main.text = std::string(text);
  parse_unit(*program, program->main, loader);
  program_ = std::move(program);
}

std::string Template::render_text(const Json& scope) const { return Evaluator(*program_, scope).text(); }

Json Template::render(const Json& scope) const {
  const std::vector<Node>& body = program_->main.body;
  Evaluator evaluator(*program_, scope);
  if (body.size() == 1 && body.front().kind == Node::Kind::print) return evaluator.value(body.front().expr);
  return Json(evaluator.text());
}

std::vector<Variable> Template::variables() const { return collect_variables(*program_); }

void check(std::string_view text, const Options& options) { const Template parsed(text, options); }

std::string render_text(std::string_view text, const Json& scope, const Options& options) {
  return Template(text, options).render_text(scope);
}

Json render(std::string_view text, const Json& scope, const Options& options) {
  return Template(text, options).render(scope);
}

Json render_all(const Json& value, const Json& scope, const Options& options) {
  if (value.is_string()) return render(value.str(), scope, options);
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value.items()) out.push(render_all(item, scope, options));
    return out;
  }
  if (value.is_object()) {
    Json out = Json::object();
    for (const auto& m : value.members()) out.set(m.key, render_all(m.value, scope, options));
    return out;
  }
  return value;
}

}  // namespace aoh::tmpl
