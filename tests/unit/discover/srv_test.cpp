#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "discover/srv.hpp"

namespace mailroom::discover {
namespace {

struct Zone {
  std::map<std::string, std::vector<DnsRecord>> records;
  std::vector<std::string> asked;
  DnsLookup lookup() {
    return [this](DnsType type, std::string_view name) {
      EXPECT_EQ(type, DnsType::srv);
      asked.emplace_back(name);
      const auto it = records.find(std::string(name));
      if (it == records.end()) return DnsAnswer{DnsAnswer::Kind::no_such_name, {}, {}, {}};
      return DnsAnswer{DnsAnswer::Kind::found, it->second, {}, {}};
    };
  }
};

DnsRecord srv(std::string host, std::uint16_t port, std::uint16_t priority = 0, std::uint16_t weight = 0) {
  DnsRecord r;
  r.text = std::move(host);
  r.port = port;
  r.priority = priority;
  r.weight = weight;
  return r;
}

TEST(Srv, ImplicitTlsGoesFirst) {
  Zone zone;
  zone.records["_imaps._tcp.example.org"] = {srv("mail.example.org", 993, 20)};
  zone.records["_imap._tcp.example.org"] = {srv("plain.example.org", 143, 0)};
  zone.records["_submission._tcp.example.org"] = {srv("out.example.org", 587)};
  const Found f = from_srv(zone.lookup(), "example.org");
  ASSERT_TRUE(f.imap && f.smtp);
  EXPECT_EQ(f.imap->where(), "mail.example.org:993");
  EXPECT_EQ(f.imap->tls, net::TlsMode::implicit);
  EXPECT_EQ(f.smtp->where(), "out.example.org:587");
  EXPECT_EQ(f.smtp->tls, net::TlsMode::starttls);
  EXPECT_FALSE(f.doubtful);
  EXPECT_LE(zone.asked.size(), 4u);
}

TEST(Srv, TheFirstPrioritysHeaviestCounts) {
  Zone zone;
  zone.records["_imaps._tcp.example.org"] = {
      srv("b.example.org", 993, 10, 5), srv("c.example.org", 993, 10, 50), srv("a.example.org", 993, 20, 99)};
  EXPECT_EQ(from_srv(zone.lookup(), "example.org").imap->host, "c.example.org");
}

TEST(Srv, ADotMeansThatTheServiceIsNotOffered) {
  Zone zone;
  zone.records["_imaps._tcp.example.org"] = {srv("", 0)};
  zone.records["_imap._tcp.example.org"] = {srv("", 0)};
  EXPECT_TRUE(from_srv(zone.lookup(), "example.org").empty());
}

TEST(Srv, AHostOutsideOfTheDomainIsDoubtful) {
  Zone zone;
  zone.records["_submissions._tcp.example.org"] = {srv("mail.notexample.org", 465)};
  EXPECT_TRUE(from_srv(zone.lookup(), "example.org").doubtful);
  zone.records["_submissions._tcp.example.org"] = {srv("Mail.Example.ORG", 465)};
  EXPECT_FALSE(from_srv(zone.lookup(), "example.org").doubtful);
}

TEST(Srv, WhatIsNoNameIsPassedOver) {
  Zone zone;
  zone.records["_imaps._tcp.example.org"] = {srv("bad name\r\n.example.org", 993),
                                             srv("good.example.org", 993, 5)};
  EXPECT_EQ(from_srv(zone.lookup(), "example.org").imap->host, "good.example.org");
}

}  // namespace
}  // namespace mailroom::discover
