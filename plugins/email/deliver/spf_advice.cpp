#include "deliver/spf_advice.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "deliver/spf.hpp"
#include "deliver/spf_record.hpp"
#include "mime/ascii.hpp"

namespace mailroom::deliver {
namespace {

using Kind = SpfTerm::Kind;

constexpr std::size_t kMostRecords = 30, kGoodBytes = 450;  // RFC 7208 §3.4
constexpr int kMostDepth = 11, kMostCounted = 10'000;

std::string in_quotes(std::string_view text) { return "\"" + printable(text, 300) + "\""; }

class Walk {
 public:
  Walk(const DnsLookup& lookup, SpfAdvice& out) : lookup_(lookup), out_(out) {}

  /// The look-ups of the record and of those that it leads to; each record is read once, and counts as often
  /// as it is named.
  int record(const std::string& domain, int depth, bool outermost) {
    const std::string key = mime::to_lower(domain);
    if (std::find(path_.begin(), path_.end(), key) != path_.end()) {
      out_.errors.push_back(printable(domain, 253) + " includes itself");
      return 0;
    }
    if (const auto it = known_.find(key); it != known_.end()) return it->second;
    if (read_ == kMostRecords || depth > kMostDepth) return 0;
    ++read_;
    path_.push_back(key);
    const int lookups = read(domain, depth, outermost);
    path_.pop_back();
    return known_[key] = std::min(lookups, kMostCounted);
  }

 private:
  int read(const std::string& domain, int depth, bool outermost) {
    const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
    const DnsAnswer txt = lookup_(DnsType::txt, domain);
    if (txt.kind == DnsAnswer::Kind::temporary) {
      out_.temporary = true;
      out_.lines.push_back(indent + printable(domain, 253) + ": " + txt.why);
      return 0;
    }
    const SpfFound found = find_spf(txt);
    if (found.count != 1) {
      const std::string many = found.count
                                   ? " has " + std::to_string(found.count) + " SPF records; one is allowed"
                                   : " has no SPF record";
      // The domain's own lack is the report's to tell.
      if (!outermost || found.count > 1) out_.errors.push_back(printable(domain, 253) + many);
      return 0;
    }
    out_.lines.push_back(indent + printable(domain, 253) + ": " + in_quotes(found.text));
    if (outermost) out_.record = found.text;
    if (found.text.size() > kGoodBytes && outermost)
      out_.warnings.push_back("the record has " + std::to_string(found.text.size()) +
                              " bytes; beyond 450 an answer may not fit into one UDP packet");
    SpfRecord parsed;
    try {
      parsed = parse_spf(found.text);
    } catch (const Failure& f) {
      out_.errors.push_back(f.error.what + ": " + in_quotes(f.error.where) + " at " + printable(domain, 253));
      return 0;
    }
    return terms(parsed, domain, depth, outermost);
  }

  int terms(const SpfRecord& record, const std::string& domain, int depth, bool outermost) {
    bool has_all = false;
    int lookups = 0;
    for (const SpfTerm& t : record.mechanisms) {
      if (has_all) {
        if (outermost)
          out_.warnings.push_back(in_quotes(t.text) + " stands behind all and is never looked at");
        continue;
      }
      if (t.looks_up()) ++lookups;
      if (t.kind == Kind::ptr)
        out_.warnings.push_back(in_quotes(t.text) + " at " + printable(domain, 253) +
                                ": ptr is slow and should not be used (RFC 7208, 5.5)");
      if (t.kind == Kind::include) lookups += follow(t, depth);
      if (t.kind == Kind::all) {
        has_all = true;
        if (t.qualifier == '+')
          out_.errors.push_back(in_quotes(t.text) + " at " + printable(domain, 253) +
                                ": every machine in the world may send for the domain");
        if (t.qualifier == '?' && outermost)
          out_.warnings.push_back(in_quotes(t.text) + ": neutral says nothing about others' mail");
      }
    }
    if (has_all) return lookups;
    if (record.redirect) {
      lookups += 1 + follow(*record.redirect, depth);
    } else if (outermost) {
      out_.warnings.push_back("the record ends without all: others' mail is neutral");
    }
    return lookups;
  }
  int follow(const SpfTerm& t, int depth) {
    return t.target.find('%') == std::string::npos ? record(t.target, depth + 1, false) : 0;
  }

  const DnsLookup& lookup_;
  SpfAdvice& out_;
  std::map<std::string, int> known_;
  std::size_t read_ = 0;
  std::vector<std::string> path_;
};

}  // namespace

SpfAdvice analyse_spf(std::string_view domain, const DnsLookup& lookup) {
  SpfAdvice out;
  out.lookups = Walk(lookup, out).record(std::string(domain), 0, true);
  if (out.lookups > kSpfLookups)
    out.errors.push_back("it takes " + std::to_string(out.lookups) +
                         " look-ups; receivers stop at 10 with permerror (RFC 7208, 4.6.4)");
  else if (out.lookups == kSpfLookups)
    out.warnings.push_back("it takes all of the 10 look-ups that are allowed");
  return out;
}

}  // namespace mailroom::deliver
