#include "read/reader.hpp"

#include "mime/parse.hpp"

namespace mailroom::read {

namespace {

/// The connection is none the worse for a row that cannot be read.
Failure unreadable(Error error) {
  error.code = Errc::unsupported;
  return Failure(std::move(error));
}

}  // namespace

imap::FetchItems head_items(const imap::Client&) {
  imap::FetchItems items;
  items.flags = items.size = items.internal_date = items.structure = items.object_ids = true;
  items.sections = {{"HEADER", 256u << 10, 0}};
  return items;
}

net::Task<std::optional<imap::MessageRow>> fetch_one(imap::Client& client, imap::Uid uid,
                                                     imap::FetchItems items) {
  std::optional<imap::MessageRow> found;
  Error unread;
  const imap::UidSet set = imap::UidSet::one(uid);
  const imap::OnRow on_row = [&](imap::MessageRow&& row) {
    if (row.uid == uid)
      found = std::move(row);
    else if (row.error)
      unread = std::move(row.error);
  };
  co_await client.uid_fetch(set, items, on_row);
  if (!found && unread) throw unreadable(std::move(unread));
  co_return found;
}

net::Task<mime::Message> fetch_text(imap::Client& client, const imap::MessageRow& head, TextLimits limits) {
  const PartPlan plan = plan_text(head, limits);
  std::optional<imap::MessageRow> parts;
  if (!plan.wants.empty()) {
    imap::FetchItems items;
    items.flags = items.object_ids = false;
    items.sections = plan.wants;
    parts = co_await fetch_one(client, head.uid, items);
    if (!parts)
      throw Failure(Errc::not_found, "the message is gone", "message UID " + std::to_string(head.uid));
    for (const imap::FetchItems::Want& want : plan.wants)
      if (parts->error && !parts->section(want.name)) throw unreadable(parts->error);
  }
  co_return assemble(head, plan, parts ? *parts : imap::MessageRow{});
}

net::Task<mime::Message> fetch_summary(imap::Client& client, const imap::MessageRow& head) {
  PartPlan plan = plan_text(head);
  plan.cut = false;  // text was not asked for
  if (plan.plain) co_return assemble(head, plan, imap::MessageRow{});
  std::erase_if(plan.wants, [](const imap::FetchItems::Want& w) { return !w.name.ends_with(".MIME"); });
  std::optional<imap::MessageRow> parts;
  if (!plan.wants.empty()) {
    imap::FetchItems items;
    items.flags = items.object_ids = false;
    items.sections = plan.wants;
    parts = co_await fetch_one(client, head.uid, items);
  }
  co_return assemble(head, plan, parts ? *parts : imap::MessageRow{});
}

std::string thread_id(const mime::Message& m, const imap::MessageRow& row) {
  if (!row.thread_id.empty()) return row.thread_id;
  if (!row.gm_thread_id.empty()) return row.gm_thread_id;
  if (!m.references.empty()) return m.references.front();
  if (!m.in_reply_to.empty()) return m.in_reply_to.front();
  return m.message_id.value_or("");
}

aoh::Json to_json(const mime::Message& m, const imap::MessageRow& row, const imap::MailboxState& mailbox,
                  const mime::RenderOptions& options) {
  aoh::Json j = mime::to_json(m, options);
  if (row.flags) {
    aoh::Json flags = aoh::Json::array();
    for (const std::string& f : *row.flags) flags.push(f);
    j.set("flags", std::move(flags));
  }
  j.set("mailbox", mailbox.name).set("uid", row.uid);
  j.set_if(mailbox.uid_validity != 0, "uid_validity", mailbox.uid_validity);
  const std::string thread = thread_id(m, row);
  j.set_if(!thread.empty(), "thread_id", thread);
  return j;
}

}  // namespace mailroom::read
