# Tests of your own use of the ring, for a project that uses annulus. See fuzz/README.md.
#
#     annulus_add_crash_test(orders_crash SOURCES orders_crash.cpp [LINK target...] [SECONDS 5])
#     annulus_add_fuzz_test(orders_fuzz SOURCES orders_fuzz.cpp [LINK target...] [SECONDS 10]
#                           [CORPUS folder...] [DICTIONARY file])
#
# Each makes a program and a test of that name.

# annulus_add_crash_test: <annulus/fuzz/crash.hpp>. It runs alone: its processes need the machine.
function(annulus_add_crash_test target)
  cmake_parse_arguments(PARSE_ARGV 1 given "" "SECONDS" "SOURCES;LINK")
  if(NOT given_SECONDS)
    set(given_SECONDS 5)
  endif()
  add_executable(${target} ${given_SOURCES})
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_link_libraries(${target} PRIVATE annulus::ring ${given_LINK})
  math(EXPR limit "${given_SECONDS} + 120")
  add_test(NAME ${target} COMMAND ${target} --seconds ${given_SECONDS})
  set_tests_properties(${target} PROPERTIES RUN_SERIAL ON TIMEOUT ${limit})
endfunction()

# annulus_add_fuzz_test: <annulus/fuzz/handler.hpp>, or a LLVMFuzzerTestOneInput of your own. Under
# the address and undefined behaviour sanitizers; with clang's fuzzer, else with one that changes
# inputs at random. A new seed each time, which is printed; -seed=N repeats it.
function(annulus_add_fuzz_test target)
  cmake_parse_arguments(PARSE_ARGV 1 given "" "SECONDS;DICTIONARY" "SOURCES;LINK;CORPUS")
  if(NOT given_SECONDS)
    set(given_SECONDS 10)
  endif()
  set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all)
  set(arguments -max_total_time=${given_SECONDS} -print_final_stats=1
                -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/${target}-)
  add_executable(${target} ${given_SOURCES})
  target_compile_features(${target} PRIVATE cxx_std_20)
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    target_compile_options(${target} PRIVATE ${sanitizers} -fsanitize=fuzzer-no-link)
    target_link_options(${target} PRIVATE ${sanitizers} -fsanitize=fuzzer)
    if(given_DICTIONARY)
      list(APPEND arguments -dict=${given_DICTIONARY})
    endif()
  else()
    # Beside this file where it is installed, in fuzz/ where it is not.
    find_file(driver driver.cpp NO_CACHE REQUIRED NO_DEFAULT_PATH
              PATHS ${CMAKE_CURRENT_FUNCTION_LIST_DIR} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../fuzz)
    target_sources(${target} PRIVATE ${driver})
    target_compile_options(${target} PRIVATE ${sanitizers})
    target_link_options(${target} PRIVATE ${sanitizers})
  endif()
  target_link_libraries(${target} PRIVATE annulus::ring ${given_LINK})
  add_test(NAME ${target} COMMAND ${target} ${arguments} ${given_CORPUS})
endfunction()
