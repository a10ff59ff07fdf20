// Catch2 by one name: version 3 where it is installed, else version 2 (as Debian 12 has it).
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
