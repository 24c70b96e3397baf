#include "tools/mail_template.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "host/files.hpp"

namespace mailroom::tools {
namespace {

namespace tmpl = aoh::tmpl;

constexpr const char* kRoot = "templates_root";
constexpr const char* kPartials = "partials";
constexpr std::size_t kMaxSubjectFile = 4u << 10, kMaxFile = 256u << 10, kMaxAbout = 64u << 10;  // bytes
constexpr std::size_t kMaxSubject = 2'000, kMaxBody = 1u << 20;  // bytes, rendered

bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name != kPartials &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                  c == '-';
         });
}

void need_root(const std::string& root) {
  if (root.empty())
    throw Failure(Errc::config, "there are no mail templates here", kRoot,
                  "Let the operator set templates_root to the folder that has them");
}

/// The file's text, or nothing where there is no such file.
std::optional<std::string> text_of(const std::string& path, const std::string& root, std::size_t most) try {
  std::string text = host::read_file(path, root, most, kRoot);
  if (aoh::valid_utf8(text) != text || text.find('\0') != std::string::npos)
    throw Failure(Errc::config, "the file is not UTF-8 text", path);
  return text;
} catch (const Failure& f) {
  if (f.error.code != Errc::not_found) throw;
  return std::nullopt;
}

Failure failure(Errc code, const tmpl::TemplateError& e) {
  std::string where = e.file;
  if (e.line) where += ":" + std::to_string(e.line) + ":" + std::to_string(e.column);
  return Failure(code, printable(e.problem, 1'000), where,
                 code == Errc::invalid && !e.variable.empty()
                     ? "Look at " + printable(e.variable, 200) + " in data"
                     : "");
}

/// Without the last line's end, as Jinja has it: a subject is one line, and a partial stands within one.
void end_line(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

std::optional<tmpl::Template> part(const std::string& root, const std::string& folder, const char* file,
                                   const tmpl::Options& options) {
  const std::string path = folder + "/" + file;
  std::optional<std::string> text = text_of(path, root, options.max_template);
  if (!text) return std::nullopt;
  // A subject's file ends its line as every text file does.
  if (options.header) end_line(*text);
  const tmpl::Loader loader = [&](std::string_view name) -> std::optional<tmpl::Source> {
    for (const std::string& in : {folder, std::string(kPartials)}) {
      const std::string partial = in + "/" + std::string(name);
      if (auto found = text_of(partial, root, options.max_template)) {
        end_line(*found);
        return tmpl::Source{partial, std::move(*found)};
      }
    }
    return std::nullopt;
  };
  try {
    return tmpl::Template(*text, options, path, loader);
  } catch (const tmpl::TemplateError& e) {
    throw failure(Errc::config, e);
  }
}

/// What `below` has and `data` lacks is put in, objects member by member.
void lay_under(aoh::Json& data, const aoh::Json& below) {
  for (const auto& m : below.members())
    if (const aoh::Json* there = data.find(m.key); !there)
      data.set(m.key, m.value);
    else if (there->is_object() && m.value.is_object())
      lay_under(data.slot(m.key), m.value);
}

/// template.json.
void read_about(MailTemplate& t, const std::string& root) {
  const std::string path = t.name + "/template.json";
  const std::optional<std::string> text = text_of(path, root, kMaxAbout);
  if (!text) return;
  aoh::Json about;
  try {
    about = aoh::Json::parse(*text);
  } catch (const aoh::JsonError& e) {
    throw Failure(Errc::config, std::string("this is not JSON: ") + e.what(), path);
  }
  if (!about.is_object()) throw Failure(Errc::config, "this is not a JSON object", path);
  for (const auto& m : about.members())
    if (m.key == "description" && m.value.is_string())
      t.description = printable(m.value.str(), 1'000);
    else if ((m.key == "defaults" || m.key == "sample") && m.value.is_object())
      (m.key == "sample" ? t.sample : t.defaults) = m.value;
    else
      throw Failure(Errc::config, "there is no member \"" + printable(m.key, 64) + "\" of this type", path,
                    "Known: description (a text), defaults and sample (objects)");
}

}  // namespace

MailTemplate MailTemplate::load(const std::string& root, const std::string& name) {
  need_root(root);
  if (!good_name(name))
    throw Failure(Errc::invalid, "this is no template's name: \"" + printable(name, 80) + "\"", "template",
                  "It has 1 to 64 letters, digits, _ and -");
  tmpl::Options o;
  o.header = true;
  o.max_template = kMaxSubjectFile;
  o.max_output = kMaxSubject;
  std::optional<tmpl::Template> subject = part(root, name, "subject.txt", o);
  if (!subject)
    throw Failure(Errc::not_found, "there is no template \"" + name + "\" (no " + name + "/subject.txt)",
                  "template", "See email_templates");
  MailTemplate t(std::move(*subject));
  t.name = name;
  o.header = false;
  o.max_template = kMaxFile;
  o.max_output = kMaxBody;
  t.text_ = part(root, name, "body.txt", o);
  o.html = true;
  t.html_ = part(root, name, "body.html", o);
  if (!t.text_ && !t.html_)
    throw Failure(Errc::config, "the template has neither body.txt nor body.html", name, "Write one of them");
  read_about(t, root);
  return t;
}

std::vector<std::string> MailTemplate::names(const std::string& root, std::size_t most, bool& more) {
  need_root(root);
  constexpr std::size_t kMostEntries = 10'000;  // looked at
  std::vector<std::string> out = host::list_folder(".", root, kMostEntries, kRoot);
  out.erase(std::remove_if(out.begin(), out.end(),
                           [&](const std::string& name) {
                             // Other files may lie there; a folder that cannot be looked into is shown as it
                             // is.
                             try {
                               return !good_name(name) || host::list_folder(name, root, 1, kRoot).empty();
                             } catch (const Failure& f) {
                               return f.error.code == Errc::not_found;
                             }
                           }),
            out.end());
  more = out.size() > most;
  if (more) out.resize(most);
  return out;
}

RenderedMail MailTemplate::render(const aoh::Json& data) const try {
  if (!data.is_object() && !data.is_null())
    throw Failure(Errc::invalid,
                  std::string("a template's data is an object, not of type ") + data.type_name(), "data");
  aoh::Json scope = data.is_null() ? aoh::Json::object() : data;
  lay_under(scope, defaults);
  RenderedMail mail{subject_.render_text(scope), {}, {}};
  if (text_) mail.text = text_->render_text(scope);
  if (html_) mail.html = html_->render_text(scope);
  return mail;
} catch (const tmpl::TemplateError& e) {
  throw failure(Errc::invalid, e);
}

std::vector<tmpl::Variable> MailTemplate::variables() const {
  std::vector<tmpl::Variable> out = subject_.variables();
  for (const auto& body : {text_, html_})
    if (body)
      for (tmpl::Variable& v : body->variables()) {
        const auto known =
            std::find_if(out.begin(), out.end(), [&](const auto& o) { return o.path == v.path; });
        if (known == out.end()) {
          out.push_back(std::move(v));
          continue;
        }
        known->optional = known->optional && v.optional;
        if (known->fallback.is_null()) known->fallback = std::move(v.fallback);
      }
  for (tmpl::Variable& v : out)
    if (const aoh::Json& given = defaults.path(v.path); !given.is_null()) {
      v.optional = true;
      v.fallback = given;
    }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return out;
}

std::vector<std::string> MailTemplate::parts() const {
  std::vector<std::string> out{"subject"};
  if (text_) out.emplace_back("text");
  if (html_) out.emplace_back("html");
  return out;
}

}  // namespace mailroom::tools
