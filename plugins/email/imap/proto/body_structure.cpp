#include "imap/proto/body_structure.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "imap/proto/ascii.hpp"

namespace mailroom::imap {
namespace {

using Params = std::vector<std::pair<std::string, std::string>>;

class Reader {
 public:
  Reader(Tokens& tokens, const Limits& limits) : t_(tokens), limits_(limits) {}

  BodyPart body(const std::string& number, std::size_t depth) {
    if (depth > limits_.depth) throw Failure(Errc::limit, "a message's structure is nested too deep");
    if (++parts_ > limits_.parts) throw Failure(Errc::limit, "a message's structure has too many parts");
    t_.expect('(');
    BodyPart part;
    if (t_.peek('('))
      multipart(part, number, depth);
    else
      basic(part, number, depth);
    while (!t_.take(')')) t_.skip();  // body-extension: whatever a later standard adds
    return part;
  }

 private:
  bool more() { return !t_.peek(')'); }
  std::string text() { return more() ? t_.string() : std::string(); }

  Params params() {
    Params out;
    if (!more()) return out;
    if (!t_.peek(
            '(')) {  // NIL, or a string where a list belongs; a bare word is a quote gone wrong before it
      t_.string();
      return out;
    }
    t_.expect('(');
    while (!t_.take(')')) {
      if (out.size() >= 200) throw Failure(Errc::limit, "a part of a message has more than 200 parameters");
      std::string name = lower(t_.string());
      out.emplace_back(std::move(name), text());
    }
    return out;
  }

  void disposition(BodyPart& part) {
    if (!more()) return;
    if (!t_.peek('(')) {  // NIL; some servers send the bare word
      part.disposition = lower(t_.string());
      return;
    }
    t_.expect('(');
    part.disposition = lower(text());
    part.disposition_params = params();
    while (!t_.take(')')) t_.skip();
  }

  void multipart(BodyPart& part, const std::string& number, std::size_t depth) {
    part.number = number;
    part.type = "multipart";
    const std::string prefix = number.empty() ? "" : number + ".";
    while (t_.peek('('))
      part.parts.push_back(body(prefix + std::to_string(part.parts.size() + 1), depth + 1));
    part.subtype = lower(text());
    part.params = params();
    disposition(part);
  }

  void basic(BodyPart& part, const std::string& number, std::size_t depth) {
    part.number = number.empty() ? "1" : number;
    part.type = lower(text());
    if (is_empty_multipart(part.type)) {
      part.number = number;
      part.subtype = part.type.empty() ? lower(text()) : std::exchange(part.type, {});
      part.type = "multipart";
      part.params = params();
      disposition(part);
      return;
    }
    part.subtype = lower(text());
    part.params = params();
    part.id = text();
    part.description = text();
    part.encoding = lower(text());
    part.size_known = more();
    if (more()) part.size = size(&part.size_known);
    if (part.type == "message" && (part.subtype == "rfc822" || part.subtype == "global") && more()) {
      t_.skip();  // envelope
      if (t_.peek('(')) part.parts.push_back(inner(part.number, depth));
      if (more()) part.lines = size();
    } else if (part.type == "text" && more()) {
      part.lines = size();
    }
    if (more()) t_.skip();  // MD5
    disposition(part);
  }

  /// Quirk empty_multipart, after the first string: `("ALTERNATIVE")` from Gmail, `("mixed" ("boundary" "x")
  /// NIL NIL)` and `(NIL "mixed" ...)` from others. The grammar has no multipart without parts (RFC 3501 §9).
  bool is_empty_multipart(std::string_view first) {
    static constexpr std::string_view kSubtypes[] = {"mixed",  "alternative", "related",   "digest",
                                                     "report", "signed",      "encrypted", "parallel"};
    const auto known = [](std::string_view s) {
      return std::find(std::begin(kSubtypes), std::end(kSubtypes), s) != std::end(kSubtypes);
    };
    if (!first.empty()) return known(first) && (!more() || t_.peek('('));
    const Tokens::Mark m = t_.mark();
    const bool yes = t_.peek('"') && known(lower(t_.string()));
    t_.back(m);
    return yes;
  }

  /// The body of a message/rfc822: a multipart shares its number, anything else is its part 1.
  BodyPart inner(const std::string& number, std::size_t depth) {
    const Tokens::Mark m = t_.mark();
    t_.expect('(');
    const bool multi = t_.peek('(');
    t_.back(m);
    return body(multi ? number : number + ".1", depth + 1);
  }

  std::uint32_t size(bool* known = nullptr) {
    const std::optional<std::uint64_t> n = t_.tolerant_number();
    const bool good = n && *n <= UINT32_MAX;
    if (known) *known = good;
    return good ? static_cast<std::uint32_t>(*n) : 0;
  }

  Tokens& t_;
  const Limits& limits_;
  std::size_t parts_ = 0;
};

}  // namespace

BodyPart parse_body_structure(Tokens& tokens, const Limits& limits) {
  return Reader(tokens, limits).body({}, 0);
}

}  // namespace mailroom::imap
