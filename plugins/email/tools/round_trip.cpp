#include "tools/round_trip.hpp"

#include "mailbox/special.hpp"
#include "mime/compose.hpp"
#include "net/alarm.hpp"

namespace mailroom::tools {
namespace {

mime::Composed message_to(const std::string& address, std::int64_t unix_s) {
  mime::Draft draft;
  mime::Address self;
  self.address = address;
  draft.from.push_back(self);
  draft.to.push_back(std::move(self));
  draft.subject = "Mailroom: a test message";
  draft.text =
      "This account was tried from end to end. The message is removed by itself where the server allows it.";
  draft.auto_submitted = "auto-generated";
  mime::ComposeContext context;
  context.unix_seconds = unix_s;
  context.message_id_unique = random_token(26);
  context.boundary_seed = random_token(26);
  return mime::compose(draft, context);
}

net::Task<void> send(host::Runtime& runtime, host::Job& job, RoundTripPlan& plan,
                     const mime::Composed& message, net::Executor executor) {
  const std::unique_ptr<smtp::Client> client = co_await smtp::Client::connect(
      executor, runtime.net(), std::move(plan.smtp), runtime.trace("smtp test"));
  const host::Job::Abortable abortable(job, [&c = *client] { c.abort(); });
  smtp::Envelope envelope;
  envelope.from = message.envelope_from;
  envelope.to = message.envelope_to;
  envelope.size = message.bytes.size();
  envelope.smtputf8 = message.smtputf8;
  const smtp::Outcome outcome = co_await client->deliver(envelope, std::string_view(message.bytes));
  if (outcome.state != smtp::Outcome::State::delivered) {
    if (outcome.error) throw Failure(outcome.error);
    throw Failure(Errc::temporary,
                  "the connection was lost before the server had answered for the test message");
  }
  co_await client->quit();
}

}  // namespace

net::Task<RoundTripResult> round_trip(host::Runtime& runtime, std::shared_ptr<host::Job> job,
                                      std::shared_ptr<RoundTripPlan> plan, net::Executor executor,
                                      std::chrono::seconds most) {
  RoundTripResult result;
  const mime::Composed message = message_to(plan->address, plan->unix_s);
  const std::string where = plan->imap.endpoint.where();
  const std::int64_t begun = runtime.clock().now_ns();
  co_await send(runtime, *job, *plan, message, executor);
  result.handed_in_ns = runtime.clock().now_ns() - begun;
  job->check();
  const std::unique_ptr<imap::Client> client = co_await imap::Client::connect(
      executor, runtime.net(), std::move(plan->imap), runtime.trace("imap test"));
  const host::Job::Abortable abortable(*job, [&c = *client] { c.abort(); });
  const auto pause = std::make_shared<net::Alarm>(executor, runtime.clock());
  const std::int64_t end = net::after(runtime.clock().now_ns(), most);
  for (;;) {
    const std::vector<imap::Uid> there =
        co_await mailbox::find_by_message_id(*client, "INBOX", message.message_id);
    job->check();
    if (!there.empty()) {
      result.arrived_ns = runtime.clock().now_ns() - begun;
      mailbox::Place place{"INBOX", client->mailbox().uid_validity, there.front()};
      result.removed =
          client->can_expunge_alone() &&
          co_await mailbox::remove_message(*client, std::move(place)) == mailbox::Removal::removed;
      break;
    }
    if (runtime.clock().now_ns() >= end)
      throw Failure(Errc::not_found,
                    "the test message was taken by the SMTP server, and did not arrive within " +
                        std::to_string(most.count()) + " s",
                    where, "Look into the spam folder, and whether the address delivers to this mailbox");
    co_await pause->wait_for(std::chrono::seconds(1));
    job->check();
  }
  co_await client->logout();
  co_return result;
}

}  // namespace mailroom::tools
