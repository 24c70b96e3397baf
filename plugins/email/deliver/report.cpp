#include "deliver/report.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "mime/parse.hpp"

namespace mailroom::deliver {
namespace {

constexpr std::size_t kMostBytes = 1u << 20, kMostRecipients = 1'000, kMostWords = 512, kMostName = 320;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

/// "rfc822; user@example.org": what stands behind the type, without brackets (RFC 3464 §2.1.2).
std::string typed(const std::string* field, std::size_t most) {
  if (!field) return {};
  std::string_view value = *field;
  if (const std::size_t semicolon = value.find(';'); semicolon != std::string_view::npos)
    value.remove_prefix(semicolon + 1);
  value = trim(value);
  if (value.size() > 2 && value.front() == '<' && value.back() == '>')
    value = value.substr(1, value.size() - 2);
  return printable(value, most);
}

std::string plain(const std::string* field, std::size_t most) {
  return field ? printable(trim(*field), most) : std::string();
}

/// Digits, dots: "5.1.1", comments behind it left out (RFC 3463 §2).
std::string status_code(const std::string* field) {
  if (!field) return {};
  const std::string_view value = trim(*field);
  std::size_t dots = 0, n = 0;
  while (n < value.size() && n < 9 && ((value[n] >= '0' && value[n] <= '9') || value[n] == '.'))
    dots += value[n++] == '.' ? 1 : 0;
  const bool sound =
      dots == 2 && n >= 5 && value[1] == '.' && (value[0] == '2' || value[0] == '4' || value[0] == '5');
  return sound ? std::string(value.substr(0, n)) : std::string();
}

ReportedRecipient::Action action_of(const std::string* field) {
  using Action = ReportedRecipient::Action;
  if (!field) return Action::unknown;
  const std::string word = lower(trim(std::string_view(*field).substr(0, field->find_first_of(" \t("))));
  if (word == "failed") return Action::failed;
  if (word == "delayed") return Action::delayed;
  if (word == "delivered") return Action::delivered;
  if (word == "relayed") return Action::relayed;
  if (word == "expanded") return Action::expanded;
  return Action::unknown;
}

/// The groups of fields between empty lines.
std::vector<std::string_view> groups_of(std::string_view text) {
  std::vector<std::string_view> groups;
  std::size_t begin = 0, at = 0;
  const auto close = [&](std::size_t end) {
    if (!trim(text.substr(begin, end - begin)).empty()) groups.push_back(text.substr(begin, end - begin));
  };
  while (at < text.size() && groups.size() <= kMostRecipients) {
    std::size_t end = text.find('\n', at);
    end = end == std::string_view::npos ? text.size() : end + 1;
    if (trim(text.substr(at, end - at)).empty()) {
      close(at);
      begin = end;
    }
    at = end;
  }
  if (begin < text.size() && groups.size() <= kMostRecipients) close(text.size());
  return groups;
}

void read_bounce(std::string_view text, Report& report) {
  bool first = true;
  for (const std::string_view group : groups_of(text)) {
    const mime::Message fields = mime::parse_headers(group);
    const std::string* final_one = fields.header("Final-Recipient");
    const std::string* original = fields.header("Original-Recipient");
    if (first && !final_one && !original) {
      report.reporting_mta = typed(fields.header("Reporting-MTA"), kMostName);
      report.envelope_id = plain(fields.header("Original-Envelope-Id"), kMostName);
      first = false;
      continue;
    }
    first = false;
    if ((!final_one && !original) || report.recipients.size() == kMostRecipients) continue;
    ReportedRecipient r;
    r.address = typed(original ? original : final_one, kMostName);
    r.action = action_of(fields.header("Action"));
    r.status = status_code(fields.header("Status"));
    r.diagnostic = typed(fields.header("Diagnostic-Code"), kMostWords);
    r.remote_mta = typed(fields.header("Remote-MTA"), kMostName);
    report.recipients.push_back(std::move(r));
  }
}

void read_complaint(std::string_view text, Report& report) {
  const mime::Message fields = mime::parse_headers(text);
  report.feedback_type = lower(plain(fields.header("Feedback-Type"), 64));
  report.envelope_id = plain(fields.header("Original-Envelope-Id"), kMostName);
  for (const std::string& to : fields.all_headers("Original-Rcpt-To")) {
    if (report.recipients.size() == kMostRecipients) break;
    ReportedRecipient r;
    r.address = typed(&to, kMostName);
    report.recipients.push_back(std::move(r));
  }
}

/// The Message-ID of the returned message or its header.
void read_returned(std::string_view text, Report& report) {
  const mime::Message returned = mime::parse_headers(text);
  if (returned.message_id) report.message_id = *returned.message_id;
}

}  // namespace

bool ReportedRecipient::dead() const {
  if (action != Action::failed || status.empty() || status[0] != '5') return false;
  const std::string_view detail = std::string_view(status).substr(1);
  // Full (x.2.2), too big (x.3.4, x.2.3) and the policy's refusals (x.7.*) say nothing against the address.
  return detail != ".2.2" && detail != ".2.3" && detail != ".3.4" && !detail.starts_with(".7.");
}

std::optional<Report> read_report(std::string_view raw) {
  mime::ParseLimits limits;
  limits.hash_attachments = false;
  const mime::Message message = mime::parse(raw, limits);
  if (message.mime_type != "multipart/report") return std::nullopt;
  Report report;
  bool found = false;
  for (const mime::Attachment& part : message.attachments) {
    const bool status =
        part.mime_type == "message/delivery-status" || part.mime_type == "message/global-delivery-status";
    const bool feedback = part.mime_type == "message/feedback-report";
    const bool returned = part.mime_type == "message/rfc822" || part.mime_type == "text/rfc822-headers" ||
                          part.mime_type == "message/global" || part.mime_type == "message/global-headers";
    if (!status && !feedback && !returned) continue;
    const auto decoded = mime::decode_part(raw, part.part, limits);
    if (!decoded) continue;
    const std::string_view text = std::string_view(decoded->bytes).substr(0, kMostBytes);
    if (status && !found) {
      read_bounce(text, report);
      found = true;
    } else if (feedback && !found) {
      report.kind = Report::Kind::complaint;
      read_complaint(text, report);
      found = true;
    } else if (returned && report.message_id.empty()) {
      read_returned(text, report);
    }
  }
  if (!found) return std::nullopt;
  return report;
}

}  // namespace mailroom::deliver
