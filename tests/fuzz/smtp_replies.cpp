// What an SMTP server says: the same replies however they are cut; and whole deliveries against it.
// Input: a letter that says how, a byte that seeds the cuts, then what the server says.
#include "machine.hpp"
#include "smtp/proto/delivery.hpp"
#include "smtp/proto/opening.hpp"
#include "smtp/proto/reply_reader.hpp"
#include "smtp/proto/source.hpp"

namespace mailroom::fuzz {
namespace {

using namespace smtp;

std::string replies(std::string_view bytes, std::uint32_t seed, bool enhanced) {
  ReplyReader reader;
  Pieces pieces(bytes, seed);
  std::string out;
  const auto take = [&] {
    while (const auto r = reader.take(enhanced)) {
      must(r->code >= 200 && r->code <= 599, "a code is one");
      must(!r->lines.empty() && r->lines.size() <= 256, "lines are counted");
      must(r->text().size() <= 512, "a reply's words are cut");
      must_be_a_line(r->text(), "a reply can be printed");
      out += r->text() + "\n" + std::to_string(r->lines.size()) + r->enhanced + "\n";
    }
  };
  try {
    if (seed == 0) reader.feed(bytes), take();
    while (seed != 0 && !pieces.end()) reader.feed(pieces.next()), take(), reader.trim();
    out += reader.has_rest() ? "rest" : "";
  } catch (const Failure& f) {
    must(f.error.code == Errc::protocol || f.error.code == Errc::limit,
         "what is no reply fails as protocol or limit");
    out += name(f.error.code);
  }
  return out;
}

void deliver(std::string_view bytes, std::uint32_t seed, bool all_or_nothing, bool rich) {
  Session session;
  session.tls = true;
  session.caps.pipelining = session.caps.chunking = session.caps.dsn = session.caps.enhanced_codes = rich;
  Envelope envelope;
  envelope.from = "me@example.org";
  envelope.to = {"a@example.org", "b@example.org"};
  const std::string text =
      rich ? std::string(70'000, 'x').replace(66'000, 2, "\r\n") : "Subject: x\r\n\r\n.dot\r\n";
  std::string lines;
  for (std::size_t at = 0; at < text.size(); at += 900) lines += text.substr(at, 900) + (rich ? "\r\n" : "");
  StringSource source(rich ? lines : text);
  const Message message(source);
  Delivery d(session, envelope, message, all_or_nothing);
  bool committed = false;
  const Course c = play(d, bytes, seed, [&] {
    must(!committed, "one commit");
    committed = d.ready();
    if (committed) d.commit();
    return std::string();
  });
  const Outcome& o = d.outcome();
  must(o.recipients.size() == 2, "each recipient has an outcome");
  if (o.state == Outcome::State::delivered)
    must(committed && o.code >= 200 && o.code < 300, "delivered is what the server said after the commit");
  if (o.state == Outcome::State::uncertain) must(committed, "nothing is uncertain before the commit");
  if (o.state != Outcome::State::delivered) must(o.error.code != Errc::ok, "what failed has an error");
  must(o.connection_ok == (c.end == Action::Kind::done),
       "both ways to say whether the connection lives agree");
}

void open(std::string_view bytes, std::uint32_t seed, bool starttls) {
  Session session;
  session.tls = !starttls;
  const auth::Credentials credentials{"user", aoh::Secret("pass\"word")};
  OpeningOptions options{"client.example.org", starttls, true, &credentials, [] {
                           return auth::Circumstances{"n0nce", "exported", "digest"};
                         }};
  Opening o(session, options);
  const Course c = play(o, bytes, seed, [] { return std::string(); });
  must(c.end != Action::Kind::done || session.tls, "an open session is encrypted");
  if (starttls)
    must(c.wrote.substr(0, c.wrote.find("<TLS>")).find("AUTH") == std::string::npos,
         "no credentials before TLS");
}

}  // namespace

FUZZ_TARGET(smtp_replies) {
  Input in(data);
  const std::uint8_t how = in.byte();
  const std::uint32_t seed = in.byte();
  switch (how) {
    case 'd':
      return deliver(in.rest(), seed, seed % 2 == 0, false);
    case 'c':
      return deliver(in.rest(), seed, seed % 2 == 0, true);
    case 'o':
      return open(in.rest(), seed, false);
    case 's':
      return open(in.rest(), seed, true);
    default:
      must(replies(in.rest(), 0, how % 2 != 0) == replies(in.rest(), 1 + seed, how % 2 != 0),
           "replies are the same however they are cut");
  }
}

}  // namespace mailroom::fuzz
