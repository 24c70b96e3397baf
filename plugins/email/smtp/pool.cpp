#include "smtp/pool.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "smtp/pool_state.hpp"

namespace mailroom::smtp {

namespace asio = boost::asio;

namespace {

void run(const Todo& todo) {
  for (const auto& work : todo) work();
}

net::Task<void> open_on_behalf(std::shared_ptr<Pool::State> pool, std::shared_ptr<PoolOpening> opening,
                               net::Executor strand) {
  std::shared_ptr<PooledConnection> connection;
  Error error;
  try {
    connection = co_await open_connection(pool->context, strand, std::move(opening->login),
                                          opening->generation, opening->trace);
  } catch (const Failure& f) {
    error = f.error;
  } catch (const std::exception& e) {
    error = {Errc::internal, std::string("the connection could not be opened: ") + e.what(), {}, {}, {}};
  }
  pool->opened(*opening, std::move(connection), error);
}

/// For a wait that ends in any other way than by its answer: nobody takes what it may have been given.
struct WaitGuard {
  std::shared_ptr<Pool::State> pool;
  std::string key;
  std::shared_ptr<Waiter> waiter;  // null: the answer was taken
  std::shared_ptr<GiveUp::State> give_up;

  ~WaitGuard() {
    if (give_up) {
      const std::lock_guard lock(give_up->mutex);
      give_up->wake = nullptr;
    }
    if (!waiter) return;
    std::shared_ptr<PooledConnection> left;
    {
      const std::lock_guard lock(pool->mutex);
      const auto group = pool->groups.find(key);
      if (group != pool->groups.end()) std::erase(group->second.waiters, waiter);
      left = std::move(waiter->connection);
    }
    if (left) pool->give_back(key, std::move(left), waiter->request.limits);
  }
};

}  // namespace

net::Task<std::shared_ptr<PooledConnection>> open_connection(net::Context context, net::Executor strand,
                                                             Login login, std::string generation,
                                                             net::TraceSink trace) {
  auto connection = std::make_shared<PooledConnection>();
  connection->strand = strand;
  connection->generation = std::move(generation);
  connection->client = co_await Client::connect(strand, context, std::move(login), std::move(trace));
  co_return connection;
}

net::Task<void> quit(std::shared_ptr<PooledConnection> connection) { co_await connection->client->quit(); }

GiveUp::GiveUp() : state_(std::make_shared<State>()) {}

void GiveUp::now() {
  const std::lock_guard lock(state_->mutex);
  state_->given_up = true;
  if (state_->wake) state_->wake();
}

std::string Pool::State::key_of(const Login& login) {
  const net::Endpoint& e = login.endpoint;
  std::string key;
  // Lengths first, so that no two different logins give one key.
  const auto add = [&](std::string_view part) {
    key += std::to_string(part.size()) + ":" + std::string(part);
  };
  for (const std::string_view part :
       {std::string_view(e.host), std::string_view(e.ca_file), std::string_view(e.connect_address),
        std::string_view(login.ehlo_name), std::string_view(e.client_certificate)})
    add(part);
  add(std::to_string(e.pinned_keys.size()));
  for (const std::string& pin : e.pinned_keys) add(pin);
  add(std::to_string(e.port) + std::string(net::name(e.tls)) + (e.require_tls ? "!" : "?"));
  add(login.credentials ? login.credentials->user : "");
  return key + (login.credentials ? "+" : "-");
}

void Pool::State::drop(std::shared_ptr<PooledConnection> connection, Todo& todo) {
  if (connection->timer != 0) context.clock.cancel(std::exchange(connection->timer, 0));
  todo.push_back([c = std::move(connection)] { asio::post(c->strand, [c] {}); });
}

void Pool::State::retire(std::shared_ptr<PooledConnection> connection, Todo& todo) {
  if (connection->timer != 0) context.clock.cancel(std::exchange(connection->timer, 0));
  todo.push_back([c = std::move(connection)] { asio::co_spawn(c->strand, quit(c), asio::detached); });
}

void Pool::State::settle(PoolGroup& group, std::size_t at, std::shared_ptr<PooledConnection> connection,
                         const Error& error, Todo& todo) {
  const std::shared_ptr<Waiter> w = group.waiters[at];
  group.waiters.erase(group.waiters.begin() + static_cast<std::ptrdiff_t>(at));
  w->connection = std::move(connection);
  w->error = error;
  w->done = true;
  todo.push_back([w] { asio::post(w->executor, [w] { w->alarm.poke(); }); });
}

void Pool::State::open_for(const std::string& key, const std::shared_ptr<Waiter>& waiter, Todo& todo) {
  waiter->opening = true;
  ++groups[key].open;
  const LeaseRequest& r = waiter->request;
  auto opening = std::make_shared<PoolOpening>(
      PoolOpening{key, waiter, r.login.clone(), r.generation, r.trace, r.limits.idle});
  todo.push_back([self = shared_from_this(), opening] {
    const net::Executor strand = self->new_strand();
    asio::co_spawn(strand, open_on_behalf(self, opening, strand), asio::detached);
  });
}

void Pool::State::pump(const std::string& key, Todo& todo) {
  PoolGroup& group = groups[key];
  if (group.open == 0)  // those who were waiting for somebody else's connection: there is none
    for (const auto& w : group.waiters) w->opening = false;
  // Each idle connection to the first who can use it; the one used last first, so that the others may end.
  for (std::size_t i = group.idle.size(); i-- > 0;) {
    const auto fits = [&](const auto& w) { return w->request.generation == group.idle[i]->generation; };
    const auto w = std::find_if(group.waiters.begin(), group.waiters.end(), fits);
    if (w == group.waiters.end()) continue;
    std::shared_ptr<PooledConnection> c = group.idle[i];
    group.idle.erase(group.idle.begin() + static_cast<std::ptrdiff_t>(i));
    settle(group, static_cast<std::size_t>(w - group.waiters.begin()), std::move(c), {}, todo);
  }
  for (const std::shared_ptr<Waiter>& w : group.waiters) {
    if (w->opening) continue;
    // What is idle still has another secret than anybody who waits: it goes.
    while (!group.idle.empty()) {
      retire(std::move(group.idle.front()), todo);
      group.idle.pop_front();
      --group.open;
    }
    if (group.open >= std::max(1u, w->request.limits.connections)) break;
    open_for(key, w, todo);
  }
  if (group.open == 0 && group.waiters.empty()) groups.erase(key);
}

void Pool::State::opened(const PoolOpening& opening, std::shared_ptr<PooledConnection> connection,
                         const Error& error) {
  const std::string& key = opening.key;
  const std::shared_ptr<Waiter>& waiter = opening.waiter;
  Todo todo;
  {
    const std::lock_guard lock(mutex);
    PoolGroup& group = groups[key];
    waiter->opening = false;
    if (error || closed) {
      --group.open;
      if (connection) retire(std::move(connection), todo);
      const bool all = error.code == Errc::auth || (error.code == Errc::auth_throttled && group.open == 0);
      // The server takes no more of them now ("432 4.3.2 concurrent connections"): those that we have do.
      waiter->opening = group.open > 0 && !all && is_temporary(error.code);
      for (std::size_t i = group.waiters.size(); error && i-- > 0;)
        if ((group.waiters[i] == waiter && !waiter->opening) ||
            (all && group.waiters[i]->request.generation == opening.generation))
          settle(group, i, nullptr, error, todo);
      pump(key, todo);
    } else {
      const std::shared_ptr<PooledConnection> c = connection;
      c->idle_since = context.clock.now_ns();
      group.idle.push_back(std::move(connection));
      pump(key, todo);
      if (const auto now = groups.find(key);
          now != groups.end() &&
          std::find(now->second.idle.begin(), now->second.idle.end(), c) != now->second.idle.end()) {
        c->rested = true;  // who had asked for it is gone or served
        watch_idle(key, c, opening.idle);
      }
    }
  }
  run(todo);
}

void Pool::State::give_back(const std::string& key, std::shared_ptr<PooledConnection> c,
                            const PoolLimits& limits) {
  Todo todo;
  {
    const std::lock_guard lock(mutex);
    PoolGroup& group = groups[key];
    if (closed || c->messages >= std::max(1u, limits.messages) || limits.idle.count() <= 0) {
      --group.open;
      retire(std::move(c), todo);
    } else {
      c->rested = true;
      c->idle_since = context.clock.now_ns();
      group.idle.push_back(c);
      watch_idle(key, c, limits.idle);
    }
    pump(key, todo);
  }
  run(todo);
}

void Pool::State::lost(const std::string& key, std::shared_ptr<PooledConnection> connection) {
  Todo todo;
  {
    const std::lock_guard lock(mutex);
    if (connection) drop(std::move(connection), todo);
    --groups[key].open;
    pump(key, todo);
  }
  run(todo);
}

/// One timer a connection, not one a message: it looks when the connection was used last, and comes again.
void Pool::State::watch_idle(const std::string& key, const std::shared_ptr<PooledConnection>& c,
                             std::chrono::milliseconds idle) {
  if (c->timer != 0) return;
  c->timer = context.clock.schedule(
      net::after(c->idle_since, idle),
      [weak = weak_from_this(), key, strand = c->strand, gone = std::weak_ptr<PooledConnection>(c), idle] {
        asio::post(strand, [weak, key, gone, idle] {
          const std::shared_ptr<State> self = weak.lock();
          const std::shared_ptr<PooledConnection> connection = gone.lock();
          if (self && connection) self->looked_at(key, connection, idle);
        });
      });
}

void Pool::State::looked_at(const std::string& key, const std::shared_ptr<PooledConnection>& c,
                            std::chrono::milliseconds idle) {
  Todo todo;
  {
    const std::lock_guard lock(mutex);
    c->timer = 0;
    const auto found = groups.find(key);
    if (found == groups.end()) return;
    PoolGroup& group = found->second;
    const auto at = std::find(group.idle.begin(), group.idle.end(), c);
    if (at == group.idle.end()) return;  // leased; a new timer comes when it is back
    if (net::after(c->idle_since, idle) > context.clock.now_ns()) return watch_idle(key, c, idle);
    group.idle.erase(at);
    --group.open;
    retire(c, todo);
    pump(key, todo);
  }
  run(todo);
}

Pool::Pool(net::Context context, std::function<net::Executor()> new_strand)
    : state_(std::make_shared<State>(context, std::move(new_strand))) {}

Pool::~Pool() { shutdown(); }

net::Task<Lease> Pool::lease(net::Executor executor, LeaseRequest request) {
  const std::shared_ptr<State> s = state_;
  const std::string key = State::key_of(request.login);
  const std::int64_t deadline = request.deadline_ns;
  const std::shared_ptr<GiveUp::State> give_up = request.give_up ? request.give_up->state() : nullptr;
  const auto w = std::make_shared<Waiter>(executor, s->context.clock, std::move(request));
  WaitGuard guard{s, key, w, give_up};
  Todo todo;
  {
    const std::lock_guard lock(s->mutex);
    if (s->closed) throw Failure(Errc::state, "the module is shutting down", "the SMTP pool");
    s->groups[key].waiters.push_back(w);
    s->pump(key, todo);
  }
  run(todo);
  if (give_up) {
    const std::lock_guard lock(give_up->mutex);
    give_up->wake = [weak = std::weak_ptr<Waiter>(w), executor] {
      asio::post(executor, [weak] {
        if (const std::shared_ptr<Waiter> waiter = weak.lock()) waiter->alarm.poke();
      });
    };
  }
  bool late = false;
  for (;;) {
    {
      const std::lock_guard lock(s->mutex);
      if (w->done) break;
    }
    bool given_up = false;
    if (give_up) {
      const std::lock_guard lock(give_up->mutex);
      given_up = give_up->given_up;
    }
    if (given_up) throw Failure(Errc::cancelled, "the wait for a connection was given up");
    if (late)
      throw Failure(Errc::timeout, "no connection to the mail server was free in time",
                    w->request.login.endpoint.where(), "Try again later.");
    late = co_await w->alarm.wait_until(deadline);
  }
  guard.waiter.reset();
  if (w->error) throw Failure(w->error);
  auto impl = std::make_unique<Lease::Impl>();
  impl->pool = s;
  impl->key = key;
  impl->connection = std::move(w->connection);
  impl->request = std::move(w->request);
  co_return Lease(std::move(impl));
}

void Pool::shutdown() {
  Todo todo;
  {
    const std::lock_guard lock(state_->mutex);
    state_->closed = true;
    const Error over{Errc::cancelled, "the module is shutting down", {}, {}, {}};
    for (auto it = state_->groups.begin(); it != state_->groups.end();) {
      PoolGroup& group = it->second;
      while (!group.waiters.empty()) state_->settle(group, 0, nullptr, over, todo);
      group.open -= static_cast<unsigned>(group.idle.size());
      for (auto& c : group.idle) state_->retire(std::move(c), todo);
      group.idle.clear();
      it = group.open == 0 ? state_->groups.erase(it) : std::next(it);
    }
  }
  run(todo);
}

Pool::Counts Pool::counts() const {
  Counts n;
  const std::lock_guard lock(state_->mutex);
  for (const auto& [key, group] : state_->groups) {
    n.open += group.open;
    n.idle += static_cast<unsigned>(group.idle.size());
    n.waiting += static_cast<unsigned>(group.waiters.size());
  }
  return n;
}

}  // namespace mailroom::smtp
