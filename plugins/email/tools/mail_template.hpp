// A mail template: the folder NAME below templates_root, parsed once (docs/templates.md has the layout).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "support/template.hpp"

namespace mailroom::tools {

/// What a template and data make; at least one of text and html is there.
struct RenderedMail {
  std::string subject;                    ///< one line, no control characters, at most 2,000 bytes
  std::optional<std::string> text, html;  ///< at most 1 MiB each
};

/// Immutable once loaded, cheap to copy; render() may be called by any number of threads at once, so a
/// broadcast loads once and renders for each recipient.
class MailTemplate {
 public:
  /// Reads and parses; blocks on the disk. `root` is the configuration's templates_root. Throws Failure:
  /// config (no root, a file that is no template: where is "offer/body.html:3:5"), not_found, invalid (the
  /// name), refused (a link that leads out), limit.
  static MailTemplate load(const std::string& root, const std::string& name);
  /// The names of all templates, sorted, at most `most`; more says whether there are others. Throws
  /// Failure(config).
  static std::vector<std::string> names(const std::string& root, std::size_t most, bool& more);

  /// `data` lies over the defaults, objects member by member. Throws Failure(invalid) naming file, line,
  /// column and value ("offer/body.html:3:5"); never a value's text.
  RenderedMail render(const aoh::Json& data) const;

  /// Of all parts, by path. What defaults give is optional.
  std::vector<aoh::tmpl::Variable> variables() const;
  std::vector<std::string> parts() const;  ///< of "subject", "text", "html"

  std::string name;
  std::string description;  ///< may be empty
  aoh::Json defaults = aoh::Json::object();
  aoh::Json sample = aoh::Json::object();

 private:
  explicit MailTemplate(aoh::tmpl::Template s) : subject_(std::move(s)) {}
  aoh::tmpl::Template subject_;
  std::optional<aoh::tmpl::Template> text_, html_;
};

}  // namespace mailroom::tools
