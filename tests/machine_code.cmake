# The orders in the ring's machine code, for the processor that this build is for.
set(flags -O2 -g -fPIC -fno-exceptions)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL aarch64)
  list(APPEND flags -mno-outline-atomics)  # else an exchange is a call
endif()
add_library(machine_code MODULE machine_code.cpp)
target_compile_options(machine_code PRIVATE ${flags})
target_include_directories(machine_code PRIVATE ${PROJECT_BINARY_DIR}/include)
target_link_options(machine_code PRIVATE -nostdlib)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME MachineCode.has_the_instructions_of_each_order_and_none_stronger
         COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/machine_code.py
                 ${PROJECT_SOURCE_DIR} ${CMAKE_SYSTEM_PROCESSOR} $<TARGET_FILE:machine_code>)
set_tests_properties(MachineCode.has_the_instructions_of_each_order_and_none_stronger
                     PROPERTIES LABELS single)
