#include "tools/parse.hpp"

#include "host/bytes.hpp"
#include "mime/fence.hpp"
#include "mime/parse.hpp"
#include "tools/base64.hpp"

namespace mailroom::tools {
namespace {

constexpr std::size_t kMaxSources = 100;
constexpr std::size_t kMaxMessage = 512u << 20;  // files and blobs: mapped, not held

// How much an answer may hold. A person's program gets whole texts; a model's context is small.
struct Budget {
  std::size_t text;      // of one message's text and html, each
  std::size_t total;     // of the JSON in all
  std::size_t rendered;  // of what the model reads, in all
};
constexpr Budget kOperator{4u << 20, 5u << 20, 256u << 10};
constexpr Budget kAgent{64u << 10, 512u << 10, 128u << 10};

struct Source {
  std::string label;
  std::function<host::Bytes()> read;
};

std::vector<Source> sources(const Toolbox& box, const aoh::Json& args, const aoh::Call& call) {
  std::vector<Source> out;
  for (const aoh::Json& p : args["paths"].items())
    out.push_back({p.str(), [&, path = p.str()] {
                     const host::Services& services = box.runtime.services();
                     if (call.from_operator()) return host::open_file(services, path, {}, kMaxMessage);
                     const std::string& root = box.runtime.config().files_root;
                     if (root.empty())
                       throw Failure(Errc::refused, "files by path are not open to agents", "paths",
                                     "Use a blob, or let the operator set files_root");
                     return host::open_file(services, path, root, kMaxMessage);
                   }});
  for (const aoh::Json& b : args["blobs"].items())
    out.push_back({"blob " + printable(b.str(), 200), [&, id = b.str()] {
                     return host::open_blob(box.runtime.services(), id, call.id(), kMaxMessage);
                   }});
  const aoh::Json::Array& raw = args["raw"].items();
  for (std::size_t i = 0; i < raw.size(); ++i)
    out.push_back({"raw[" + std::to_string(i) + "]", [&r = raw[i]] { return host::Bytes(r.str()); }});
  const aoh::Json::Array& coded = args["base64"].items();
  for (std::size_t i = 0; i < coded.size(); ++i) {
    const std::string label = "base64[" + std::to_string(i) + "]";
    out.push_back({label, [&c = coded[i], label] { return host::Bytes(decode_base64(c.str(), label)); }});
  }
  return out;
}

}  // namespace

aoh::Result email_parse(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&]() -> aoh::Result {
    const std::vector<Source> all = sources(box, args, call);
    if (all.empty())
      throw Failure(Errc::invalid, "nothing to parse was named", "paths, blobs, raw or base64",
                    "Give at least one of them");
    if (all.size() > kMaxSources)
      throw Failure(Errc::limit, "more than 100 messages at once", "", "Ask for fewer at once");
    const Budget budget = call.from_operator() ? kOperator : kAgent;
    const std::string nonce = random_token();
    mime::RenderOptions options;
    options.format = format_of(args, mime::Format::full);
    options.headers = args["headers"].boolean();
    options.text_offset = static_cast<std::size_t>(std::max<std::int64_t>(0, args["text_offset"].integer()));

    aoh::Json messages = aoh::Json::array();
    std::string rendered, notice;
    std::size_t used = 0, read = 0;
    Error first_error;
    for (const Source& source : all) {
      if (call.cancelled()) return aoh::Result::cancelled();
      call.progress(static_cast<double>(messages.size()), static_cast<double>(all.size()), "parsing");
      const std::string label = printable(source.label, 300);
      try {
        mime::ParseLimits limits;
        limits.max_text_bytes = std::max<std::size_t>(limits.max_text_bytes, 4u << 20);
        const host::Bytes bytes = source.read();
        const mime::Message m = mime::parse(bytes.view(), limits);
        const std::size_t left = budget.total > used ? budget.total - used : 0;
        mime::RenderOptions o = options;
        o.max_text_bytes = std::min(budget.text, left / 2);
        if (left < 4096) {
          o.format = mime::Format::summary;
          o.max_attachments = 20;
          o.max_addresses = 20;
          o.headers = false;
          notice = "The answer is full: the last messages are given without their text. Parse fewer at once.";
        }
        aoh::Json j = mime::to_json(m, o);
        j.set("source", label);
        used += (m.text ? std::min(m.text->size(), o.max_text_bytes) : 0) +
                (m.html ? std::min(m.html->size(), o.max_text_bytes) : 0) + 1024;
        if (rendered.size() < budget.rendered) {
          mime::RenderOptions r = o;
          r.max_text_bytes = std::min<std::size_t>(r.max_text_bytes, budget.rendered - rendered.size());
          r.format = o.format == mime::Format::summary ? mime::Format::summary : mime::Format::text;
          rendered += mime::fence(label, "source", nonce) + mime::render_for_model(m, nonce, r) + "\n";
        }
        messages.push(std::move(j));
        ++read;
      } catch (const Failure& f) {
        if (f.error.code == Errc::cancelled) throw;
        if (!first_error) first_error = f.error;
        messages.push(aoh::Json{{"source", label}, {"error", error_json(f.error)}});
        rendered += f.error.line() + "\n";
      }
    }
    if (read == 0) return error_result(first_error, aoh::Json{{"messages", std::move(messages)}});
    aoh::Json structured{{"messages", std::move(messages)}};
    if (!notice.empty()) {
      structured.set("notice", notice);
      rendered += notice + "\n";
    }
    return mail_result(std::move(structured), std::move(rendered), "email_parse");
  });
}

}  // namespace mailroom::tools
