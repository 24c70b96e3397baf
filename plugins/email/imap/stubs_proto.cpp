#include "imap/proto/search.hpp"
namespace mailroom::imap {
bool Capabilities::has(std::string_view) const { return false; }
bool ListEntry::has(std::string_view) const { return false; }
const Section* MessageRow::section(std::string_view) const { return nullptr; }
UidSet UidSet::range(Uid, Uid) { return {}; }
UidSet UidSet::from(Uid) { return {}; }
UidSet UidSet::of(std::span<const Uid>) { return {}; }
void UidSet::add(Uid, Uid) {}
bool UidSet::contains(Uid) const { return false; }
std::string UidSet::text() const { return {}; }
#define S(x) \
  Criteria& Criteria::x { return *this; }
S(uid(const UidSet&))
S(seen(bool)) S(flagged(bool)) S(answered(bool)) S(deleted(bool)) S(keyword(std::string_view, bool))
    S(since(Day)) S(before(Day)) S(sent_since(Day)) S(sent_before(Day)) S(from(std::string_view))
        S(to(std::string_view)) S(cc(std::string_view)) S(subject(std::string_view)) S(body(std::string_view))
            S(text(std::string_view)) S(header(std::string_view, std::string_view)) S(larger(std::uint32_t))
                S(smaller(std::uint32_t)) S(negate(const Criteria&))
                    S(either(const Criteria&, const Criteria&))
}  // namespace mailroom::imap
