// email_templates, and rendering a mail template by its name.
#pragma once
#include "tools/mail_template.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// MailTemplate::load() from the configuration's templates_root. For many recipients: load once, render each.
MailTemplate mail_template(const Toolbox& box, const std::string& name);
/// One mail: loaded and rendered. Blocks on the disk. Throws Failure naming file, line and column.
RenderedMail render_mail(const Toolbox& box, const std::string& name, const aoh::Json& data);

/// list: {"templates": [{name, description, parts} or {name, error}]}; show: {name, description, parts,
/// variables: [{path, optional, default, where}], sample}; preview: {name, subject, text, html}. At most 500
/// templates.
aoh::Result email_templates(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
