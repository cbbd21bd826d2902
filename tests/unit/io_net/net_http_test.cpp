#include "io/net_http.hpp"

#include <gtest/gtest.h>

namespace sluice::io {
namespace {

constexpr std::size_t kLimit = 1000;

ports::HttpRequest get(const std::string& path) {
  ports::HttpRequest request;
  request.peer = {"192.0.2.7", 80, {}, {}, false};
  request.path = path;
  return request;
}

TEST(HttpRequestText, AsksThePeerToClose) {
  ports::HttpRequest request = get("/api/v1/info");
  request.headers = {{"Authorization", "Bearer abc"}};
  EXPECT_EQ(http_request_text(request),
            "GET /api/v1/info HTTP/1.1\r\nHost: 192.0.2.7:80\r\nConnection: close\r\nAccept: */*\r\n"
            "Authorization: Bearer abc\r\n\r\n");
}

TEST(HttpRequestText, APostTellsItsLengthAlsoWhenEmpty) {
  ports::HttpRequest request = get("/stop");
  request.method = "POST";
  EXPECT_NE(http_request_text(request)->find("\r\nContent-Length: 0\r\n"), std::string::npos);
  request.body = "{}";
  EXPECT_TRUE(http_request_text(request)->ends_with("\r\nContent-Length: 2\r\n\r\n{}"));
}

TEST(HttpRequestText, NoHeaderCanBeSmuggledIn) {
  ports::HttpRequest request = get("/");
  request.headers = {{"Authorization", "Bearer a\r\nX-Other: 1"}};
  EXPECT_EQ(http_request_text(request).error().kind, ErrorKind::invalid);
  EXPECT_FALSE(http_request_text(get("/a b")));
  EXPECT_FALSE(http_request_text(get("/a\r\nX: 1")));
}

/// Parses `text` as a whole and also in every possible two pieces: the first must never be mistaken for the whole.
void expect_reply(const std::string& text, bool until_close, int status, const std::string& body) {
  for (std::size_t cut = 0; cut < text.size() && !until_close; ++cut) {
    const auto part = parse_http_reply(std::string_view(text).substr(0, cut), false, "GET", kLimit);
    ASSERT_TRUE(part) << cut << ": " << part.error().text;
    if (*part) {
      EXPECT_EQ((*part)->body, body) << "may be ready early only when nothing of it is missing";
    }
  }
  const auto whole = parse_http_reply(text, until_close, "GET", kLimit);
  ASSERT_TRUE(whole && *whole);
  EXPECT_EQ((*whole)->status, status);
  EXPECT_EQ((*whole)->body, body);
}

TEST(HttpReply, KnowsTheThreeKindsOfBody) {
  expect_reply("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", false, 200, "hello");
  expect_reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", false, 200,
               "hello");
  expect_reply("HTTP/1.0 404 Not Found\r\n\r\nhello", true, 404, "hello");
  expect_reply("HTTP/1.1 204 No Content\r\n\r\n", false, 204, "");
  expect_reply("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, 200, "ok");
}

TEST(HttpReply, NothingUntilItIsComplete) {
  EXPECT_FALSE(*parse_http_reply("", false, "GET", kLimit));
  EXPECT_FALSE(*parse_http_reply("HTTP/1.1 200 OK\r\n\r\nhel", false, "GET", kLimit)) << "the peer has not closed yet";
}

TEST(HttpReply, RefusesWhatCannotBeOne) {
  const char* broken[] = {"SSH-2.0-dropbear\r\n\r\n",
                          "HTTP/1.1 abc OK\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n"};
  for (const char* text : broken) {
    const auto reply = parse_http_reply(text, false, "GET", kLimit);
    ASSERT_FALSE(reply) << text;
    EXPECT_EQ(reply.error().kind, ErrorKind::protocol);
  }
  EXPECT_FALSE(parse_http_reply("HTTP/1.1 200 OK\r\n\r\n" + std::string(kLimit + 1, 'x'), true, "GET", kLimit));
  EXPECT_FALSE(parse_http_reply(std::string(40'000, 'x'), false, "GET", kLimit)) << "a header without an end";
}

TEST(HttpReply, SaysThatItWasCutOff) {
  for (const char* text : {"HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhe"}) {
    EXPECT_EQ(parse_http_reply(text, true, "GET", kLimit).error().kind, ErrorKind::protocol) << text;
  }
  EXPECT_EQ(parse_http_reply("", true, "GET", kLimit).error().kind, ErrorKind::refused);
}

}  // namespace
}  // namespace sluice::io
