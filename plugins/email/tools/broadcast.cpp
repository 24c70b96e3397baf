#include "tools/broadcast.hpp"

#include <map>
#include <set>

#include "mime/json.hpp"
#include "mime/parse.hpp"
#include "outbox/outbox.hpp"
#include "support/template.hpp"
#include "tools/attachments.hpp"
#include "tools/compose_args.hpp"
#include "tools/deliver.hpp"
#include "tools/outcome.hpp"
#include "tools/templates.hpp"

namespace mailroom::tools {
namespace {

constexpr std::size_t kPreviews = 3;
constexpr std::size_t kReportRows = 500;

struct Texts {
  std::optional<aoh::tmpl::Template> subject, text, html, unsubscribe;
  std::optional<MailTemplate> named;

  Texts(const Toolbox& box, const aoh::Json& args) {
    if (const std::string& name = args["template"].str(); !name.empty()) {
      for (const char* field : {"subject", "text", "html"})
        if (args.has(field))
          throw Failure(Errc::invalid, "the template makes it", field,
                        "Leave it out, or write the message without template");
      named = mail_template(box, name);
    }
    const auto one = [&](const char* field, bool html_, bool header) -> std::optional<aoh::tmpl::Template> {
      if (args[field].str().empty()) return std::nullopt;
      aoh::tmpl::Options o;
      o.html = html_;
      o.header = header;
      return aoh::tmpl::Template(args[field].str(), o, field);
    };
    subject = one("subject", false, true);
    text = one("text", false, false);
    html = one("html", true, false);
    unsubscribe = one("unsubscribe_url", false, true);
  }
};

void check_url(const std::string& url, const std::string& where) {
  const bool good = url.starts_with("https://") && url.size() <= 900 && url.size() > 8 &&
                    url.find_first_of("<>\" \t\r\n,") == url.npos;
  if (!good)
    throw Failure(Errc::invalid, "the unsubscribe address is not an https URL that a header can hold", where,
                  "One-click needs HTTPS (RFC 8058); escape what came from data with the filter urlencode");
}

// What one recipient's templates see: their own data over the data for all, and `recipient`.
aoh::Json scope_of(const aoh::Json& args, const aoh::Json& row, const mime::Address& to) {
  aoh::Json scope = args["data"].is_object() ? args["data"] : aoh::Json::object();
  for (const auto& m : row["data"].members()) scope.set(m.key, m.value);
  scope.set("recipient", aoh::Json{{"address", to.address}, {"name", to.name}});
  return scope;
}

std::vector<std::pair<mime::Address, aoh::Json>> recipients_of(const aoh::Json& args, std::size_t& doubles) {
  std::vector<std::pair<mime::Address, aoh::Json>> out;
  std::set<std::string> seen;
  const aoh::Json::Array& rows = args["recipients"].items();
  if (rows.empty())
    throw Failure(Errc::invalid, "nobody to send to", "recipients",
                  "Give a list of addresses, or of {to, data}");
  if (rows.size() > kMostRecipients)
    throw Failure(Errc::limit, "more than " + std::to_string(kMostRecipients) + " recipients", "recipients",
                  "Make several broadcasts of them");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string where = "recipients[" + std::to_string(i) + "]";
    const aoh::Json wrapped{{"to", rows[i].is_object() ? rows[i]["to"] : rows[i]}};
    std::vector<mime::Address> found;
    try {
      found = addresses_of(wrapped, "to");
    } catch (const Failure& f) {
      Error e = f.error;
      e.where = where + ".to";
      throw Failure(std::move(e));
    }
    if (found.size() != 1)
      throw Failure(Errc::invalid, "expected one address, got " + std::to_string(found.size()), where + ".to",
                    "Each recipient has an entry of their own: an address, or {to, data}");
    if (const std::string problem = mime::address_problem(found[0].address); !problem.empty())
      throw Failure(Errc::invalid, "this address " + problem, where + ".to", "Write user@example.org");
    if (!seen.insert(found[0].address).second) {
      ++doubles;
      continue;
    }
    out.emplace_back(found[0], rows[i]);
  }
  return out;
}

std::string utf8_of(const std::optional<aoh::tmpl::Template>& t, const aoh::Json& scope,
                    const std::string& who) {
  if (!t) return {};
  try {
    return t->render_text(scope);
  } catch (const aoh::tmpl::TemplateError& e) {
    throw Failure(Errc::invalid, e.what(), who);
  }
}

void name_recipient(const std::string& who, const std::function<void()>& render) {
  try {
    render();
  } catch (Failure& f) {
    f.error.where += (f.error.where.empty() ? "" : ", ") + who;
    throw Failure(f.error);
  }
}

// Renders every message before the first one goes: a mistake in the data of the last recipient is found now.
struct Rendered {
  std::vector<BroadcastLine> first;
  std::string blob, sha256, subject;
  std::size_t total = 0, doubles = 0;
};

Rendered render_all(const Toolbox& box, const aoh::Json& args) {
  Rendered out;
  const auto recipients = recipients_of(args, out.doubles);
  if (recipients.size() > kFewRecipients && args["unsubscribe_url"].str().empty() &&
      args["unsubscribe_mailto"].str().empty())
    throw Failure(Errc::invalid,
                  "more than " + std::to_string(kFewRecipients) + " recipients need a way to unsubscribe",
                  "unsubscribe_url", "Give unsubscribe_url (https) or unsubscribe_mailto");
  std::optional<Texts> texts;
  try {
    texts.emplace(box, args);
  } catch (const aoh::tmpl::TemplateError& e) {
    throw Failure(Errc::invalid, e.what(), e.file);
  }
  const aoh::Blobs& blobs = box.runtime.services().blobs;
  const std::string blob = blobs.create({}, aoh::Json{{"mime_type", "application/jsonl"}});
  try {
    std::string pending;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < recipients.size(); ++i) {
      const auto& [to, row] = recipients[i];
      const std::string who = "recipient " + to.address;
      const aoh::Json scope = scope_of(args, row, to);
      BroadcastLine line{to, utf8_of(texts->subject, scope, who), utf8_of(texts->text, scope, who),
                         utf8_of(texts->html, scope, who), utf8_of(texts->unsubscribe, scope, who)};
      if (texts->named)
        name_recipient(who, [&] {
          RenderedMail mail = texts->named->render(scope);
          line.subject = std::move(mail.subject);
          line.text = mail.text.value_or("");
          line.html = mail.html.value_or("");
        });
      if (!line.unsubscribe_url.empty()) check_url(line.unsubscribe_url, who + ": unsubscribe_url");
      if (i == 0) out.subject = line.subject;
      pending += line.dump();
      if (out.first.size() < kPreviews) out.first.push_back(std::move(line));
      if (pending.size() < (512u << 10) && i + 1 < recipients.size()) continue;
      bytes += pending.size();
      if (bytes > kMostLines)
        throw Failure(Errc::limit,
                      "the rendered messages have more than " + std::to_string(kMostLines) + " bytes",
                      "recipients", "Make several broadcasts of them");
      blobs.write(blob, pending);
      pending.clear();
    }
    out.sha256 = blobs.seal(blob)["sha256"].str();
  } catch (...) {
    blobs.remove(blob);
    throw;
  }
  out.blob = blob;
  out.total = recipients.size();
  return out;
}

aoh::Json job_json(const BroadcastJob& job) {
  aoh::Json j{{"broadcast_id", job.id},
              {"state", std::string(name(job.state))},
              {"recipients", job.total},
              {"subject", job.subject},
              {"started", utc_text(job.created_unix_ns)}};
  return j;
}

// How many are in which state, and the rows from `offset` on that are asked for.
aoh::Json report(const Toolbox& box, const BroadcastJob& job, std::size_t offset, std::size_t limit,
                 bool all) {
  std::map<std::string, std::int64_t> counts;
  aoh::Json rows = aoh::Json::array();
  std::string line;
  std::uint64_t at = 0;
  std::size_t matching = 0;
  const aoh::Blobs& blobs = box.runtime.services().blobs;
  for (std::uint64_t n = 0; n < job.total; ++n) {
    std::size_t end = 0;
    while ((end = line.find('\n')) == line.npos) {
      const std::string piece = blobs.read(job.lines, {}, at, 256u << 10);
      if (piece.empty())
        throw Failure(Errc::state, "the broadcast's messages are gone", "broadcast " + job.id);
      at += piece.size();
      line += piece;
    }
    const std::string text = line.substr(0, end);
    line.erase(0, end + 1);
    const auto entry = box.outbox.store().find(job.message_id_of(n));
    const std::string state = entry ? std::string(name(entry->record.state)) : "open";
    ++counts[state];
    if (limit == 0 || (!all && (state == "sent" || state == "open" || state == "queued"))) continue;
    if (matching++ < offset || rows.size() >= limit) continue;
    aoh::Json row{{"address", BroadcastLine::from(aoh::Json::parse(text)).to.address}, {"state", state}};
    if (entry) {
      row.set("message_id", entry->record.message_id).set("outbox_id", entry->record.id);
      row.set_if(!entry->record.error.is_null(), "error", entry->record.error["what"].str());
      for (const aoh::Json& r : entry->record.recipients.items()) {
        row.set_if(r.has("server_said"), "server_said", r["server_said"]);
        row.set_if(r.has("bounced"), "bounced", r["bounced"]);
        row.set_if(r.has("why"), "error", r["why"]);
      }
    }
    rows.push(std::move(row));
  }
  aoh::Json j = job_json(job);
  aoh::Json states = aoh::Json::object();
  for (const auto& [state, n] : counts) states.set(state, n);
  j.set("counts", std::move(states));
  if (limit > 0) {
    j.set("rows", std::move(rows)).set("matching", matching);
    j.set_if(offset + limit < matching, "notice",
             "more rows: call again with offset " + std::to_string(offset + limit));
  }
  return j;
}

std::string line_of(const aoh::Json& j) {
  std::string text = "Broadcast " + j["broadcast_id"].str() + " to " +
                     std::to_string(j["recipients"].integer()) + " recipients is " + j["state"].str();
  for (const auto& m : j["counts"].members()) text += ", " + m.key + " " + std::to_string(m.value.integer());
  return text + ".";
}

aoh::Result start(const Toolbox& box, Broadcasts& broadcasts, const aoh::Json& args, aoh::Call& call) {
  const std::string credential = credential_of(args, call);
  const host::Account account = box.runtime.services().account(credential);
  if (!account.smtp)
    throw Failure(Errc::config, "the account has no SMTP server", "credential " + account.id + ": smtp",
                  "Add it with host-stub credential add");
  const SendKey key = send_key(args, call, credential);
  if (const auto before = broadcasts.find(key.outbox_id)) {
    check_same_request(key, before->request_sha256);
    aoh::Json j = report(box, *before, 0, 0, false);
    j.set("repeated", true);
    std::string text = line_of(j);
    return aoh::Result::ok(std::move(j), std::move(text));
  }
  if (args["text"].str().empty() && args["html"].str().empty() && args["template"].str().empty())
    throw Failure(Errc::invalid, "nothing to send", "text", "Give text, html or template");
  if (box.outbox.store().find(key.outbox_id))
    throw Failure(Errc::invalid, "this idempotency_key was used for another message", "idempotency_key",
                  "Use a new key for a new message");
  BroadcastJob job;
  job.id = key.outbox_id;
  job.request_sha256 = key.request_sha256;
  job.credential_id = credential;
  job.session_id = call.context()["session_id"].str();
  job.created_unix_ns = box.runtime.services().clock.wall_ns();
  job.send_at_unix_ns = SendOptions::of(box, args).send_at_unix_ns;
  job.sender = sender_of(args, account);
  job.reply_to = addresses_of(args, "reply_to");
  job.list_id = args["list_id"].str();
  job.unsubscribe_mailto = args["unsubscribe_mailto"].str();
  if (!job.unsubscribe_mailto.empty())
    if (const std::string problem = mime::address_problem(job.unsubscribe_mailto); !problem.empty())
      throw Failure(Errc::invalid, "this address " + problem, "unsubscribe_mailto");
  job.automatic = !trigger_of(box, call).is_null();
  std::vector<mime::DraftAttachment> files = attachments_of(box, args, call, account);
  Rendered rendered = render_all(box, args);
  const aoh::Blobs& blobs = box.runtime.services().blobs;
  try {
    // The first message, whole: what is wrong with headers or sizes is found before anything is stored.
    aoh::Json previews = aoh::Json::array();
    for (const BroadcastLine& line : rendered.first) {
      const mime::Composed mail = compose(box, draft_of(job, line, files));
      mime::RenderOptions full;
      full.format = mime::Format::full;
      full.headers = true;
      previews.push(mime::to_json(mime::parse(mail.bytes), full));
    }
    job.subject = rendered.subject;
    job.lines = rendered.blob;
    job.lines_sha256 = rendered.sha256;
    job.total = rendered.total;
    if (args["mode"].str() == "preview") {
      blobs.remove(rendered.blob);
      aoh::Json j = job_json(job);
      j.set("state", "preview").set("previews", std::move(previews)).set("lines_sha256", job.lines_sha256);
      j.set_if(rendered.doubles > 0, "doubles_left_out", rendered.doubles);
      return aoh::Result::ok(std::move(j), "Nothing was sent. " + std::to_string(job.total) +
                                               " recipients; the first messages are shown.");
    }
    for (mime::DraftAttachment& f : files)
      job.attachments.push_back(aoh::Json{
          {"blob", box.runtime.services().make_blob({}, aoh::Json{{"filename", f.filename}}, f.bytes)["id"]},
          {"filename", f.filename},
          {"mime_type", f.mime_type}});
    broadcasts.add(job);
  } catch (...) {
    blobs.remove(rendered.blob);
    throw;
  }
  aoh::Json j = report(box, job, 0, 0, false);
  j.set_if(rendered.doubles > 0, "doubles_left_out", rendered.doubles);
  std::string text = line_of(j);
  if (!box.outbox.resident()) text += " It goes out while the host stays up: host-stub run.";
  return aoh::Result::ok(std::move(j), std::move(text));
}

std::string id_of(const aoh::Json& args) {
  const std::string& id = args["broadcast_id"].str();
  if (id.empty())
    throw Failure(Errc::invalid, "no broadcast was named", "broadcast_id",
                  "Give the id that start answered; action list shows them");
  return id;
}

BroadcastJob need(const Broadcasts& broadcasts, const aoh::Json& args, const std::string& credential) {
  const auto job = broadcasts.find(id_of(args));
  if (!job || job->credential_id != credential)
    throw Failure(Errc::not_found, "the account has no such broadcast",
                  "broadcast " + printable(args["broadcast_id"].str(), 64),
                  "action list shows those there are");
  return *job;
}

aoh::Json list(const Toolbox& box, const Broadcasts& broadcasts, const std::string& credential) {
  aoh::Json out = aoh::Json::array();
  std::string after;
  const host::Services& services = box.runtime.services();
  for (;;) {
    const aoh::Json keys = services.state.list("outbox/", after);
    for (const aoh::Json& row : keys.items()) {
      after = row["key"].str();
      if (const auto job = broadcasts.find(after.substr(7)); job && job->credential_id == credential)
        out.push(job_json(*job));
      if (out.size() == kReportRows) return out;
    }
    if (keys.empty()) return out;
  }
}

}  // namespace

aoh::Result email_broadcast(const Toolbox& box, Broadcasts& broadcasts, const aoh::Json& args,
                            aoh::Call& call) {
  return answer([&]() -> aoh::Result {
    const std::string action = args["action"].str_or("start");
    if (action == "start") return start(box, broadcasts, args, call);
    const std::string credential = credential_of(args, call);
    if (action == "list") {
      aoh::Json all = list(box, broadcasts, credential);
      std::string text = std::to_string(all.size()) + " broadcasts.";
      for (const aoh::Json& j : all.items())
        text += "\n" + j["broadcast_id"].str() + "  " + j["state"].str() + "  " + j["subject"].str();
      return aoh::Result::ok(aoh::Json{{"broadcasts", std::move(all)}}, std::move(text));
    }
    BroadcastJob job = need(broadcasts, args, credential);
    if (action == "pause") job = broadcasts.change(job.id, BroadcastJob::State::paused);
    if (action == "resume") job = broadcasts.change(job.id, BroadcastJob::State::running);
    if (action == "cancel") job = broadcasts.change(job.id, BroadcastJob::State::cancelled);
    const bool rows = action == "report";
    const std::int64_t limit = args["limit"].integer(100);
    aoh::Json j = report(box, job, static_cast<std::size_t>(args["offset"].integer()),
                         rows ? static_cast<std::size_t>(limit) : 0, args["rows"].str() == "all");
    std::string text = line_of(j);
    for (const aoh::Json& row : j["rows"].items())
      text += "\n" + row["address"].str() + "  " + row["state"].str() + "  " + row["error"].str() +
              row["server_said"].str();
    return aoh::Result::ok(std::move(j), std::move(text));
  });
}

}  // namespace mailroom::tools
