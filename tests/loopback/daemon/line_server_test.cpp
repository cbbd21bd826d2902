#include "web/line_server.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "web/line_client.hpp"
#include "web/unix_socket.hpp"

namespace sluice::web {
namespace {

class LineServerTest : public testing::Test {
 protected:
  LineServerTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-line-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    path = directory_ + "/sock";
  }
  ~LineServerTest() override { std::filesystem::remove_all(directory_); }
  Result<std::unique_ptr<LineServer>> serve() {
    return LineServer::start(path, [](std::string_view request) { return "you said " + std::string(request); });
  }
  FileDescriptor connect() const {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    const auto address = unix_address(path);
    EXPECT_EQ(::connect(socket.get(), generic(*address), sizeof *address), 0);
    return socket;
  }

  std::string path;

 private:
  std::string directory_;
};

TEST_F(LineServerTest, answers_a_line_with_a_line) {
  const auto server = serve();
  ASSERT_TRUE(server);
  EXPECT_EQ(ask(path, "hello").value_or(""), "you said hello");
  EXPECT_EQ(ask(path, std::string(20'000, 'x')).value_or("").size(), 20'009u);
}

TEST_F(LineServerTest, the_socket_is_for_owner_and_group_and_goes_with_the_server) {
  {
    const auto server = serve();
    struct stat status{};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0660U);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(ask(path, "hello").error().kind, ErrorKind::not_found);
}

TEST_F(LineServerTest, replaces_the_socket_of_a_dead_server_but_not_of_a_living_one) {
  const FileDescriptor dead(::socket(AF_UNIX, SOCK_STREAM, 0));
  const auto address = unix_address(path);
  ASSERT_EQ(::bind(dead.get(), generic(*address), sizeof *address), 0);
  const auto first = serve();
  ASSERT_TRUE(first);
  const auto second = serve();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::rejected);
  EXPECT_EQ(ask(path, "still there").value_or(""), "you said still there");
}

TEST_F(LineServerTest, a_line_may_come_in_pieces_and_several_at_once) {
  const auto server = serve();
  const FileDescriptor socket = connect();
  for (const char* piece : {"a", "b\nc", "d\n"}) ASSERT_GT(::send(socket.get(), piece, std::strlen(piece), 0), 0);
  std::string got;
  char buffer[64];
  while (got.size() < std::strlen("you said ab\nyou said cd\n")) {
    const ssize_t count = ::recv(socket.get(), buffer, sizeof buffer, 0);
    ASSERT_GT(count, 0);
    got.append(buffer, static_cast<std::size_t>(count));
  }
  EXPECT_EQ(got, "you said ab\nyou said cd\n");
}

TEST_F(LineServerTest, an_endless_line_ends_its_own_conversation_only) {
  const auto server = serve();
  const FileDescriptor flood = connect();
  const std::string piece(8192, 'x');
  ssize_t sent = 1;
  for (int i = 0; i < 64 && sent > 0; ++i) sent = ::send(flood.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
  EXPECT_LE(sent, 0);
  EXPECT_EQ(ask(path, "hello").value_or(""), "you said hello");
}

TEST_F(LineServerTest, an_idle_client_holds_nobody_up) {
  const auto server = serve();
  const FileDescriptor idle = connect();
  EXPECT_EQ(ask(path, "hello").value_or(""), "you said hello");
}

TEST_F(LineServerTest, a_path_that_is_too_long_is_said) {
  path = "/tmp/" + std::string(200, 'x');
  EXPECT_EQ(serve().error().kind, ErrorKind::invalid);
}

}  // namespace
}  // namespace sluice::web
