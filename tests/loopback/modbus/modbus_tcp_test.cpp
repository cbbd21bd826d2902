#include "io/modbus_tcp.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <future>

#include "scripted_server.hpp"

namespace sluice::io {
namespace {

using namespace std::chrono_literals;
using ports::RegisterTable;
using test::Answer;
using test::Bytes;
using test::Request;
using test::ScriptedServer;

constexpr Duration kShort = 200ms, kLong = 5s;
// Within 100 ms where nothing else runs; a busy machine may take its time, but nothing near the call's own deadline.
constexpr auto kPromptly = 2s;

Answer count_up(const Request& request) {
  std::vector<std::uint16_t> registers;
  for (unsigned index = 0; index < request.count; ++index)
    registers.push_back(static_cast<std::uint16_t>(request.address + index));
  return test::registers_answer(request, registers);
}

class ModbusTcp : public testing::Test {
 protected:
  std::unique_ptr<ports::ModbusConnection> connect(const ScriptedServer& server) {
    auto connection = factory_.make("127.0.0.1", server.port());
    const auto connected = connection->connect(kLong);
    EXPECT_TRUE(connected) << connected.error().text;
    return connection;
  }
  Result<void> read(ports::ModbusConnection& connection, Duration timeout = kLong) {
    return connection.read(1, RegisterTable::holding, 100, out_, timeout);
  }

  ModbusTcpFactory factory_;
  std::array<std::uint16_t, 3> out_{};
};

TEST_F(ModbusTcp, ReadsBothTablesOfSeveralUnitsOnOneConnection) {
  ScriptedServer server([](const Request& request) {
    return test::registers_answer(
        request,
        std::vector<std::uint16_t>(request.count, static_cast<std::uint16_t>(request.unit * 10 + request.function)));
  });
  const auto connection = connect(server);
  std::array<std::uint16_t, 2> out{};
  ASSERT_TRUE(connection->read(7, RegisterTable::holding, 0, out, kLong));
  EXPECT_EQ(out[1], 73);
  ASSERT_TRUE(connection->read(200, RegisterTable::input, 65534, out, kLong));
  EXPECT_EQ(out[1], 2004);
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(connection->generation(), 1U);
}

TEST_F(ModbusTcp, AnExceptionIsTheDevicesWordAndKeepsTheConnection) {
  ScriptedServer server([](const Request& request) { return test::exception_answer(request, 2); });
  const auto connection = connect(server);
  const auto answer = read(*connection);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::rejected);
  EXPECT_NE(answer.error().text.find("exception 2 (illegal data address)"), std::string::npos) << answer.error().text;
  EXPECT_EQ(connection->last_exception(), 2);
  EXPECT_TRUE(connection->connected());
  server.set_script(count_up);
  EXPECT_TRUE(read(*connection));
  EXPECT_EQ(connection->last_exception(), 0);
}

TEST_F(ModbusTcp, SilenceIsATimeoutAndClosesTheConnection) {
  ScriptedServer server([](const Request&) { return Answer{}; });
  const auto connection = connect(server);
  const auto answer = read(*connection, kShort);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::timeout);
  EXPECT_FALSE(connection->connected());
  server.set_script(count_up);
  ASSERT_TRUE(connection->connect(kLong));
  EXPECT_TRUE(read(*connection));
  EXPECT_EQ(connection->generation(), 2U);
}

TEST_F(ModbusTcp, ADrippingAnswerEndsAtTheTotalDeadline) {
  ScriptedServer server([](const Request& request) {
    Answer answer = count_up(request);
    answer.drip = true;  // fifteen bytes, 150 ms each
    return answer;
  });
  const auto connection = connect(server);
  const auto start = std::chrono::steady_clock::now();
  const auto answer = read(*connection, kShort);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1500ms);
}

TEST_F(ModbusTcp, AnAnswerTornInTheMiddleIsAClosedConnection) {
  ScriptedServer server([](const Request& request) {
    Answer answer = count_up(request);
    answer.bytes.resize(answer.bytes.size() - 3);
    answer.hang_up = true;
    return answer;
  });
  const auto connection = connect(server);
  const auto answer = read(*connection);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::refused);
  EXPECT_FALSE(connection->connected());
}

TEST_F(ModbusTcp, AnAnswerToAnotherRequestIsAProtocolError) {
  ScriptedServer server([](const Request& request) {
    Request other = request;
    ++other.transaction;
    return count_up(other);
  });
  const auto connection = connect(server);
  const auto answer = read(*connection, kShort);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::protocol) << answer.error().text;
  EXPECT_FALSE(connection->connected());
}

TEST_F(ModbusTcp, GarbageNeverBecomesAReading) {
  const Bytes html{'H', 'T', 'T', 'P', '/', '1', '.', '1', ' ', '4', '0', '0', '\r', '\n', '\r', '\n'};
  for (const Bytes& garbage : {html, Bytes(64, 0xFF), Bytes(300, 0x00)}) {
    ScriptedServer server([&](const Request&) { return Answer{garbage}; });
    const auto connection = connect(server);
    const auto answer = read(*connection, kShort);
    ASSERT_FALSE(answer);
    EXPECT_FALSE(connection->connected());
  }
}

TEST_F(ModbusTcp, AnAnswerOfTheWrongLengthIsAProtocolError) {
  ScriptedServer server([](const Request& request) { return test::registers_answer(request, {1, 2}); });
  const auto connection = connect(server);
  const auto answer = read(*connection, kShort);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::protocol) << answer.error().text;
}

TEST_F(ModbusTcp, NobodyListeningIsRefused) {
  std::uint16_t port = 0;
  {
    ScriptedServer server(count_up);
    port = server.port();
  }
  auto connection = factory_.make("127.0.0.1", port);
  const auto connected = connection->connect(kLong);
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().kind, ErrorKind::refused);
  EXPECT_FALSE(read(*connection)) << "a call without a connection must fail, not wait";
}

TEST_F(ModbusTcp, CancelEndsARunningCall) {
  ScriptedServer server([](const Request&) { return Answer{}; });
  const auto connection = connect(server);
  auto running = std::async(std::launch::async, [&] { return read(*connection, 30s); });
  while (server.requests() == 0) std::this_thread::yield();
  const auto start = std::chrono::steady_clock::now();
  connection->cancel();
  const auto answer = running.get();
  EXPECT_LT(std::chrono::steady_clock::now() - start, kPromptly);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::cancelled);
  server.set_script(count_up);
  ASSERT_TRUE(connection->connect(kLong));
  EXPECT_TRUE(read(*connection)) << "only the running call is cancelled";
}

TEST_F(ModbusTcp, WritesARegister) {
  // Function 6 answers with its own request.
  ScriptedServer server([](const Request& request) {
    const auto low = [](std::uint16_t word) { return static_cast<std::uint8_t>(word); };
    const auto high = [](std::uint16_t word) { return static_cast<std::uint8_t>(word >> 8); };
    return Answer{{high(request.transaction), low(request.transaction), 0, 0, 0, 6, request.unit, request.function,
                   high(request.address), low(request.address), high(request.count), low(request.count)}};
  });
  const auto connection = connect(server);
  const std::array<std::uint16_t, 1> one{4711};
  EXPECT_TRUE(connection->write(1, 40232, one, kLong));
  EXPECT_EQ(server.seen().back().function, 6);
  EXPECT_EQ(server.seen().back().count, 4711);
}

}  // namespace
}  // namespace sluice::io
