#include "tools/toolbox.hpp"

#include <algorithm>

#include "mime/parse.hpp"
#include "mime/unicode.hpp"

namespace mailroom::tools {
namespace {

constexpr std::size_t kMaxAddresses = 500;
constexpr std::size_t kMaxAddressText = 64u << 10;  // bytes of one text with addresses

void add_addresses(const aoh::Json& value, const std::string& field, std::vector<mime::Address>& out) {
  if (value.is_string()) {
    // The parser is made for mail as it comes in and forgives; what goes out must not be forgiven.
    std::string problem = mime::slot_problem(value.str(), kMaxAddressText);
    const auto parsed = problem.empty() ? mime::parse_addresses(value.str(), kMaxAddresses + 1)
                                        : std::vector<mime::Address>();
    for (const mime::Address& a : parsed) {
      if (a.address.empty()) problem = "names nobody's address";
      out.push_back(a);
    }
    if (parsed.empty() && problem.empty() && !value.str().empty()) problem = "names nobody's address";
    if (!problem.empty())
      throw Failure(Errc::invalid,
                    "this is not an address: \"" + printable(value.str(), 200) + "\" " + problem, field,
                    "Write user@example.org or Name <user@example.org>");
  } else if (value.is_object()) {
    if (value["address"].str().empty())
      throw Failure(Errc::invalid, "the address is missing", field + ".address");
    out.push_back({value["name"].str(), value["address"].str(), {}});
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      const aoh::Json& item = value.at(i);
      if (item.is_array()) throw Failure(Errc::invalid, "a list within the list of addresses", field);
      add_addresses(item, field + "[" + std::to_string(i) + "]", out);
    }
  } else if (!value.is_null()) {
    throw Failure(Errc::invalid, std::string("expected addresses, got ") + value.type_name(), field);
  }
  if (out.size() > kMaxAddresses)
    throw Failure(Errc::limit, "more than " + std::to_string(kMaxAddresses) + " addresses", field);
}

}  // namespace

aoh::Result error_result(const Error& e, const aoh::Json& extra) {
  aoh::Json structured{{"error", error_json(e)}};
  // Where hosts look whether the same call is worth another try.
  structured.set_if(is_temporary(e.code), "temporary", true);
  for (const auto& m : extra.members()) structured.set(m.key, m.value);
  return aoh::Result::error(e.line(), std::move(structured));
}

aoh::Result answer(const std::function<aoh::Result()>& tool) {
  try {
    return tool();
  } catch (const Failure& f) {
    if (f.error.code == Errc::cancelled) return aoh::Result::cancelled();
    return error_result(f.error);
  } catch (const aoh::StatusError& e) {
    return error_result(host::from_status(e.status, e.what()));
  }
}

std::string credential_of(const aoh::Json& args, const aoh::Call& call) {
  std::string id = args["credential_id"].str();
  if (id.empty()) id = call.context()["default_credential_id"].str();
  if (id.empty())
    throw Failure(Errc::invalid, "no mail account was named", "credential_id",
                  "Name one; it may be left out only where exactly one is granted");
  return id;
}

void need_grant(const aoh::Call& call, const std::string& credential, std::string_view grant,
                std::string_view what) {
  static constexpr std::string_view kGrants[] = {"read", "draft", "send", "manage"};
  const auto wanted = std::find(std::begin(kGrants), std::end(kGrants), grant);
  for (const aoh::Json& g : call.context()["grants"][credential].items())
    if (std::find(wanted, std::end(kGrants), g.str()) != std::end(kGrants)) return;
  throw Failure(Errc::refused, "this agent may not " + std::string(what),
                "credential " + printable(credential, 200) + ": grants",
                "Leave it to a person, or have the agent granted " + std::string(grant));
}

std::vector<mime::Address> addresses_of(const aoh::Json& args, const char* field) {
  std::vector<mime::Address> out;
  add_addresses(args[field], field, out);
  return out;
}

mime::Format format_of(const aoh::Json& args, mime::Format fallback) {
  const std::string& f = args["format"].str();
  if (f.empty()) return fallback;
  if (f == "summary") return mime::Format::summary;
  if (f == "text") return mime::Format::text;
  if (f == "full") return mime::Format::full;
  throw Failure(Errc::invalid, "unknown format \"" + printable(f, 32) + "\"", "format",
                "Use summary, text or full");
}

aoh::Result mail_result(aoh::Json structured, std::string rendered, std::string_view source) {
  aoh::Result r = aoh::Result::ok(std::move(structured), std::move(rendered));
  r.taint(aoh::Json(source));
  return r;
}

}  // namespace mailroom::tools
