// Delivery reports and complaints as strangers send them.
#include "deliver/report.hpp"
#include "fuzz.hpp"

namespace mailroom::fuzz {

FUZZ_TARGET(delivery_report) {
  const auto report = deliver::read_report(data);
  if (!report) return;
  must(report->recipients.size() <= 1000, "recipients are counted");
  must_be_a_line(report->message_id, "an id is one line");
  for (const deliver::ReportedRecipient& r : report->recipients) {
    must_be_a_line(r.address, "an address is one line");
    must_be_a_line(r.diagnostic, "a diagnostic is one line");
    must(r.diagnostic.size() <= 512, "a diagnostic is cut");
    r.dead();
  }
}

}  // namespace mailroom::fuzz
