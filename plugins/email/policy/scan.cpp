#include "policy/scan.hpp"

#include <algorithm>

#include "mime/ascii.hpp"

namespace mailroom::policy {
namespace {

using Kind = Condition::Kind;

bool type_is(const std::string& wanted, std::string_view type) {
  return wanted.ends_with("/*") ? type.starts_with(std::string_view(wanted).substr(0, wanted.size() - 1))
                                : type == wanted;
}
bool type_is_one(const Condition& c, std::string_view type) {
  return std::any_of(c.words.begin(), c.words.end(), [&](const auto& w) { return type_is(w, type); });
}

Truth truth(bool b) { return b ? Truth::yes : Truth::no; }

}  // namespace

Outcome Scan::test(const Condition& condition) {
  Outcome out;
  out.truth = eval(condition, out);
  if (out.truth != Truth::unknown) out.needs_parts = out.needs_text = false;
  if (out.truth != Truth::no) out.why = {};
  return out;
}

Truth Scan::eval(const Condition& c, Outcome& out) {
  switch (c.kind) {
    case Kind::all: {
      Truth all = Truth::yes;
      for (const Condition& child : c.children) {
        const Truth t = eval(child, out);
        if (t == Truth::no) return t;
        if (t == Truth::unknown) all = t;
      }
      return all;
    }
    case Kind::any: {
      Truth any = Truth::no;
      for (const Condition& child : c.children) {
        const Truth t = eval(child, out);
        if (t == Truth::yes) return t;
        if (t == Truth::unknown) any = t;
      }
      if (any == Truth::no) out.why = c.name;
      return any;
    }
    case Kind::negation: {
      const Truth t = eval(c.children.front(), out);
      if (t == Truth::yes) out.why = c.name;
      return t == Truth::unknown ? t : truth(t == Truth::no);
    }
    case Kind::pattern:
      if (patterns_.field(c.pattern.set) == Field::body && !facts_.text) {
        out.needs_text = true;
        return Truth::unknown;
      }
      if (Patterns::bit(found(c.pattern.set), c.pattern.index)) return Truth::yes;
      break;
    case Kind::mime_type:
      if (const Truth t = mime_type(c, out); t != Truth::no) return t;
      break;
    case Kind::attachment:
      if (const Truth t = attachments(c, out); t != Truth::no) return t;
      break;
    case Kind::folder:
      if (std::any_of(c.words.begin(), c.words.end(), [&](const auto& w) {
            return w == facts_.folder || (mime::iequals(w, "INBOX") && mime::iequals(facts_.folder, "INBOX"));
          }))
        return Truth::yes;
      break;
    case Kind::larger:
      if (facts_.size && *facts_.size > c.number) return Truth::yes;
      break;
    case Kind::smaller:
      if (facts_.size && *facts_.size < c.number) return Truth::yes;
      break;
    case Kind::authentication:
      if (authentication(c)) return Truth::yes;
      break;
    case Kind::flags:
      if (flags(c)) return Truth::yes;
      break;
    case Kind::older:
    case Kind::newer: {
      if (!facts_.arrived_s) break;
      const std::int64_t age = facts_.now_s - *facts_.arrived_s;
      const auto limit = static_cast<std::int64_t>(c.number);
      if (c.kind == Kind::older ? age > limit : age < limit) return Truth::yes;
      break;
    }
  }
  out.why = c.name;
  return Truth::no;
}

Truth Scan::mime_type(const Condition& c, Outcome& out) const {
  const mime::Message& m = *facts_.message;
  if (type_is_one(c, m.mime_type)) return Truth::yes;
  if (!facts_.parts) {
    if (!m.mime_type.starts_with("multipart/")) return Truth::no;
    out.needs_parts = true;
    return Truth::unknown;
  }
  return truth(std::any_of(m.part_types.begin(), m.part_types.end(),
                           [&](const std::string& type) { return type_is_one(c, type); }));
}

Truth Scan::attachments(const Condition& c, Outcome& out) {
  if (!facts_.parts) {
    out.needs_parts = true;
    return Truth::unknown;
  }
  const std::size_t n = std::min(facts_.message->attachments.size(), kAttachments);
  for (std::size_t i = 0; i < n; ++i)
    if (std::all_of(c.children.begin(), c.children.end(),
                    [&](const auto& child) { return of_attachment(child, i); }))
      return Truth::yes;
  return Truth::no;
}

bool Scan::of_attachment(const Condition& c, std::size_t index) {
  const mime::Attachment& a = facts_.message->attachments[index];
  switch (c.kind) {
    case Kind::pattern:
      found(c.pattern.set);
      return Patterns::bit(found_[c.pattern.set].each[index], c.pattern.index);
    case Kind::mime_type:
      return type_is_one(c, a.mime_type);
    case Kind::larger:
      return a.size > c.number;
    case Kind::smaller:
      return a.size < c.number;
    default:
      return false;
  }
}

bool Scan::authentication(const Condition& c) {
  if (!verdict_) verdict_ = auth_verdict(*facts_.message, facts_.trusted);
  const auto& word = c.method == "spf"    ? verdict_->spf
                     : c.method == "dkim" ? verdict_->dkim
                                          : verdict_->dmarc;
  return std::find(c.words.begin(), c.words.end(), word.value_or("unknown")) != c.words.end();
}

bool Scan::flags(const Condition& c) const {
  if (!facts_.flags) return false;
  return std::all_of(c.words.begin(), c.words.end(), [&](const std::string& wanted) {
    return std::any_of(facts_.flags->begin(), facts_.flags->end(),
                       [&](const std::string& f) { return mime::iequals(f, wanted); });
  });
}

const Scan::Bits& Scan::found(std::size_t set) {
  found_.resize(patterns_.sets());
  Found& f = found_[set];
  if (f.bits) return *f.bits;
  Bits& bits = f.bits.emplace(patterns_.none(set));
  const mime::Message& m = *facts_.message;
  const auto search = [&](std::string_view text) {
    patterns_.search(set, aoh::utf8_prefix(text, kFieldBytes), bits);
  };
  const auto addresses = [&](const std::vector<mime::Address>& list) {
    for (std::size_t i = 0; i < std::min(list.size(), kAddresses); ++i) {
      search(list[i].address);
      if (!list[i].name.empty()) search(list[i].name + " <" + list[i].address + ">");
    }
  };
  const auto fields = [&](std::string_view name) {
    for (const mime::HeaderField& h : m.headers)
      if (mime::iequals(h.name, name)) search(h.value);
  };
  switch (patterns_.field(set)) {
    case Field::from:
      addresses(m.from);
      break;
    case Field::to:
      addresses(m.to);
      break;
    case Field::cc:
      addresses(m.cc);
      break;
    case Field::subject:
      search(m.subject ? std::string_view(*m.subject) : std::string_view());
      break;
    case Field::list_id:
      fields("List-Id");
      break;
    case Field::header:
      fields(patterns_.header(set));
      break;
    case Field::body:
      if (m.text) patterns_.search(set, aoh::utf8_prefix(*m.text, kTextBytes), bits);
      break;
    case Field::attachment_name:
      for (std::size_t i = 0; i < std::min(m.attachments.size(), kAttachments); ++i) {
        Bits& one = f.each.emplace_back(patterns_.none(set));
        if (const auto& name = m.attachments[i].filename)
          patterns_.search(set, aoh::utf8_prefix(*name, kFieldBytes), one);
      }
      break;
  }
  return bits;
}

}  // namespace mailroom::policy
