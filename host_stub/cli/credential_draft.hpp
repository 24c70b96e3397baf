// A credential that is being set up: flags, file and what its module finds, put together and checked.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "cli/app.hpp"
#include "cli/io.hpp"

namespace aoh::host {

/// Nothing of it is stored yet.
struct Draft {
  std::vector<Registry::Found> found;  ///< holds what `type` points to
  const CredentialType* type = nullptr;
  Json record = Json::object();  ///< without secret fields
  std::map<std::string, Secret> secrets;
  bool replaces = false;  ///< one of that id is on record
};

/// From `credential add`'s or `edit`'s words. `before`: the record that is changed, null for none. Throws
/// CliError for what is no record: an unknown type or secret field, not JSON.
Draft draft_of(App& app, const Command& c, const Inputs& inputs, const Json& before = {});

/// What the module found out about a draft that lacks what it could find (extensions/setup.h), put into its
/// record. The answer: {"record", "found", "confirm", "ask"}, `ask` with what is missing also where the
/// module finds nothing by itself.
Json complete(App& app, Draft& draft, const Command& c, const Inputs& inputs, const Io& io);

/// Throws CliError that names the field: not valid by the type's schema, or it names a credential that is
/// not on record. No message quotes a secret.
void check(App& app, const Draft& draft);

/// A secret field that nobody is asked for: "readOnly" in the type's schema.
bool written_by_module(const CredentialType& type, const std::string& field);
/// The fields of the credential's secrets that people gave, by name.
std::vector<std::string> secrets_from_people(App& app, const Json& record);

/// "HOST", "HOST:993", "[::1]:993" into {"host", "port"}; `what` is named in the CliError.
Json server_of(const std::string& text, const std::string& what);

}  // namespace aoh::host
