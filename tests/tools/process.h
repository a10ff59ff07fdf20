// A program that a test talks to.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "../catch.h"

namespace qrules::testing {

// Started in a folder, with pipes for its streams (errors go to the output); killed at the end when it still runs.
class Process {
 public:
  // Generous: machines that run tests are busy.
  static constexpr int kPatience = 60'000;  // milliseconds

  Process(const std::filesystem::path& folder, std::vector<std::string> command) {
    std::array<int, 2> in, out;
    REQUIRE(pipe2(in.data(), O_CLOEXEC) == 0);
    REQUIRE(pipe2(out.data(), O_CLOEXEC) == 0);
    std::vector<char*> arguments;
    for (std::string& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    const std::string where = folder.string();
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      if (chdir(where.c_str()) != 0) _exit(126);
      dup2(in[0], 0);
      dup2(out[1], 1);
      dup2(out[1], 2);
      execv(arguments[0], arguments.data());
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    input_ = in[1];
    output_ = out[0];
    signal(SIGPIPE, SIG_IGN);
  }
  ~Process() {
    close_input();
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(output_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // False when the program reads no more.
  bool write(const std::string& text) {
    for (size_t at = 0; at < text.size();) {
      const ssize_t count = ::write(input_, text.data() + at, text.size() - at);
      if (count <= 0) return false;
      at += static_cast<size_t>(count);
    }
    return true;
  }
  void close_input() {
    if (input_ >= 0) close(input_);
    input_ = -1;
  }
  void send(int which) { kill(pid_, which); }

  // Adds what the program prints to `text`; false at its end, or after the time.
  bool read_some(std::string& text, int milliseconds = kPatience) {
    pollfd ready{output_, POLLIN, 0};
    if (poll(&ready, 1, milliseconds) <= 0) return false;
    std::array<char, 65536> chunk;
    const ssize_t count = ::read(output_, chunk.data(), chunk.size());
    if (count <= 0) return false;
    text.append(chunk.data(), static_cast<size_t>(count));
    return true;
  }
  // What is printed up to `end`, which must come.
  std::string read_until(const std::string& end) {
    size_t found = std::string::npos;
    while ((found = pending_.find(end)) == std::string::npos) {
      INFO("waiting for " << end << ", have " << pending_);
      REQUIRE(read_some(pending_));
    }
    std::string text = pending_.substr(0, found + end.size());
    pending_.erase(0, found + end.size());
    return text;
  }
  // The exit code; -1 for a signal, -2 when it does not end.
  int wait(int milliseconds = kPatience) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
    while (Clock::now() < end) {
      int status = 0;
      if (waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
      }
      usleep(5000);
    }
    return -2;
  }

 private:
  pid_t pid_ = -1;
  int input_ = -1, output_ = -1;
  std::string pending_;
};

}  // namespace qrules::testing
