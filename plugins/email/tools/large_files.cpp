#include "tools/large_files.hpp"

#include <algorithm>

#include "deliver/links.hpp"
#include "outbox/outbox.hpp"
#include "store/links.hpp"
#include "tools/attachments.hpp"
#include "tools/outcome.hpp"

namespace mailroom::tools {
namespace {

constexpr std::uint64_t kHeaders = 16u << 10;  // header block, boundaries, link blocks: generously

std::string plans_key(const std::string& outbox_id) { return "outbox-links/" + outbox_id; }

std::uint64_t bodies_size(const mime::Draft& d) {
  std::uint64_t n = kHeaders;
  if (d.text) n += deliver::encoded_size(d.text->size());
  // A text part may be made from the HTML.
  if (d.html) n += deliver::encoded_size(d.html->size()) * (d.text ? 1 : 2);
  for (const mime::DraftAttachment& a : d.attachments)
    n += deliver::encoded_size(a.bytes.size()) + deliver::kPartOverhead;
  return n;
}

store::File file_of(const Toolbox& box, const AttachmentSource& s, const aoh::Call& call) {
  store::File file;
  if (!s.blob.empty()) {
    file = store::file_of_blob(box.runtime.services(), s.blob, call.id(), s.head.filename);
  } else if (!s.path.empty()) {
    file = store::file_at(s.path, root_for(box, call), s.head.filename);
  } else {
    auto bytes = std::make_shared<const std::string>(s.head.bytes);
    file.size = bytes->size();
    file.read = [bytes](std::uint64_t offset, std::size_t n) {
      return bytes->substr(std::min<std::uint64_t>(offset, bytes->size()), n);
    };
  }
  file.filename = s.head.filename;
  file.content_type = s.head.mime_type.empty() ? "application/octet-stream" : s.head.mime_type;
  return file;
}

}  // namespace

std::uint64_t ceiling_of(const Toolbox& box, aoh::Call& call, const host::Account& account,
                         std::uint64_t expected) {
  std::uint64_t most = box.runtime.config().max_message_bytes;
  if (account.limits.max_message_bytes) most = std::min(most, *account.limits.max_message_bytes);
  // Servers that take less than a megabyte are no longer found; most say 10 MB and more.
  constexpr std::uint64_t kNobodyMinds = 1u << 20;
  if (expected < kNobodyMinds || !account.smtp) return most;
  return deliver::message_ceiling(most, box.outbox.server_size(call, account));
}

aoh::Json attach(const Toolbox& box, const aoh::Json& args, aoh::Call& call, const host::Account& account,
                 mime::Draft& d) {
  std::vector<AttachmentSource> sources = attachment_sources(box, args, call, account);
  std::vector<std::uint64_t> sizes;
  std::vector<std::size_t> which;  // may be linked: what the HTML shows cannot
  std::uint64_t rest = bodies_size(d), all = 0;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    all += deliver::encoded_size(sources[i].size) + deliver::kPartOverhead;
    if (sources[i].head.is_inline) {
      rest += deliver::encoded_size(sources[i].size) + deliver::kPartOverhead;
      continue;
    }
    sizes.push_back(sources[i].size);
    which.push_back(i);
  }
  const std::uint64_t ceiling = ceiling_of(box, call, account, rest + all);
  const std::vector<std::size_t> chosen = deliver::choose_links(sizes, rest, ceiling);
  if (!chosen.empty() && account.link_store.empty())
    throw Failure(
        Errc::limit,
        "the message would have " + deliver::human_size(rest + all) + " after encoding, and may have " +
            deliver::human_size(ceiling),
        sources[which[chosen.front()]].field,
        "Send less, or have the operator set link_store on the account, so that large files go as links");
  std::vector<bool> linked(sources.size(), false);
  for (const std::size_t c : chosen) linked[which[c]] = true;
  aoh::Json plans;
  std::vector<deliver::LinkText> links;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (!linked[i]) {
      d.attachments.push_back(
          read_attachment(box, std::move(sources[i]), call, box.runtime.config().max_message_bytes));
      continue;
    }
    call.progress(0, 3, "reading " + sources[i].head.filename);
    const store::Plan plan =
        store::plan(box.runtime, call, account.id, file_of(box, sources[i], call), random_token(32),
                    box.runtime.services().clock.wall_ns() / 1'000'000'000);
    links.push_back(plan.link);
    plans.push(aoh::Json{{"index", i}, {"plan", plan.json()}});
  }
  if (links.empty()) return plans;
  const bool html_only = d.html && !d.text;
  if (!html_only) d.text = d.text.value_or("") + "\n\n" + deliver::text_block(links);
  if (d.html) {
    const std::string block = deliver::html_block(links);
    const std::size_t end = d.html->rfind("</body>");
    d.html->insert(end == d.html->npos ? d.html->size() : end, block);
  }
  return plans;
}

void upload_links(const Toolbox& box, const aoh::Json& args, aoh::Call& call, const host::Account& account,
                  const outbox::Record& record) {
  const aoh::Json plans = plans_of(box, record);
  if (plans.is_null()) return;
  const std::vector<AttachmentSource> sources = attachment_sources(box, args, call, account);
  for (const aoh::Json& row : plans.items()) {
    const auto index = static_cast<std::size_t>(row["index"].integer());
    if (index >= sources.size())
      throw Failure(Errc::invalid, "the attachments are others than those that were planned", "attachments");
    store::upload(box.runtime, call, store::Plan::from(row["plan"]), file_of(box, sources[index], call),
                  record.message_id, record.id);
  }
}

aoh::Json links_json(const aoh::Json& plans) {
  aoh::Json out = aoh::Json::array();
  for (const aoh::Json& row : plans.items()) {
    const store::Plan plan = store::Plan::from(row["plan"]);
    out.push(aoh::Json{{"id", plan.id},
                       {"filename", plan.link.filename},
                       {"size", plan.link.size},
                       {"sha256", plan.link.sha256},
                       {"expires", utc_text(plan.link.expires_s * 1'000'000'000)},
                       {"url", plan.link.url}});
  }
  return out;
}

aoh::Json plans_of(const Toolbox& box, const outbox::Record& record) {
  if (record.links.empty()) return {};
  const auto stored = box.runtime.services().state.get(plans_key(record.id));
  if (!stored)
    throw Failure(Errc::state, "the links of the message are not on record any more", "outbox/" + record.id);
  return aoh::Json::parse(stored->text);
}

void save_plans(const Toolbox& box, const std::string& outbox_id, const aoh::Json& plans) {
  box.runtime.services().state.apply({{plans_key(outbox_id), plans.dump()}});
}

}  // namespace mailroom::tools
