#include "tools/templates.hpp"

namespace mailroom::tools {
namespace {

constexpr std::size_t kMost = 500;
constexpr std::size_t kShown = 16u << 10;  // bytes of each part that a model reads; programs get all

aoh::Json list_json(const std::vector<std::string>& items) {
  aoh::Json out = aoh::Json::array();
  for (const std::string& s : items) out.push(s);
  return out;
}

aoh::Result list(const Toolbox& box, aoh::Call& call) {
  const std::string& root = box.runtime.config().templates_root;
  aoh::Json templates = aoh::Json::array();
  std::string rendered, notice;
  bool more = false;
  if (root.empty()) notice = "There are no mail templates here: the operator has set no templates_root.";
  for (const std::string& name :
       root.empty() ? std::vector<std::string>() : MailTemplate::names(root, kMost, more)) {
    if (call.cancelled()) throw Failure(Errc::cancelled, "the call was given up");
    aoh::Json entry{{"name", name}};
    rendered += name;
    try {
      const MailTemplate t = MailTemplate::load(root, name);
      entry.set_if(!t.description.empty(), "description", t.description);
      entry.set("parts", list_json(t.parts()));
      if (!t.description.empty()) rendered += ": " + t.description;
    } catch (const Failure& f) {  // a broken one hides no other
      entry.set("error", error_json(f.error));
      rendered += ": cannot be used: " + f.error.line();
    }
    rendered += "\n";
    templates.push(std::move(entry));
  }
  if (more) notice = "There are more templates; these are the first " + std::to_string(kMost) + ".";
  if (templates.empty() && notice.empty()) notice = "There are no mail templates below templates_root.";
  aoh::Json structured{{"templates", std::move(templates)}};
  structured.set_if(!notice.empty(), "notice", notice);
  return aoh::Result::ok(std::move(structured), rendered + notice);
}

aoh::Result show(const MailTemplate& t) {
  aoh::Json variables = aoh::Json::array();
  std::string rendered = t.name + (t.description.empty() ? "" : ": " + t.description) + "\nIts data:\n";
  for (const aoh::tmpl::Variable& v : t.variables()) {
    aoh::Json entry{{"path", v.path}, {"optional", v.optional}};
    entry.set_if(!v.fallback.is_null(), "default", v.fallback);
    entry.set("where", v.file + ":" + std::to_string(v.line) + ":" + std::to_string(v.column));
    variables.push(std::move(entry));
    rendered += "- " + v.path + (v.optional ? " (optional" : "");
    if (v.optional && !v.fallback.is_null()) rendered += ", else " + v.fallback.dump();
    rendered += v.optional ? ")\n" : "\n";
  }
  if (!t.sample.empty()) rendered += "Sample: " + t.sample.dump() + "\n";
  aoh::Json structured{
      {"name", t.name}, {"parts", list_json(t.parts())}, {"variables", std::move(variables)}};
  structured.set_if(!t.description.empty(), "description", t.description);
  structured.set_if(!t.sample.empty(), "sample", t.sample);
  return aoh::Result::ok(std::move(structured), std::move(rendered));
}

void show_part(std::string& rendered, const char* title, const std::string& text) {
  const std::string_view cut = aoh::utf8_prefix(text, kShown);
  rendered += std::string("\n") + title + ":\n" + std::string(cut);
  if (cut.size() < text.size()) rendered += "… (cut: it has " + std::to_string(text.size()) + " bytes)";
}

aoh::Result preview(const MailTemplate& t, const aoh::Json& args) {
  const RenderedMail mail = t.render(args.has("data") ? args["data"] : t.sample);
  aoh::Json structured{{"name", t.name}, {"subject", mail.subject}};
  std::string rendered = "Subject: " + mail.subject + "\n";
  if (mail.text) {
    structured.set("text", *mail.text);
    show_part(rendered, "Text", *mail.text);
  }
  if (mail.html) {
    structured.set("html", *mail.html);
    show_part(rendered, "HTML", *mail.html);
  }
  return aoh::Result::ok(std::move(structured), std::move(rendered));
}

}  // namespace

MailTemplate mail_template(const Toolbox& box, const std::string& name) {
  return MailTemplate::load(box.runtime.config().templates_root, name);
}

RenderedMail render_mail(const Toolbox& box, const std::string& name, const aoh::Json& data) {
  return mail_template(box, name).render(data);
}

aoh::Result email_templates(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    const std::string action = args["action"].str_or("list");
    if (action == "list") return list(box, call);
    if (action != "show" && action != "preview")
      throw Failure(Errc::invalid, "unknown action \"" + printable(action, 32) + "\"", "action",
                    "Use list, show or preview");
    if (args["name"].str().empty())
      throw Failure(Errc::invalid, action + " needs a template's name", "name", "See the action list");
    const MailTemplate t = mail_template(box, args["name"].str());
    return action == "show" ? show(t) : preview(t, args);
  });
}

}  // namespace mailroom::tools
