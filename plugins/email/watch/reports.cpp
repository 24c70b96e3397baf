// Delivery reports among what came: read, tied to what was sent, and noted, before the message goes its usual
// way.
#include "bounce/take_report.hpp"
#include "deliver/report.hpp"
#include "read/reader.hpp"
#include "watch/batch.hpp"

namespace mailroom::watch {
namespace {

constexpr std::uint32_t kMostBytes = 1u
                                     << 20;  // of a report; what stands behind is the returned message's body

}  // namespace

// Reports are the server's word to the plugin, not to an agent: whether a blueprint wants the message is
// another matter. What a stranger wrote into one never ends the session; what the store cannot write does, so
// that the report is read again.
net::Task<void> Watcher::take_reports(Batch& batch) {
  for (auto& item : batch.items) {
    if (!item.report || stopping_) continue;
    imap::FetchItems items;
    items.flags = items.object_ids = false;
    items.sections = {{"", kMostBytes, 0}};
    std::optional<imap::MessageRow> row;
    std::string trouble;
    try {
      row = co_await read::fetch_one(*client_, item.uid, items);
    } catch (const Failure& f) {
      if (is_the_sessions(f)) throw;
      trouble = f.error.line();
    }
    const imap::Section* whole = row ? row->section("") : nullptr;
    bool store_failed = false;
    if (whole && !whole->nil) try {
        if (const auto report = deliver::read_report(whole->bytes)) {
          const bounce::Taken taken = bounce::take_report(runtime_.services(), credential_id_, *report);
          for (const std::string& address : taken.suppressed)
            runtime_.services().log.warn("a recipient is suppressed from now on",
                                         aoh::Json{{"credential_id", credential_id_},
                                                   {"address", printable(address, 320)},
                                                   {"outbox_id", taken.outbox_id}});
        }
      } catch (const aoh::StatusError& e) {
        store_failed = e.status == AOH_E_INTERNAL;
        trouble = e.what();
      } catch (const std::exception& e) {
        trouble = e.what();
      }
    if (store_failed) {
      work_first_ = work_last_ = 0;  // what the host does is no message's fault
      throw Failure(Errc::temporary, "what a delivery report says could not be stored: " + trouble, "",
                    "The host's log says why; a full disk is the usual cause");
    }
    if (!trouble.empty())
      runtime_.services().log.warn("watching " + credential_id_ + " " + printable(mailbox_, 200) +
                                   ": a delivery report was passed over: " + printable(trouble, 300));
  }
}

}  // namespace mailroom::watch
