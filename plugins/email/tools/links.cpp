#include "tools/links.hpp"

#include "store/links.hpp"

namespace mailroom::tools {
namespace {

constexpr std::size_t kMost = 200;

/// What a caller may know: not the object's name, which is half of a link.
aoh::Json shown(const store::LinkRecord& r) {
  aoh::Json j{{"id", r.id},
              {"state", store::name(r.state)},
              {"filename", printable(r.filename, 200)},
              {"size", r.size},
              {"sha256", r.sha256},
              {"store", r.store},
              {"expires", deliver::utc_minute(r.expires_s)}};
  j.set_if(!r.credential.empty(), "credential_id", r.credential);
  j.set_if(!r.message_id.empty(), "message_id", r.message_id);
  j.set_if(!r.outbox_id.empty(), "outbox_id", r.outbox_id);
  j.set_if(!r.error.empty(), "error", r.error);
  return j;
}

std::string line(const store::LinkRecord& r) {
  return r.id + "  " + store::name(r.state) + "  " + printable(r.filename, 200) + "  " +
         deliver::human_size(r.size) + "  until " + deliver::utc_minute(r.expires_s) +
         (r.error.empty() ? "" : "  " + r.error) + "\n";
}

/// The account whose links are meant; empty: all of them, which only a person may ask for.
std::string scope(const aoh::Json& args, const aoh::Call& call) {
  if (call.from_operator() && !args.has("credential_id")) return {};
  return credential_of(args, call);
}

aoh::Result list(const store::LinkTable& table, const std::string& credential) {
  aoh::Json links = aoh::Json::array();
  std::string text;
  for (const store::LinkRecord& r : table.all()) {
    if (!credential.empty() && r.credential != credential) continue;
    if (links.size() == kMost) {
      text += "There are more; these are the first " + std::to_string(kMost) + ".\n";
      break;
    }
    links.push(shown(r));
    text += line(r);
  }
  if (text.empty()) text = "There are no links.";
  return aoh::Result::ok(aoh::Json{{"links", std::move(links)}}, std::move(text));
}

aoh::Result revoke(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                   const std::string& credential) {
  const std::string& id = args["id"].str();
  if (id.empty())
    throw Failure(Errc::invalid, "no link was named", "id", "email_links with action list shows them");
  const auto known = store::LinkTable(box.runtime.services()).find(id);
  if (!known || (!credential.empty() && known->credential != credential))
    throw Failure(Errc::not_found, "there is no such link", "id " + printable(id, 64),
                  "email_links with action list shows them");
  const store::LinkRecord r = store::revoke(box.runtime, call, id);
  aoh::Json links = aoh::Json::array();
  links.push(shown(r));
  return aoh::Result::ok(aoh::Json{{"links", std::move(links)}},
                         "The file behind link " + r.id + " is deleted; the link leads nowhere now.\n");
}

aoh::Result purge(const Toolbox& box, aoh::Call& call, const std::string& credential) {
  const store::Purged done = store::purge(box.runtime, call, credential);
  aoh::Json links = aoh::Json::array();
  std::string text = std::to_string(done.expired.size()) + " files behind expired links are deleted.\n";
  for (const store::LinkRecord& r : done.expired) links.push(shown(r));
  for (const std::string& f : done.failures) text += f + "\n";
  aoh::Json structured{{"links", std::move(links)}};
  return done.failures.empty() ? aoh::Result::ok(std::move(structured), std::move(text))
                               : aoh::Result::error(std::move(text), std::move(structured));
}

aoh::Result upload(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  if (!call.from_operator())
    throw Failure(Errc::refused, "upload is for a person at the command line", "action",
                  "Attach the file with email_send: it becomes a link by itself when it is too large");
  const store::File file = store::file_at(args["path"].str(), "", args["filename"].str());
  store::Plan plan;
  if (args.has("id")) {
    const auto known = store::LinkTable(box.runtime.services()).find(args["id"].str());
    if (!known)
      throw Failure(Errc::not_found, "there is no such link", "id", "host-stub links list shows them");
    plan = store::plan_of(box.runtime, call, *known);
  } else {
    const std::int64_t now = box.runtime.services().clock.wall_ns() / 1'000'000'000;
    plan = store::plan(box.runtime, call, credential_of(args, call), file, random_token(32), now,
                       args["lifetime_s"].integer());
  }
  store::upload(box.runtime, call, plan, file);
  const auto record = store::LinkTable(box.runtime.services()).find(plan.id);
  aoh::Json links = aoh::Json::array();
  if (record) links.push(shown(*record));
  return aoh::Result::ok(aoh::Json{{"links", std::move(links)}, {"url", plan.link.url}},
                         deliver::text_block({plan.link}));
}

}  // namespace

aoh::Result email_links(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    const std::string action = args["action"].str_or("list");
    if (action == "upload") return upload(box, args, call);
    const std::string credential = scope(args, call);
    if (action == "revoke") return revoke(box, args, call, credential);
    if (action == "purge") return purge(box, call, credential);
    if (action != "list")
      throw Failure(Errc::invalid, "unknown action \"" + printable(action, 32) + "\"", "action",
                    "Use list, revoke or purge");
    return list(store::LinkTable(box.runtime.services()), credential);
  });
}

}  // namespace mailroom::tools
