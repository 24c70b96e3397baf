#include "policy/match.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "base/error.hpp"

namespace mailroom::policy {
namespace {

constexpr std::size_t kMaxSubject = 64u << 10;

std::shared_ptr<const re2::RE2> pattern(const aoh::Json& match, const char* field) {
  const aoh::Json* p = match.find(field);
  if (!p || p->is_null()) return nullptr;
  if (!p->is_string()) throw Failure(Errc::config, std::string("match.") + field + " is not a string", field);
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_case_sensitive(false);
  options.set_max_mem(8 << 20);
  auto re = std::make_shared<const re2::RE2>(p->str(), options);
  if (!re->ok())
    throw Failure(Errc::config, std::string("match.") + field + " is not a valid RE2 pattern: " + re->error(),
                  std::string("match.") + field,
                  "Write it in RE2 syntax (no back-references, no look-around); in YAML a backslash in "
                  "double quotes is \\\\");
  return re;
}

bool found(const re2::RE2& re, std::string_view text) {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), re);
}

}  // namespace

Match Match::compile(const aoh::Json& match) {
  Match m;
  if (match.has("folder")) m.folder_ = match["folder"].str_or("INBOX");
  m.from_ = pattern(match, "from_regex");
  m.subject_ = pattern(match, "subject_regex");
  return m;
}

std::string_view Match::mismatch(const mime::Message& m) const {
  if (from_) {
    const bool any = std::any_of(m.from.begin(), m.from.end(), [&](const mime::Address& a) {
      return found(*from_, a.address) || (!a.name.empty() && found(*from_, a.name + " <" + a.address + ">"));
    });
    if (!any) return "from_regex";
  }
  if (subject_ &&
      !found(*subject_, std::string_view(m.subject ? *m.subject : std::string()).substr(0, kMaxSubject)))
    return "subject_regex";
  return {};
}

}  // namespace mailroom::policy
