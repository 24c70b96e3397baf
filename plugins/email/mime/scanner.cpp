#include "mime/scanner.hpp"

#include <algorithm>
#include <optional>

#include "mime/ascii.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMaxBoundary = 998;  // RFC 2046 §5.1.1 says 70; longer ones work everywhere
constexpr std::size_t kMaxWarnings = 100;

struct Line {
  std::size_t begin = 0;
  std::size_t end = 0;   // without its line end
  std::size_t next = 0;  // where the following line begins
};

struct Open {
  std::size_t entity;
  std::string boundary;
};

class Scanner {
 public:
  Scanner(std::string_view raw, const ParseLimits& limits) : raw_(raw), limits_(limits) {
    // Only where there is no LF at all does a CR end lines (old Macintosh mail); elsewhere relays disagree
    // about it.
    cr_only_ = raw.find('\n') == raw.npos && raw.find('\r') != raw.npos;
  }

  Scan run(bool headers_only) {
    begin_entity(0, "");
    if (!headers_only) {
      while (at_ < raw_.size() && !stopped_) body_line();
      finish();
    }
    return std::move(scan_);
  }

 private:
  Line line_at(std::size_t at) const {
    Line line{at, raw_.size(), raw_.size()};
    const std::size_t end = raw_.find(cr_only_ ? '\r' : '\n', at);
    if (end == raw_.npos) return line;
    line.next = end + 1;
    line.end = end;
    if (!cr_only_ && end > at && raw_[end - 1] == '\r') --line.end;
    return line;
  }

  void warn(std::string_view code, std::string detail) {
    if (scan_.warnings.size() < kMaxWarnings)
      scan_.warnings.push_back({std::string(code), std::move(detail)});
  }

  void limit(std::string_view code, std::string detail) {
    scan_.truncated = true;
    for (const auto& w : scan_.warnings)
      if (w.code == code) return;
    warn(code, std::move(detail));
  }

  // Which open multipart's delimiter this line is, innermost first, and whether it closes it.
  std::optional<std::size_t> delimiter(const Line& line, bool& closes) const {
    std::string_view text = raw_.substr(line.begin, line.end - line.begin);
    if (!text.starts_with("--")) return {};
    text.remove_prefix(2);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);  // transport padding
    for (std::size_t i = open_.size(); i-- > 0;) {
      const std::string& boundary = open_[i].boundary;
      if (!text.starts_with(boundary)) continue;
      const std::string_view rest = text.substr(boundary.size());
      if (rest.empty() || rest == "--") {
        closes = !rest.empty();
        return i;
      }
    }
    return {};
  }

  static bool looks_like_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == line.npos || colon == 0) return false;
    std::string_view name = line.substr(0, colon);
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
    return !name.empty() &&
           std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  }

  // The header block at at_; leaves at_ where the body begins.
  void read_header(EntitySpan& entity) {
    const std::size_t start = at_;
    bool cut = false;
    while (at_ < raw_.size()) {
      const Line line = line_at(at_);
      const std::string_view text = raw_.substr(line.begin, line.end - line.begin);
      if (text.empty()) {
        at_ = line.next;
        return;
      }
      bool closes = false;
      if (!open_.empty() && delimiter(line, closes)) return;  // no empty line: the part has no body
      if (text[0] == ' ' || text[0] == '\t') {
        if (!entity.fields.empty() && !cut) {
          auto& value = entity.fields.back().value;
          value = raw_.substr(static_cast<std::size_t>(value.data() - raw_.data()));
          value = value.substr(0, static_cast<std::size_t>(raw_.data() + line.end - value.data()));
        } else if (trim(text)
                       .empty()) {  // a line of blanks before any field: an empty line that a relay damaged
          at_ = line.next;
          return;
        }
      } else if (looks_like_field(text)) {
        cut = cut || entity.fields.size() >= limits_.max_headers ||
              line.begin - start > limits_.max_header_bytes;
        if (cut) {
          limit("limit_headers", "more header fields than are read");
        } else {
          const std::size_t colon = text.find(':');
          entity.fields.push_back({trim(text.substr(0, colon)), text.substr(colon + 1)});
        }
      } else if (!(entity.fields.empty() && (text.starts_with("From ") || text.starts_with(">From ")))) {
        // Junk among fields is skipped, as readers do; where no field follows, the body has begun without an
        // empty line.
        const Line following = line_at(std::min(line.next, raw_.size()));
        const std::string_view after = raw_.substr(following.begin, following.end - following.begin);
        warn("header_line_invalid", "a line of the header is not a field");
        if (!looks_like_field(after)) return;
      }
      at_ = line.next;
    }
  }

  void begin_entity(std::size_t parent, std::string number) {
    if (scan_.entities.size() >= limits_.max_parts) {
      limit("limit_parts", "more than " + std::to_string(limits_.max_parts) + " parts: the rest is not read");
      stopped_ = true;
      return;
    }
    const std::size_t index = scan_.entities.size();
    const bool digest = index > 0 && scan_.entities[parent].type == "multipart/digest";
    scan_.entities.emplace_back();
    EntitySpan& entity = scan_.entities.back();
    entity.parent = parent;
    entity.number = std::move(number);
    entity.first_child = index == 0 || scan_.entities[parent].children == 1;
    read_header(entity);
    current_ = index;
    entity.body = raw_.substr(at_, 0);
    in_body_ = true;

    const std::string_view value = entity.field("content-type");
    bool field_cut = false;
    entity.content_type = parse_structured(unfold(value, limits_.max_field_bytes, &field_cut));
    if (field_cut) limit("limit_field", "a Content-Type field is longer than is read");
    if (entity.content_type.repeated) warn("parameter_repeated", "a parameter of Content-Type stands twice");
    std::string& type = entity.content_type.value;
    const std::size_t slash = type.find('/');
    const bool valid = slash != type.npos && slash > 0 && slash + 1 < type.size() && is_ascii(type) &&
                       type.find_first_of(" \t<>@,;:\\\"[]?=", 0) == type.npos && type.size() <= 255;
    if (!valid && !value.empty())
      warn("content_type_invalid", "a Content-Type cannot be read; taken as text/plain");
    entity.type = valid ? type : (digest && value.empty() ? "message/rfc822" : "text/plain");
    if (entity.type.starts_with("multipart/")) begin_multipart(entity, index);
  }

  void begin_multipart(EntitySpan& entity, std::size_t index) {
    const std::string* parameter = entity.content_type.find("boundary");
    std::string_view boundary = parameter ? std::string_view(*parameter) : std::string_view();
    while (!boundary.empty() && is_space(boundary.back())) boundary.remove_suffix(1);
    if (boundary.empty() || boundary.size() > kMaxBoundary) {
      warn("boundary_missing", "a multipart without a usable boundary is read as text");
      entity.type = "text/plain";
      return;
    }
    if (open_.size() >= limits_.max_depth) {
      limit("limit_depth",
            "parts nested deeper than " + std::to_string(limits_.max_depth) + " are not opened");
      return;
    }
    for (const auto& open : open_)
      if (open.boundary == boundary)
        warn("boundary_repeated", "a multipart uses the boundary of the one around it");
    entity.multipart = true;
    open_.push_back({index, std::string(boundary)});
    in_body_ = false;
  }

  void end_body(std::size_t end) {
    if (!in_body_) return;
    EntitySpan& entity = scan_.entities[current_];
    const auto begin = static_cast<std::size_t>(entity.body.data() - raw_.data());
    // The line end before the delimiter belongs to it (RFC 2046 §5.1.1).
    if (end > begin && end < raw_.size() && raw_[end - 1] == (cr_only_ ? '\r' : '\n')) {
      --end;
      if (!cr_only_ && end > begin && raw_[end - 1] == '\r') --end;
    }
    entity.body = raw_.substr(begin, std::max(begin, end) - begin);
    in_body_ = false;
  }

  // From at_, the start of a line: the next line that begins with "--". Looks for a '-' rather than for line
  // ends: encoded parts have none.
  std::size_t next_dashes() const {
    const char line_end = cr_only_ ? '\r' : '\n';
    for (std::size_t at = at_; at < raw_.size(); ++at) {
      at = raw_.find('-', at);
      if (at == raw_.npos || at + 1 >= raw_.size()) break;
      if (raw_[at + 1] == '-' && (at == at_ || raw_[at - 1] == line_end)) return at;
    }
    return raw_.size();
  }

  void body_line() {
    at_ = open_.empty() ? raw_.size() : next_dashes();  // without a multipart: one body up to the end
    if (at_ >= raw_.size()) return;
    const Line line = line_at(at_);
    bool closes = false;
    const auto index = delimiter(line, closes);
    if (!index) {
      at_ = line.next;
      return;
    }
    end_body(line.begin);
    while (open_.size() > *index + 1) pop_unclosed();
    EntitySpan& parent = scan_.entities[open_.back().entity];
    at_ = line.next;
    if (closes) {
      close(parent);
      return;
    }
    ++parent.children;
    const std::string number = parent.number.empty() ? std::to_string(parent.children)
                                                     : parent.number + '.' + std::to_string(parent.children);
    begin_entity(open_.back().entity, number);
  }

  void close(EntitySpan& entity) {
    if (entity.children == 0) warn("multipart_empty", "a multipart has no parts");
    open_.pop_back();
  }

  void pop_unclosed() {
    EntitySpan& entity = scan_.entities[open_.back().entity];
    if (entity.children == 0) {
      // Nothing was delimited: what stands there is what a reader would be shown.
      const auto begin = static_cast<std::size_t>(entity.body.data() - raw_.data());
      warn("boundary_not_found", "the boundary of a multipart never occurs; its body is read as text");
      entity.multipart = false;
      entity.type = "text/plain";
      entity.body = raw_.substr(begin, at_ - begin);
    } else {
      warn("boundary_unclosed", "a multipart has no closing delimiter");
    }
    open_.pop_back();
  }

  void finish() {
    if (!stopped_) end_body(raw_.size());
    while (!open_.empty()) pop_unclosed();
    EntitySpan& root = scan_.entities.front();
    if (!root.multipart) root.number = "1";
  }

  std::string_view raw_;
  const ParseLimits& limits_;
  bool cr_only_ = false;
  Scan scan_;
  std::vector<Open> open_;   // multiparts whose closing delimiter has not come
  std::size_t current_ = 0;  // whose body in_body_ speaks of
  bool in_body_ = false;     // false in preambles and epilogues
  bool stopped_ = false;     // the limit of parts was passed
  std::size_t at_ = 0;
};

}  // namespace

std::string_view EntitySpan::field(std::string_view name) const {
  for (const auto& f : fields)
    if (iequals(f.name, name)) return f.value;
  return {};
}

Scan scan(std::string_view raw, const ParseLimits& limits) { return Scanner(raw, limits).run(false); }
Scan scan_headers(std::string_view raw, const ParseLimits& limits) { return Scanner(raw, limits).run(true); }

}  // namespace mailroom::mime
