// compose_corpus FOLDER COUNT SEED   writes FOLDER/NNNNN.eml, and what each must read as to
// FOLDER/expected.jsonl compose_corpus --speed COUNT       composes small text + HTML messages and prints how
// many a second
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "generator.hpp"

namespace {

using namespace mailroom;

int speed(int count) {
  mime::Draft d;
  d.from = {{"Joe Blow", "joe@example.org", ""}};
  d.to = {{"Ann Müller", "ann@example.net", ""}};
  d.subject = "Your order of Monday: Grüße aus Köln";
  std::string paragraph;
  for (int i = 0; i < 12; ++i)
    paragraph += "Thank you for your order, which we will send tomorrow – viele Grüße.\n";
  d.text = "Hello Ann,\n\n" + paragraph;
  d.html = "<html><body><p style=\"color:red\">Hello <b>Ann</b>,</p><p>" + paragraph + "</p></body></html>";
  std::size_t bytes = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    const std::string token = "token-" + std::to_string(100'000'000 + i);
    bytes += mime::compose(d, {1'795'462'600 + i, token, token + "-seed"}).bytes.size();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%.0f messages/s, %.1f us and %zu bytes each\n", count / took.count(),
              took.count() / count * 1e6, bytes / static_cast<std::size_t>(count));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--speed") return speed(std::atoi(argv[2]));
  if (argc != 4) {
    std::fputs("usage: compose_corpus FOLDER COUNT SEED | --speed COUNT\n", stderr);
    return 2;
  }
  const std::string folder = argv[1];
  interop::Generator generator(std::strtoull(argv[3], nullptr, 10));
  std::ofstream expected(folder + "/expected.jsonl", std::ios::binary);
  for (int i = 1; i <= std::atoi(argv[2]); ++i) {
    interop::Generated g = generator.next();
    const std::string name = std::to_string(100'000 + i).substr(1) + ".eml";
    const mime::Composed composed = mime::compose(g.draft, g.context);
    std::ofstream(folder + "/" + name, std::ios::binary) << composed.bytes;
    g.expected.set("file", name).set("message_id", composed.message_id);
    g.expected.set("eight_bit", composed.eight_bit).set("smtputf8", composed.smtputf8);
    expected << g.expected.dump() << '\n';
  }
  return expected.flush() ? 0 : 1;
}
