# skerry_module: one call declares a module: its library and its unit tests.
#
#   skerry_module(NAME scheduler            -> library target skerry_scheduler
#                 HEADERS a.h b.h           -> tests/tidy/headers.py compiles them alone
#                 SOURCES a.cc b.cc
#                 USES skerry_common ...    -> what it may include and link; nothing else is visible
#                 PRIVATE_USES target ...   -> third parties that must not leak to users of the module
#                 TESTS ../tests/unit/...   -> one gtest binary, skerry_<name>_test, registered with ctest
#                 TEST_USES target ...)
#
# Include paths are rooted at the repository, so an include reads "scheduler/fleet.h". Which module may include which
# is checked by tests/tidy, since a shared include root cannot forbid it.

function(skerry_module)
  cmake_parse_arguments(M "" "NAME" "HEADERS;SOURCES;USES;PRIVATE_USES;TESTS;TEST_USES" ${ARGN})
  set(target skerry_${M_NAME})
  if(M_SOURCES)
    add_library(${target} STATIC ${M_SOURCES} ${M_HEADERS})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE ${M_PRIVATE_USES} skerry_flags)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} ${scope} ${M_USES})

  if(M_TESTS AND SKERRY_TESTS)
    add_executable(${target}_test ${M_TESTS})
    target_link_libraries(${target}_test PRIVATE ${target} ${M_PRIVATE_USES} ${M_TEST_USES} skerry_flags
                                                 GTest::gtest GTest::gmock GTest::gtest_main)
    add_test(NAME unit.${M_NAME} COMMAND ${target}_test --gtest_brief=1)
    set_tests_properties(unit.${M_NAME} PROPERTIES LABELS unit TIMEOUT 300)
  endif()
endfunction()
