// SCRAM: the RFCs' exchanges, and every way in which a server may cheat.
#include "auth/scram.hpp"

#include <gtest/gtest.h>

#include "auth/base64.hpp"
#include "auth/choose.hpp"
#include "auth/saslprep.hpp"

namespace mailroom::auth {
namespace {

using Hash = ScramKind::Hash;
using Binding = ScramKind::Binding;

const Credentials& user() {
  static const Credentials who{"user", aoh::Secret("pencil")};
  return who;
}

// RFC 7677 §3
const Circumstances kRfc7677{"rOprNGfwEbeRWgbNEkqO", {}, {}};
constexpr const char* kFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr const char* kFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

std::unique_ptr<Mechanism> sha256(Circumstances where = kRfc7677, Binding binding = Binding::none) {
  return scram({"SCRAM-SHA-256", Hash::sha256, binding}, user(), where);
}

TEST(Scram, Sha1AsInItsRfc) {
  const auto m =
      scram({"SCRAM-SHA-1", Hash::sha1, Binding::none}, user(), {"fyko+d2lbbFgONRv9qkxdawL", {}, {}});
  EXPECT_EQ(m->initial()->reveal(), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");  // RFC 5802 §5
  EXPECT_EQ(m->step("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096").reveal(),
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
  EXPECT_THROW(m->succeeded(), Failure) << "not before the server has proven itself";
  EXPECT_EQ(m->step("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=").reveal(), "");
  EXPECT_NO_THROW(m->succeeded());
  EXPECT_THROW(m->step(""), Failure);
}

TEST(Scram, Sha256AsInItsRfc) {
  const auto m = sha256();
  EXPECT_EQ(m->initial()->reveal(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  EXPECT_FALSE(m->judged());
  EXPECT_EQ(m->step(kFirst).reveal(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_TRUE(m->judged());
  EXPECT_EQ(m->step(kFinal).reveal(), "");
  EXPECT_NO_THROW(m->succeeded());
}

TEST(Scram, BindsToTheChannel) {
  const auto header = [](const Circumstances& where, Binding binding) {
    const auto m = sha256(where, binding);
    const std::string first(m->initial()->reveal());
    const std::string answer(m->step(kFirst).reveal());
    const std::string c = answer.substr(2, answer.find(',') - 2);
    return first.substr(0, first.find("n=user")) + "|" + unbase64(c).value_or("?");
  };
  const Circumstances both{kRfc7677.nonce, "32 exported bytes", std::string("\0digest", 7)};
  EXPECT_EQ(header(both, Binding::none), "n,,|n,,");
  EXPECT_EQ(header(both, Binding::not_offered), "y,,|y,,");
  EXPECT_EQ(header(both, Binding::tls_exporter), "p=tls-exporter,,|p=tls-exporter,,32 exported bytes");
  EXPECT_EQ(header(both, Binding::server_end_point),
            "p=tls-server-end-point,,|p=tls-server-end-point,," + std::string("\0digest", 7));
}

// RFC 5802 §6: 'y' tells a server whose offer of -PLUS was stripped that we could have bound.
TEST(Scram, TellsAServerThatItsOfferMayHaveBeenStripped) {
  const Circumstances tls{kRfc7677.nonce, "exported", "digest"};
  const auto flag = [](std::vector<std::string> offered, const Circumstances& where) {
    const auto all = usable(offered, user(), where);
    return all.empty() ? std::string() : std::string(all.back()->initial()->reveal()).substr(0, 2);
  };
  EXPECT_EQ(flag({"SCRAM-SHA-256"}, tls), "y,");
  EXPECT_EQ(flag({"SCRAM-SHA-256"}, kRfc7677), "n,");
  EXPECT_EQ(flag({"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}, tls), "n,")
      << "after the -PLUS form was unsupported";
  EXPECT_EQ(flag({"SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"}, tls), "p=");
}

TEST(Scram, ACheatingServerIsNotBelieved) {
  const std::string nonce = "r=rOprNGfwEbeRWgbNEkqO%hv", salt = ",s=W22ZaJ0SNY7soEsUEjb6gQ==";
  for (const std::string& first :
       {std::string(), std::string("what?"), "r=rOprNGfwEbeRWgbNEkqO" + salt + ",i=4096",
        "r=another%hvYDpWUa2" + salt + ",i=4096", "r=rOprNGfwEbeRWgbNEkqO\n1" + salt + ",i=4096",
        "m=ext," + nonce + salt + ",i=4096", nonce + ",s=!,i=4096", nonce + ",s=,i=4096", nonce + salt,
        nonce + ",i=4096" + salt, nonce + salt + ",i=", nonce + salt + ",i=0", nonce + salt + ",i=4095",
        nonce + salt + ",i=04096", nonce + salt + ",i=-4096", nonce + salt + ",i=4096.5",
        nonce + salt + ",i=1000001", nonce + salt + ",i=99999999999999999999",
        nonce + std::string(9000, 'x') + salt + ",i=4096"}) {
    const auto m = sha256();
    m->initial();
    try {
      m->step(first);
      ADD_FAILURE() << first.substr(0, 200);
    } catch (const Failure& f) {
      EXPECT_EQ(f.error.code, Errc::protocol) << first.substr(0, 200);
    }
    EXPECT_FALSE(m->judged()) << "no proof has gone out: " << first.substr(0, 200);
    EXPECT_THROW(m->succeeded(), Failure);
  }
  for (const std::string& final : {std::string(), std::string("v="), std::string("v=!"), std::string("ok"),
                                   std::string("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8="),
                                   std::string("v=6rriTRBi23WpRR/wtup+mA=="), std::string(kFirst)}) {
    const auto m = sha256();
    m->initial();
    m->step(kFirst);
    EXPECT_THROW(m->step(final), Failure) << final;
    EXPECT_THROW(m->succeeded(), Failure);
  }
}

TEST(Scram, TheServersErrorsAreItsWords) {
  const auto with = [](const char* error, bool early) {
    auto m = sha256();
    m->initial();
    if (!early) m->step(kFirst);
    EXPECT_EQ(m->step(error).reveal(), "");
    EXPECT_THROW(m->succeeded(), Failure);
    return m;
  };
  EXPECT_EQ(with("e=invalid-proof", false)->said(), "invalid-proof");
  EXPECT_FALSE(with("e=invalid-proof", false)->unsupported());
  EXPECT_FALSE(with("e=unknown-user", true)->unsupported());
  for (const bool early : {true, false})
    for (const char* error : {"e=channel-binding-not-supported", "e=unsupported-channel-binding-type,x=y"})
      EXPECT_TRUE(with(error, early)->unsupported());
  for (const char* error : {"e=channel-bindings-dont-match", "e=server-does-support-channel-binding"}) {
    auto m = sha256();
    m->initial();
    m->step(kFirst);
    EXPECT_THROW(m->step(error), Failure) << error;
    EXPECT_FALSE(m->unsupported());
  }
}

TEST(Scram, NamesAreEscapedAndPrepared) {
  const auto first = [](const char* name) {
    return std::string(
        scram({"SCRAM-SHA-256", Hash::sha256, Binding::none}, {name, aoh::Secret("x")}, kRfc7677)
            ->initial()
            ->reveal());
  };
  EXPECT_EQ(first("a,b=c"), "n,,n=a=2Cb=3Dc,r=rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(first("I\u00ADX"), "n,,n=IX,r=rOprNGfwEbeRWgbNEkqO");
}

TEST(Saslprep, TheExamplesOfItsRfc) {
  const auto stored = [](std::string_view text) {
    return std::string(saslprep(text, Prepared::stored).reveal());
  };
  EXPECT_EQ(stored("I\u00ADX"), "IX");  // RFC 4013 §3
  EXPECT_EQ(stored("user"), "user");
  EXPECT_EQ(stored("USER"), "USER");
  EXPECT_EQ(stored("\u00AA"), "a");
  EXPECT_EQ(stored("\u2168"), "IX");
  EXPECT_EQ(stored("a\u00A0b"), "a b");
  EXPECT_EQ(stored("pa\u0308ssword"), "p\u00E4ssword");
  // Prohibited, or of the wrong direction: as it is.
  EXPECT_EQ(stored("\x07"), "\x07");
  EXPECT_EQ(stored("\u0627\x31"), "\u0627\x31");
  EXPECT_EQ(stored("key\U0001F511"), "key\U0001F511");
  EXPECT_EQ(stored("\xFF\xFE"), "\xFF\xFE");
  EXPECT_EQ(stored(std::string(8'192, '\x80')), std::string(8'192, '\x80'));
  std::string long_word;
  for (int i = 0; i < 2'000; ++i) long_word += "\uFDFA";
  EXPECT_GT(saslprep(long_word, Prepared::stored).reveal().size(), long_word.size());
  EXPECT_EQ(saslprep("\u0221", Prepared::query).reveal(), "\u0221");  // unassigned in Unicode 3.2
}

}  // namespace
}  // namespace mailroom::auth
