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
    while (!cr_only_ && line.end > at && raw_[line.end - 1] == '\r')
      --line.end;  // "\r\r\n": a relay doubled it
    return line;
  }

  void warn(std::string_view code, std::string detail) {
    if (scan_.warnings.size() < kMaxWarnings)
      scan_.warnings.push_back({std::string(code), std::move(detail)});
  }

  void limit(std::string_view code, std::string detail) {
    scan_.truncated = true;
    once(code, std::move(detail));
  }

  void once(std::string_view code, std::string detail) {
    for (const auto& w : scan_.warnings)
      if (w.code == code) return;
    warn(code, std::move(detail));
  }

  // Which open multipart's delimiter this line is, innermost first, and whether it closes it.
  std::optional<std::size_t> delimiter(const Line& line, bool& closes) {
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
      if (!boundary.empty())
        once("boundary_prefix", "a line begins with a boundary and goes on: some readers end the part there");
    }
    return {};
  }

  std::string_view text_at(std::size_t at) const {
    const Line line = line_at(std::min(at, raw_.size()));
    return raw_.substr(line.begin, line.end - line.begin);
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
        } else if (trim(text).empty()) {
          // A line of blanks before any field: an empty line that a relay damaged, unless it is the very
          // first and fields follow.
          const bool skipped = start == 0 && looks_like_field(text_at(line.next));
          at_ = line.next;
          if (!skipped) return;
          continue;
        } else if (start == 0 && line.begin == 0 && looks_like_field(trim(text))) {
          warn("header_line_invalid", "the first field is indented");
          const std::string_view field = trim(text);
          entity.fields.push_back(
              {trim(field.substr(0, field.find(':'))), field.substr(field.find(':') + 1)});
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
        once("header_line_invalid", "a line of the header is not a field");
        if (!looks_like_field(text_at(line.next))) {
          once("header_unended", "a header is followed by text without an empty line between");
          return;
        }
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
    if (!entity.content_type.repeated.empty())
      once("parameter_repeated", "a parameter of Content-Type stands twice");
    if (index > 0) repeated_fields(entity);
    entity.type = type_of(entity, digest && value.empty() ? "message/rfc822" : "text/plain");
    if (entity.type.starts_with("multipart/")) begin_multipart(entity, index);
  }

  // A part's own fields; the root's are looked at with the message's.
  void repeated_fields(const EntitySpan& entity) {
    for (std::string_view name : {"content-type", "content-transfer-encoding", "content-disposition"}) {
      std::size_t count = 0;
      for (const auto& field : entity.fields) count += iequals(field.name, name);
      if (count > 1) once("header_repeated", std::string(name) + " stands more than once in a part");
    }
  }

  // RFC 2045 §5.2: what cannot be read is text/plain. A part among others that names no text is a file of
  // some kind, as readers have it.
  std::string type_of(const EntitySpan& entity, std::string_view none) {
    std::string_view type = entity.content_type.value;
    type = trim(type.substr(0, type.find(',')));
    if (type.empty() && entity.field("content-type").empty()) return std::string(none);
    const std::size_t slash = type.find('/');
    const bool valid = slash != type.npos && slash > 0 && slash + 1 < type.size() &&
                       slash == type.rfind('/') && is_ascii(type) &&
                       type.find_first_of(" \t<>@,;:\\\"[]?=", 0) == type.npos && type.size() <= 255;
    if (valid && type.size() == entity.content_type.value.size()) return std::string(type);
    once("content_type_invalid", "a Content-Type cannot be read");
    if (valid) return std::string(type);
    const std::string_view major = type.substr(0, slash);
    for (std::string_view other : {"application", "image", "audio", "video"})
      if (major == other) return "application/octet-stream";
    const bool root = scan_.entities.size() == 1;
    return root || type.empty() || type.starts_with("text") ? "text/plain" : "application/octet-stream";
  }

  // "--boundary" at the start of a line, not too far off.
  bool occurs(std::string_view boundary) const {
    constexpr std::size_t kFar = 1u << 20;
    const std::string_view near = raw_.substr(at_, kFar);
    const std::string mark = "--" + std::string(boundary);
    for (std::size_t at = near.find(mark); at != near.npos; at = near.find(mark, at + 1))
      if (at == 0 || near[at - 1] == '\n' || near[at - 1] == '\r') return true;
    return false;
  }

  // Where a header names several boundaries, the one that is used.
  std::string boundary_of(const EntitySpan& entity) {
    std::vector<std::string> named;
    const auto add = [&](std::string_view boundary) {
      while (!boundary.empty() && is_space(boundary.back())) boundary.remove_suffix(1);
      if (!boundary.empty() && named.size() < 8 &&
          std::find(named.begin(), named.end(), boundary) == named.end())
        named.emplace_back(boundary);
    };
    const auto add_all = [&](const Structured& type) {
      if (const std::string* parameter = type.find("boundary")) add(*parameter);
      for (const auto& again : type.repeated)
        if (again.name == "boundary") add(again.value);
    };
    add_all(entity.content_type);
    std::size_t fields = 0;
    for (const auto& field : entity.fields)
      if (iequals(field.name, "content-type") && fields++ > 0 && fields < 8)
        add_all(parse_structured(unfold(field.value, limits_.max_field_bytes, nullptr)));
    if (named.size() > 1)
      once("boundary_ambiguous", "a multipart names several boundaries; the one that occurs is used");
    if (!named.empty() && named.front().size() > 2 && named.front().front() == '\'' &&
        named.front().back() == '\'')
      add(std::string_view(named.front()).substr(1, named.front().size() - 2));
    if (named.size() > 1)
      for (const auto& boundary : named)
        if (occurs(boundary)) return boundary;
    return named.empty() ? std::string() : named.front();
  }

  void begin_multipart(EntitySpan& entity, std::size_t index) {
    const std::string boundary = boundary_of(entity);
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
    open_.push_back({index, boundary});
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
