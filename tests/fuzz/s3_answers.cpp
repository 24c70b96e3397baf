// What an object store answers: HTTP however it is cut, and the XML in it.
// Input: a byte that says how, a byte that seeds the cuts, then the answer.
#include "machine.hpp"
#include "store/proto/s3.hpp"
#include "store/proto/xml.hpp"

namespace mailroom::fuzz {
namespace {

using namespace store;

struct Answer {
  Course course;
  int status = 0;
  std::string body;
};

template <class F>
void fails_as_protocol(F&& f) {
  try {
    f();
  } catch (const Failure& failure) {
    must(failure.error.code == Errc::protocol, "an answer fails as protocol");
  }
}

Answer ask(std::string_view bytes, std::uint32_t seed, bool bodiless) {
  HttpLimits limits;
  limits.head = 2000;
  limits.body = 4000;
  limits.fields = 20;
  Exchange e("GET / HTTP/1.1\r\nHost: s3.example.org\r\n\r\n", {}, false, bodiless, {}, limits);
  Answer out;
  out.course = play(e, bytes, seed, [] { return std::string(); });
  if (out.course.end != Action::Kind::done) return out;
  out.status = e.response().status;
  out.body = e.response().body;
  must(out.body.size() <= limits.body && e.response().fields.size() <= limits.fields,
       "an answer is within its limits");
  must_be_utf8(refusal(e.response(), "storing the file", "s3.example.org").line(),
               "a refusal can be printed");
  fails_as_protocol([&] { completion_error(e.response(), "s3.example.org"); });
  return out;
}

}  // namespace

FUZZ_TARGET(s3_answers) {
  Input in(data);
  const bool bodiless = in.byte() == 'H';
  const std::uint32_t seed = 1u + in.byte();
  const std::string_view bytes = in.rest();
  must(ask(bytes, 0, bodiless).body == ask(bytes, seed, bodiless).body,
       "an answer is the same however it is cut");
  const std::size_t xml = std::min(bytes.find('<'), bytes.size());
  fails_as_protocol([&] { parse_xml(bytes.substr(xml)); });
  fails_as_protocol([&] { read_upload_id(bytes.substr(xml)); });
  fails_as_protocol([&] { read_parts(bytes.substr(xml)); });
}

}  // namespace mailroom::fuzz
