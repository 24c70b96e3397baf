// The few Asio names that the network code's interfaces use.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace mailroom::net {

template <typename T>
using Task = boost::asio::awaitable<T>;
/// Where a connection lives: always a strand (or a context run by one thread).
using Executor = boost::asio::any_io_executor;

}  // namespace mailroom::net
