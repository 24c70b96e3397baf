// Host names with other than ASCII in the form that goes on the wire.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace mailroom {

/// The A-labels of a UTF-8 name by UTS #46 (non-transitional, STD3 rules): "postfach.bücher.example" becomes
/// "postfach.xn--bcher-kva.example". Nothing for a name that has no such form. An ASCII name comes back as it
/// is, unchecked. Pure.
std::optional<std::string> ascii_domain(std::string_view name);

}  // namespace mailroom
